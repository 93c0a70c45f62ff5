//! *cargo-dist*, the program `dist`: from our manifest it makes what fetches the bundles (the installers, Homebrew's
//! formula) and the text that announces the release. What it is told stands in dist-workspace.toml.
//!
//! It works in `target/distrib` of the workspace, where our own bundles are, and in no other folder. So it is shown a
//! *view*: a folder that looks like the checkout, and has a target folder of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use cargo_dist_schema::DistManifest;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::kept;
use crate::manifest;
use crate::tools;
use crate::workspace::{self, Workspace};

/// What `dist` has made.
#[derive(Serialize, Deserialize)]
pub struct Made {
    /// Each file, by name. All are text.
    pub files: Vec<(String, String)>,
    /// Our manifest, with what `dist` knows besides.
    pub manifest: DistManifest,
}

/// Makes what is the same for every target, for the release that our manifest describes.
///
/// It trusts the hashes in there and looks at no bundle.
///
/// # Errors
/// `dist` is not there, or does not like the manifest.
pub fn make(workspace: &Workspace, ours: &DistManifest) -> Result<Made> {
    // What it reads, beside the manifest.
    let read = |file| workspace.read(file);
    let told = [read("dist-workspace.toml")?, read("Cargo.toml")?, read("CHANGELOG.md")?];
    let inputs = [&serde_json::to_vec(ours)?, &told[0], &told[1], &told[2]];
    let made = || Ok(serde_json::to_vec(&make_anew(workspace, ours)?)?);
    let made = kept::or_made(workspace, "cargo-dist", &inputs.map(Vec::as_slice), made)?;
    serde_json::from_slice(&made).context("what was kept of cargo-dist")
}

fn make_anew(workspace: &Workspace, ours: &DistManifest) -> Result<Made> {
    let view = view(workspace)?;
    workspace::write(view.path(), &format!("target/distrib/{}", manifest::FILE), &serde_json::to_vec(ours)?)?;
    let tag = ours.announcement_tag.as_deref().context("the release has no tag")?;
    let mut merged: DistManifest = run(view.path(), &["build", "--artifacts=global", "--tag", tag])?;
    let mut files = Vec::new();
    for path in std::mem::take(&mut merged.upload_files) {
        let name = Path::new(&path).file_name().with_context(|| format!("{path} is no file"))?;
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        files.push((name.to_string_lossy().into_owned(), text));
    }
    forget_this_machine(&mut merged);
    Ok(Made { files, manifest: merged })
}

/// What `dist` plans to make, by what it is told alone.
///
/// # Errors
/// `dist` is not there, or does not like what it is told.
pub fn plan(workspace: &Workspace) -> Result<DistManifest> {
    run(view(workspace)?.path(), &["manifest", "--artifacts=all", "--no-local-paths"])
}

/// A view: the folders of the checkout by links, and copies of its files, as `dist` overlooks a link to a changelog.
///
/// # Errors
/// The checkout can't be read.
pub fn view(workspace: &Workspace) -> Result<TempDir> {
    let view = tempfile::tempdir()?;
    for entry in fs::read_dir(&workspace.root).context("list the checkout")? {
        let (entry, to) = (entry?, |name| view.path().join(name));
        let (name, from) = (entry.file_name(), entry.path());
        match name.to_str() {
            Some("target" | ".git") => {}
            _ if from.is_file() => drop(fs::copy(&from, to(name))?),
            _ => symlink(&from, to(name))?,
        }
    }
    Ok(view)
}

/// Runs `dist` in a view; its answer.
fn run(view: &Path, args: &[&str]) -> Result<DistManifest> {
    let program = tools::cargo_dist()
        .map_err(|missing| anyhow!("{} is missing\n  fix: {}", missing.what, missing.get))?;
    let mut dist = Command::new(program);
    dist.args(args).arg("--output-format=json").current_dir(view).env_remove("CARGO_TARGET_DIR");
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
