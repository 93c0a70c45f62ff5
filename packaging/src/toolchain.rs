//! The *tool chain* that compiles: whether it can, for a target, and how to get what it lacks. What links is in
//! [`linker`](crate::linker).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Serialize;

use crate::workspace::{output, rustc};

/// Something that this machine lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What it is.
    pub what: String,
    /// The command that gets it.
    pub get: String,
}

/// What is missing to compile for a triple of rustc's: its standard library, or nothing.
pub fn compiler(triple: &str) -> Option<Missing> {
    (!has_standard_library(triple)).then(|| Missing {
        what: format!("Rust's standard library for {triple}"),
        get: format!("rustup target add {triple}"),
    })
}

/// Whether the compiled standard library of a target is there.
pub fn has_standard_library(triple: &str) -> bool {
    let Some(host) = of_host() else { return false };
    let is_std = |name: OsString| name.to_string_lossy().starts_with("libstd-");
    let folder = host.with_file_name(triple).join("lib");
    folder.read_dir().is_ok_and(|files| files.flatten().any(|file| is_std(file.file_name())))
}

/// What rustc has for the machine that it runs on: the standard library in `lib`, programs in `bin`. Beside it is the
/// same for other targets. It is asked once: an answer takes longer, through rustup, than all else of an unchanged
/// `dist`.
pub fn of_host() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let ask = || {
        let library = output(rustc().arg("--print=target-libdir")).ok()?;
        Some(Path::new(String::from_utf8_lossy(&library).trim()).parent()?.to_owned())
    };
    FOLDER.get_or_init(ask).as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_how_to_get_it() {
        let missing = compiler("no-such-target").unwrap();
        assert_eq!(missing.get, "rustup target add no-such-target");
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        assert!(cfg!(not(all(target_os = "linux", target_env = "gnu"))) || compiler(&host).is_none());
    }
}
