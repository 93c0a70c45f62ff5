//! *cargo-dist*, the program `dist`: from our manifest it makes what fetches the bundles (the installers, Homebrew's
//! formula) and the text that announces the release. What it is told stands in Cargo.toml, `[workspace.metadata.dist]`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use cargo_dist_schema::DistManifest;

use crate::companion::Files;
use crate::manifest;
use crate::tools;
use crate::workspace::Workspace;

/// The version that is used, the same as in Cargo.toml: another one refuses to run.
pub const VERSION: &str = "0.33.0";

/// What `dist` has made.
pub struct Made {
    /// Each file, by name.
    pub files: Files,
    /// Our manifest, with what `dist` knows besides.
    pub manifest: DistManifest,
}

/// Makes what is the same for every target, for the release that our manifest describes.
///
/// It trusts the hashes in there and looks at no bundle. It works in a folder of its own, so that nothing of an
/// earlier release is read, and nothing of this one overwritten.
///
/// # Errors
/// `dist` is not there, or does not like the manifest.
pub fn make(workspace: &Workspace, ours: &DistManifest) -> Result<Made> {
    let target = tempfile::tempdir()?;
    let folder = target.path().join("distrib");
    fs::create_dir(&folder)?;
    fs::write(folder.join(manifest::FILE), serde_json::to_vec(ours)?)?;
    let tag = ours.announcement_tag.as_deref().context("the release has no tag")?;
    let mut merged: DistManifest =
        run(workspace, target.path(), &["build", "--artifacts=global", "--tag", tag])?;
    let mut files = Vec::new();
    for path in std::mem::take(&mut merged.upload_files) {
        let name = Path::new(&path).file_name().with_context(|| format!("{path} is no file"))?;
        files.push((name.to_string_lossy().into_owned(), fs::read(&path).with_context(|| path.clone())?));
    }
    forget_this_machine(&mut merged);
    Ok(Made { files, manifest: merged })
}

/// What `dist` plans to make, by what it is told in Cargo.toml alone.
///
/// # Errors
/// `dist` is not there, or does not like what it is told.
pub fn plan(workspace: &Workspace) -> Result<DistManifest> {
    let target = tempfile::tempdir()?;
    run(workspace, target.path(), &["manifest", "--artifacts=all", "--no-local-paths"])
}

/// Runs `dist` with a target folder of its own; its answer.
fn run(workspace: &Workspace, target: &Path, args: &[&str]) -> Result<DistManifest> {
    let program = tools::cargo_dist()
        .map_err(|missing| anyhow!("{} is missing\n  fix: {}", missing.what, missing.get))?;
    let mut dist = Command::new(program);
    dist.args(args).arg("--output-format=json").current_dir(&workspace.root).env("CARGO_TARGET_DIR", target);
    let output = dist.output().context("run dist")?;
    if !output.status.success() {
        bail!("dist {}: {}", args[0], complaint(&output.stdout, &output.stderr));
    }
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("dist {} says what is no manifest", args[0]))
}

/// What `dist` complains of: with `--output-format=json` an object on stdout, else a text on stderr.
fn complaint(stdout: &[u8], stderr: &[u8]) -> String {
    let said: Option<serde_json::Value> = serde_json::from_slice(stdout).ok();
    let message = said.and_then(|said| Some(said.get("diagnostic")?.get("message")?.as_str()?.to_owned()));
    message.unwrap_or_else(|| String::from_utf8_lossy(stderr).trim().to_owned())
}

/// Takes out what differs by the machine that `dist` ran on.
fn forget_this_machine(manifest: &mut DistManifest) {
    manifest.systems.clear();
    for artifact in manifest.artifacts.values_mut() {
        artifact.path = None;
        for asset in &mut artifact.assets {
            asset.id = None;
        }
    }
}
