//! The *workspace*: the checkout that everything is built from, and where cargo puts what it builds.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

/// A checkout of ductor.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Its top folder.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Workspace {
    /// The checkout that this program runs for: the one of `cargo xtask`, else the one it was compiled in.
    ///
    /// # Errors
    /// Cargo can't read the workspace there.
    pub fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package).parent().context("the folder of xtask stands in no workspace")?;
        #[derive(Deserialize)]
        struct Metadata {
            target_directory: PathBuf,
        }
        let mut metadata = cargo();
        metadata.args(["metadata", "--no-deps", "--format-version=1"]).current_dir(root);
        let metadata: Metadata = serde_json::from_slice(&output(&mut metadata)?)
            .context("cargo metadata says what is not JSON")?;
        Ok(Self { root: root.to_owned(), target: metadata.target_directory })
    }

    /// The content of a file of the checkout.
    ///
    /// # Errors
    /// It can't be read.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        fs::read(self.root.join(path)).with_context(|| format!("read {path}"))
    }
}

/// Writes a file below `folder`. One that is there is a whole one.
///
/// # Errors
/// The folder can't be written to.
pub fn write(folder: &Path, file: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(file);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
    }
    let written = ductor::internals::replace(&path, bytes, 0o644);
    written.map_err(|error| anyhow!("{}: {}", error.what, error.cause))
}

/// The cargo that runs us, else the one in PATH.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// The compiler that cargo would run.
pub fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")))
}

/// What a command prints.
///
/// # Errors
/// It can't be started, or fails; the error shows its line and what it said.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let line = format!("{command:?}").replace('"', "");
    let output = command.output().with_context(|| format!("run {line}"))?;
    if !output.status.success() {
        bail!("{line}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}
