//! What has to be on a machine to make a bundle, and how to get it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use serde::Serialize;

use crate::workspace::output;

/// Something that this machine lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What it is.
    pub what: String,
    /// The command that gets it.
    pub get: String,
}

/// What is missing to compile for a target: its standard library, or nothing.
pub fn compiler(triple: &str) -> Option<Missing> {
    (!has_standard_library(triple)).then(|| Missing {
        what: format!("Rust's standard library for {triple}"),
        get: format!("rustup target add {triple}"),
    })
}

/// The linker of Rust's own tool chain, as rustc finds it.
pub const LINKER: &str = "rust-lld";

/// Where the linker of this tool chain is, if it brings one.
///
/// # Errors
/// rustc can't be run.
pub fn own_linker() -> Result<Option<PathBuf>> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    // The folder of the host's standard library has a neighbour for programs.
    let folder = output(Command::new(rustc).arg("--print=target-libdir"))?;
    let linker = PathBuf::from(String::from_utf8_lossy(&folder).trim()).with_file_name("bin").join(LINKER);
    Ok(linker.is_file().then_some(linker))
}

/// Whether rustc knows the target and its compiled standard library is there.
pub fn has_standard_library(triple: &str) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let Ok(folder) = output(Command::new(rustc).args(["--print=target-libdir", "--target", triple])) else {
        return false;
    };
    let folder = PathBuf::from(String::from_utf8_lossy(&folder).trim());
    let is_std = |name: OsString| name.to_string_lossy().starts_with("libstd-");
    folder.read_dir().is_ok_and(|files| files.flatten().any(|file| is_std(file.file_name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_how_to_get_it() {
        let missing = compiler("no-such-target").unwrap();
        assert_eq!(missing.get, "rustup target add no-such-target");
        let host = format!("{}-unknown-linux-gnu", env::consts::ARCH);
        assert!(cfg!(not(all(target_os = "linux", target_env = "gnu"))) || compiler(&host).is_none());
    }
}
