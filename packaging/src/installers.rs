//! `any/installers`: what fetches the bundles. [`cargo_dist`] makes those that only place the program, and
//! [`formula`] finishes Homebrew's.

use anyhow::{Context, Result};
use cargo_dist_schema::DistManifest;
use semver::Version;

use crate::cargo_dist;
use crate::companion::{Around, Companion, Files};
use crate::formula;
use crate::release::NAME;
use crate::tools;

/// The installers of cargo-dist and Homebrew's formula.
pub const COMPANION: Companion = Companion {
    name: "any/installers",
    files,
    from: |bundle| bundle.format.install.is_none(), // an archive: of packages they know nothing
    missing: || tools::cargo_dist().err(),
    make,
};

fn files(_: &Version) -> Vec<String> {
    ["-installer.sh", "-installer.ps1", ".rb"].map(|end| format!("{NAME}{end}")).into()
}

/// dist answers with a manifest that also announces the release: it takes the place of ours.
fn make(around: &Around, manifest: &mut DistManifest) -> Result<Files> {
    let made = cargo_dist::make(around.workspace, manifest)?;
    *manifest = made.manifest;
    let take = |name: String| {
        let (_, bytes) = made.files.iter().find(|(file, _)| *file == name).with_context(|| {
            format!("dist did not make {name}: see [workspace.metadata.dist] in Cargo.toml")
        })?;
        let bytes = match name.strip_suffix(".rb") {
            Some(_) => formula::finish(&String::from_utf8_lossy(bytes))?.into_bytes(),
            None => bytes.clone(),
        };
        Ok((name, bytes))
    };
    files(&around.release.version).into_iter().map(take).collect()
}
