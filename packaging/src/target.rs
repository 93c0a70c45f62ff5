//! A *target* is what a program is compiled for. Every fact about one stands here, and nowhere else.

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

/// Every target, the better one of an OS and processor first.
#[rustfmt::skip] // a table
pub const TARGETS: [Target; 7] = [
    Target { triple: "x86_64-unknown-linux-musl",  os: Os::Linux,   arch: &X86_64,  libc: Some(Libc::Musl) },
    Target { triple: "x86_64-unknown-linux-gnu",   os: Os::Linux,   arch: &X86_64,  libc: Some(Libc::Gnu) },
    Target { triple: "aarch64-unknown-linux-musl", os: Os::Linux,   arch: &AARCH64, libc: Some(Libc::Musl) },
    Target { triple: "aarch64-unknown-linux-gnu",  os: Os::Linux,   arch: &AARCH64, libc: Some(Libc::Gnu) },
    Target { triple: "x86_64-apple-darwin",        os: Os::Macos,   arch: &X86_64,  libc: None },
    Target { triple: "aarch64-apple-darwin",       os: Os::Macos,   arch: &AARCH64, libc: None },
    Target { triple: "x86_64-pc-windows-gnu",      os: Os::Windows, arch: &X86_64,  libc: None },
];

impl Target {
    /// OS and processor, as the names of bundles begin: `linux/x86_64`.
    pub fn platform(&self) -> String {
        format!("{}/{}", self.os.name(), self.arch.name)
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

    /// What the file name of a program ends with.
    pub fn exe_suffix(self) -> &'static str {
        match self {
            Self::Linux | Self::Macos => "",
            Self::Windows => ".exe",
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
pub fn choose(platform: &str, host: &str, installed: impl Fn(&Target) -> bool) -> Option<&'static Target> {
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
