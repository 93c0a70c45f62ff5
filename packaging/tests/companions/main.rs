//! What is made from the bundles, with the real cargo-dist, judged by others.
//!
//! Where a program is not installed its part is left out; with `CI=true` it has to be there.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic and tell")]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod again;
mod aur;
mod browser;
mod channels;
mod formula;
mod installers;
mod manifest;
mod plan;
#[path = "../programs/mod.rs"]
mod programs;
mod site;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use xtask::tools;

/// Debian's validator, package python3-jsonschema; in PATH another Python may have one that lacks what it needs.
const JSONSCHEMA: &str = "/usr/bin/jsonschema";

/// When the release was, in seconds since 1970.
const EPOCH: &str = "1234567890";

/// Whether a program is there; with `CI=true` it has to be.
fn is_there(program: &str, found: bool) -> bool {
    if !found {
        fakes::left_out(format_args!("{program} is not installed"));
    }
    found
}

fn has_dist() -> bool {
    is_there("cargo-dist", tools::cargo_dist().is_ok())
}

/// What a program prints, if it is there.
fn run(program: &str, args: &[&str], folder: &Path) -> Option<Output> {
    let output = Command::new(program).args(args).current_dir(folder).stdin(Stdio::null()).output();
    is_there(program, output.is_ok()).then(|| output.unwrap())
}

fn passes(program: &str, args: &[&str], folder: &Path) {
    if let Some(output) = run(program, args, folder) {
        let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).into_owned());
        assert!(output.status.success(), "{program} {args:?}: {}", said.concat());
    }
}

/// A whole release around small programs, made once for all tests. None where cargo-dist is missing.
fn release() -> Option<&'static Path> {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("companions");
        let _ = fs::remove_dir_all(&target); // of an earlier run
        programs::compiled(&target);
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.args(["dist", "--all", "--no-build"]).env("CARGO_TARGET_DIR", &target);
        let output = xtask.env("SOURCE_DATE_EPOCH", EPOCH).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        target.join("distrib")
    };
    has_dist().then(|| RELEASE.get_or_init(make).as_path())
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}
