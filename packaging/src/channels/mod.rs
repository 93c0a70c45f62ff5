//! `any/channels`: what tells other package managers where the bundles are, a module each. People send these files on
//! after a release: docs/packaging.md, "Channels".

pub mod aur;
pub mod scoop;
pub mod winget;

use anyhow::{Context, Result};
use cargo_dist_schema::DistManifest;
use semver::Version;

use crate::bundle::Bundle;
use crate::companion::{Around, Companion, Files};
use crate::manifest::{Part, What};
use crate::payload::Payload;
use crate::release::HOMEPAGE;

/// The files of every channel.
pub const COMPANION: Companion = Companion { name: "any/channels", files, from, missing: || None, make };

fn files(version: &Version) -> Vec<String> {
    let mut files = vec![scoop::FILE.to_owned()];
    files.extend(winget::files(version));
    files.extend(aur::files());
    files
}

/// Archives: what is inside is put in place by the other package manager.
fn from(bundle: &Bundle) -> bool {
    bundle.format.install.is_none() && ["linux", "windows"].contains(&bundle.os())
}

fn make(around: &Around, _: &mut DistManifest) -> Result<Files> {
    let version = &around.release.version;
    let windows = archive(around, "windows/x86_64")?;
    let linux = [archive(around, "linux/x86_64")?, archive(around, "linux/aarch64")?];
    let mut files = vec![(scoop::FILE.to_owned(), scoop::manifest(version, &windows)?)];
    files.extend(winget::manifests(version, &windows)?);
    files.extend(aur::package(version, &linux)?);
    Ok(files)
}

/// An archive, as a channel sees it.
pub struct Archive<'a> {
    /// The name of its file.
    pub file: &'a str,
    /// The hash of it.
    pub sha256: &'a str,
    /// What is inside.
    pub payload: &'a Payload,
}

impl Archive<'_> {
    /// Where it can be fetched, once the release is out.
    pub fn url(&self, version: &str) -> String {
        format!("{HOMEPAGE}/releases/download/v{version}/{}", self.file)
    }
}

fn archive<'a>(around: &'a Around, platform: &str) -> Result<Archive<'a>> {
    let of_part = |part: &'a Part| match part.what {
        What::Bundle(format, payload)
            if format.install.is_none() && payload.target.platform() == platform =>
        {
            Some(Archive { file: &part.file, sha256: &part.sha256, payload })
        }
        _ => None,
    };
    around.parts.iter().find_map(of_part).with_context(|| format!("there is no archive for {platform}"))
}
