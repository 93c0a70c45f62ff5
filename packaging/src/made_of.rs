//! What a program is *made of*, in the form that cargo-auditable puts into programs (its PARSING.md): JSON, compressed
//! by zlib. `src/made_of.rs` of the program includes it.
//!
//! Not cargo-auditable itself: with it where it happens to be installed, and without it elsewhere, the same commit
//! would not give the same bytes.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use flate2::{Compression, write::ZlibEncoder};
use serde_json::{Value, json};

use crate::release::NAME;
use crate::sbom::Crates;
use crate::target::Target;
use crate::workspace::Workspace;

/// The feature of the program that takes it in.
pub const FEATURE: &str = "auditable";

/// The variable that names the file for it.
pub const VARIABLE: &str = "DUCTOR_MADE_OF";

/// Writes it for a target, and gives the file. One that is as it should be is left alone, so that nothing is compiled
/// again.
///
/// # Errors
/// Cargo can't read the workspace, or the file can't be written.
pub fn write(workspace: &Workspace, target: &Target) -> Result<PathBuf> {
    let mut compressed = ZlibEncoder::new(Vec::new(), Compression::best());
    compressed.write_all(&serde_json::to_vec(&packages(&Crates::of(workspace, &[target])?)?)?)?;
    let bytes = compressed.finish()?;
    let folder = workspace.target.join(target.triple);
    let file = folder.join("made-of");
    if fs::read(&file).ok().as_ref() != Some(&bytes) {
        fs::create_dir_all(&folder)?;
        fs::write(&file, bytes).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(file)
}

/// Every crate, which refers to others by where they stand.
fn packages(crates: &Crates) -> Result<Value> {
    let urls: Vec<&String> = crates.0.keys().collect();
    let mut packages = Vec::new();
    for (url, (package, needed)) in &crates.0 {
        let package = package.as_ref().with_context(|| format!("{url} is needed, and no package"))?;
        let at = needed.iter().map(|needed| urls.binary_search(&needed).ok().context("a crate is missing"));
        packages.push(json!({
            "name": package.name,
            "version": package.version,
            "source": if package.source.is_some() { "crates.io" } else { "local" },
            "dependencies": at.collect::<Result<Vec<_>>>()?,
            "root": package.name == NAME,
        }));
    }
    Ok(json!({"packages": packages}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::TARGETS;

    #[test]
    fn what_needs_nothing_refers_to_nothing_and_the_program_is_the_root() {
        let crates = Crates::of(&Workspace::find().unwrap(), &[&TARGETS[0]]).unwrap();
        let made_of = packages(&crates).unwrap();
        let packages = made_of["packages"].as_array().unwrap();
        let named = |name: &str| packages.iter().find(|package| package["name"] == name).unwrap();
        assert_eq!(named(NAME)["root"], true);
        assert_eq!(named(NAME)["source"], "local");
        let clap = packages.iter().position(|package| package["name"] == "clap").unwrap();
        assert!(named(NAME)["dependencies"].as_array().unwrap().contains(&clap.into()));
        assert_eq!(named("libc")["dependencies"], json!([]));
        assert_eq!(packages.iter().filter(|package| package["root"] == true).count(), 1);
    }
}
