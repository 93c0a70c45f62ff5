//! A *target* is what a program is compiled for. Every fact about one stands here, and nowhere else.

use ductor::service::render::{plist, task_xml, unit};

/// What a program is compiled for.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// The name that rustc knows it by. Archives are named so.
    pub triple: &'static str,
    /// The operating system.
    pub os: Os,
    /// The processor.
    pub arch: &'static Arch,
    /// The C library, where there is more than one.
    pub libc: Option<Libc>,
    /// What links its program on a machine of another OS.
    pub linker: Linker,
    /// The targets whose programs are joined to one; none for a target of rustc's.
    pub joins: &'static [&'static str],
}

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Linux
    Linux,
    /// macOS
    Macos,
    /// Windows
    Windows,
}

/// A C library of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Libc {
    /// Linked into the program, which then runs on every Linux.
    Musl,
    /// That of the machine which runs the program: at least as new as the one that compiled it.
    Gnu,
}

/// What makes a program of the objects that rustc writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linker {
    /// The one that rustc takes by itself.
    Default,
    /// The one of Rust's own tool chain.
    Rust,
    /// mingw's compiler, by the name of its program, which `packaging/mingw-cc` calls.
    Mingw(&'static str),
    /// zig's C compiler. It brings what stands for the libraries of macOS.
    Zig,
}

/// A processor, under the names that the formats have for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Arch {
    /// In the names of our bundles, in triples, in rpm and in Arch's packages.
    pub name: &'static str,
    /// In Debian's packages.
    pub deb: &'static str,
}

const X86_64: Arch = Arch { name: "x86_64", deb: "amd64" };
const AARCH64: Arch = Arch { name: "aarch64", deb: "arm64" };
const UNIVERSAL: Arch = Arch { name: "universal", deb: "all" };

const MINGW: Linker = Linker::Mingw("x86_64-w64-mingw32-gcc");
const MACS: &[&str] = &["x86_64-apple-darwin", "aarch64-apple-darwin"];

/// The macOS from which on a program runs: the first for Apple's own processors.
pub const MACOS: &str = "11.0";

/// Every target, the better one of an OS and processor first.
#[rustfmt::skip] // a table
pub const TARGETS: [Target; 8] = [
    Target { triple: "x86_64-unknown-linux-musl",  os: Os::Linux,   arch: &X86_64,    libc: Some(Libc::Musl), linker: Linker::Rust,    joins: &[] },
    Target { triple: "x86_64-unknown-linux-gnu",   os: Os::Linux,   arch: &X86_64,    libc: Some(Libc::Gnu),  linker: Linker::Default, joins: &[] },
    Target { triple: "aarch64-unknown-linux-musl", os: Os::Linux,   arch: &AARCH64,   libc: Some(Libc::Musl), linker: Linker::Rust,    joins: &[] },
    Target { triple: "aarch64-unknown-linux-gnu",  os: Os::Linux,   arch: &AARCH64,   libc: Some(Libc::Gnu),  linker: Linker::Default, joins: &[] },
    Target { triple: "x86_64-apple-darwin",        os: Os::Macos,   arch: &X86_64,    libc: None,             linker: Linker::Zig,     joins: &[] },
    Target { triple: "aarch64-apple-darwin",       os: Os::Macos,   arch: &AARCH64,   libc: None,             linker: Linker::Zig,     joins: &[] },
    Target { triple: "universal-apple-darwin",     os: Os::Macos,   arch: &UNIVERSAL, libc: None,             linker: Linker::Default, joins: MACS },
    Target { triple: "x86_64-pc-windows-gnu",      os: Os::Windows, arch: &X86_64,    libc: None,             linker: MINGW,           joins: &[] },
];

impl Target {
    /// OS and processor, as the names of bundles begin: `linux/x86_64`.
    pub fn platform(&self) -> String {
        format!("{}/{}", self.os.name(), self.arch.name)
    }

    /// The targets of rustc's that it is made of: those that it joins, else itself.
    pub fn parts(&'static self) -> Vec<&'static Target> {
        let joined = |target: &&Target| self.joins.contains(&target.triple);
        if self.joins.is_empty() { vec![self] } else { TARGETS.iter().filter(joined).collect() }
    }
}

impl Os {
    /// The name in the names of our bundles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Macos => "macos",
            Self::Windows => "windows",
        }
    }

    /// The files of its programs, the one that people type first. The second of Windows opens no window.
    pub fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Linux | Self::Macos => &["ductor"],
            Self::Windows => &["ductor.exe", "ductorw.exe"],
        }
    }

    /// Where its packages put the program, as the packaged definition names it.
    pub fn packaged_program(self) -> &'static str {
        match self {
            Self::Linux => unit::PACKAGED,
            Self::Macos => plist::PACKAGED,
            Self::Windows => task_xml::PACKAGED,
        }
    }
}

/// The platform of this machine: `linux/x86_64`.
pub fn host_platform() -> String {
    format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The target that the bundles of a platform are made for.
///
/// The first of the table whose standard library is `installed`. The C library of another machine is nothing
/// to link against, so a `-gnu` target counts on the machine's own platform only. Where none is installed it
/// is the first all the same: the one to get. None for a platform that the table does not know.
pub fn choose(
    platform: &str,
    host: &str,
    installed: impl Fn(&'static Target) -> bool,
) -> Option<&'static Target> {
    let ours = || TARGETS.iter().filter(|target| target.platform() == platform);
    let usable = |target: &&Target| target.libc != Some(Libc::Gnu) || platform == host;
    ours().filter(usable).find(|target| installed(target)).or_else(|| ours().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(platform: &str, installed: &[&str]) -> &'static str {
        choose(platform, "linux/x86_64", |target| installed.contains(&target.triple)).unwrap().triple
    }

    #[test]
    fn musl_is_taken_where_it_is_else_the_machines_own_library() {
        let both = ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"];
        assert_eq!(chosen("linux/x86_64", &both), "x86_64-unknown-linux-musl");
        assert_eq!(chosen("linux/x86_64", &both[..1]), "x86_64-unknown-linux-gnu");
        assert_eq!(chosen("linux/aarch64", &both), "aarch64-unknown-linux-musl");
        assert_eq!(chosen("linux/aarch64", &["aarch64-unknown-linux-gnu"]), "aarch64-unknown-linux-musl");
        assert_eq!(choose("plan9/x86_64", "linux/x86_64", |_| true), None);
    }

    #[test]
    fn the_names_of_a_target_are_those_of_its_triple() {
        for target in &TARGETS {
            assert!(target.triple.starts_with(target.arch.name), "{target:?}");
            let os = if target.os == Os::Macos { "apple" } else { target.os.name() };
            assert!(target.triple.contains(os), "{target:?}");
        }
    }
}
