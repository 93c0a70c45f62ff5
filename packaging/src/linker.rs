//! The *linker* of a target: what makes a program of the objects that rustc writes. Which one it is stands in the
//! table of [`crate::target`]; here is where it is found, what to do where it is not, and how cargo is told.
//!
//! A machine of the target's own OS links by itself, and so does one whose user has named a linker.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::lab::needs::on_path;
use crate::target::{Linker, MACOS, TARGETS, Target};
use crate::toolchain::{self, Missing};
use crate::workspace::{Workspace, output};

/// The linker of Rust's own tool chain, as rustc finds it.
const RUST: &str = "rust-lld";

/// What gets a linker that is missing, on Debian.
const SETUP: &str = "packaging/cross-setup.sh";

/// What is missing to link for a target, or nothing.
pub fn missing(target: &Target) -> Option<Missing> {
    let lacks = |what: &str| Some(Missing { what: what.into(), get: SETUP.into() });
    match needed(target) {
        Linker::Mingw(program) if !on_path(program) => lacks(program),
        Linker::Zig if zig().is_none() => lacks("zig, which links for macOS"),
        _ => None,
    }
}

/// Tells cargo how to link for a target.
///
/// For musl that is the linker of Rust's own tool chain: with it and the C library that comes with the target
/// nothing of this machine is linked in, so any machine links for any processor, and gives the same bytes. A tool
/// chain without it (Debian's) links as it does by itself.
///
/// # Errors
/// The linker is missing, or can't work here.
pub fn set(build: &mut Command, target: &Target, workspace: &Workspace) -> Result<()> {
    match needed(target) {
        Linker::Default => {}
        Linker::Mingw(_) => {
            let folder = &workspace.target;
            ensure!(
                !folder.to_string_lossy().contains(' '),
                "{}: mingw's dlltool splits a path at a blank\n  fix: set CARGO_TARGET_DIR to one without",
                folder.display()
            );
            build.env(variable(target), workspace.root.join("packaging/mingw-cc"));
        }
        Linker::Rust if own() => drop(build.env(variable(target), RUST)),
        Linker::Rust => {}
        Linker::Zig => {
            build.env(variable(target), workspace.root.join("packaging/zig-cc"));
            build.env("ZIG", zig().context("zig is missing")?);
            build.env("MACOSX_DEPLOYMENT_TARGET", MACOS).env("SDKROOT", no_sdk(workspace)?);
        }
    }
    Ok(())
}

/// What rustc tells the linker of a target beyond what it always does.
pub fn flags(target: &Target) -> Vec<String> {
    match target.linker {
        // mingw's writes the time of day into every program.
        Linker::Mingw(_) => vec!["-Clink-arg=-Wl,--no-insert-timestamp".into()],
        // Relative to where cargo runs rustc for a crate of the workspace.
        Linker::Rust if own() => vec!["-Clink-arg=-Tpackaging/no-unwinding.ld".into()],
        Linker::Default | Linker::Rust | Linker::Zig => Vec::new(),
    }
}

/// What the linkers of this machine say of their versions, each once: others link other bytes. The one of Rust's own
/// tool chain comes with the compiler.
pub fn versions() -> Vec<u8> {
    let asked = |target: &Target| match target.linker {
        Linker::Default => Some((PathBuf::from("cc"), "-Wl,--version")),
        Linker::Mingw(program) => Some((PathBuf::from(program), "-Wl,--version")),
        Linker::Zig => Some((zig()?, "version")),
        Linker::Rust => None,
    };
    let asked: BTreeSet<(PathBuf, &str)> = TARGETS.iter().filter_map(asked).collect();
    asked
        .iter()
        .flat_map(|(program, word)| output(Command::new(program).arg(word)).unwrap_or_default())
        .collect()
}

/// What this machine needs for a target.
fn needed(target: &Target) -> Linker {
    let theirs = env::var_os(variable(target)).is_some();
    let at_home = target.os.name() == env::consts::OS && target.linker != Linker::Rust;
    if theirs || at_home { Linker::Default } else { target.linker }
}

/// The variable by which cargo is told.
fn variable(target: &Target) -> String {
    format!("CARGO_TARGET_{}_LINKER", target.triple.to_uppercase().replace('-', "_"))
}

/// Whether this tool chain brings a linker.
fn own() -> bool {
    toolchain::of_host().is_some_and(|host| host.join("bin").join(RUST).is_file())
}

/// zig: what `ZIG` names, else the one in PATH, else the one that `cross-setup.sh` has got.
fn zig() -> Option<PathBuf> {
    let named = env::var_os("ZIG").map(PathBuf::from);
    let in_path = || on_path("zig").then(|| PathBuf::from("zig"));
    let got =
        || dirs::cache_dir().map(|cache| cache.join("ductor/zig/ziglang/zig")).filter(|zig| zig.is_file());
    named.or_else(in_path).or_else(got)
}

/// An empty folder in the place of Apple's SDK: rustc warns where there is none, and zig needs none.
fn no_sdk(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("no-sdk");
    fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn cargo_is_told_by_the_name_of_the_target() {
        assert_eq!(variable(&TARGETS[4]), "CARGO_TARGET_X86_64_APPLE_DARWIN_LINKER");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_machine_links_for_its_own_system_by_itself() {
        for target in TARGETS.iter().filter(|target| target.linker == Linker::Default) {
            assert_eq!(missing(target), None);
        }
    }
}
