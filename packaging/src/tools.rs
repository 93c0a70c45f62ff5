//! What has to be on a machine to make a bundle, and how to get it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use serde::Serialize;

use crate::linker;
use crate::target::Target;
use crate::workspace::output;

/// Something that this machine lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What it is.
    pub what: String,
    /// The command that gets it.
    pub get: String,
}

/// What is missing to make the program of a target: a standard library, a linker, or nothing.
pub fn missing(target: &'static Target) -> Option<Missing> {
    target.parts().into_iter().find_map(|part| compiler(part.triple).or_else(|| linker::missing(part)))
}

/// What is missing to compile for a triple of rustc's: its standard library, or nothing.
pub fn compiler(triple: &str) -> Option<Missing> {
    (!has_standard_library(triple)).then(|| Missing {
        what: format!("Rust's standard library for {triple}"),
        get: format!("rustup target add {triple}"),
    })
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
