//! `any/channels`: what tells other package managers where the bundles are, a module each. People send these files on
//! after a release: docs/packaging.md, "Channels".

pub mod aur;
pub mod scoop;
pub mod winget;

use anyhow::{Context, Result};
use cargo_dist_schema::DistManifest;
use semver::Version;

use crate::bundle::{Bundle, Format, msi};
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

/// Archives, whose files the other package manager puts in place; winget takes the installer of Windows.
fn from(bundle: &Bundle) -> bool {
    let is_archive = bundle.format.install.is_none();
    (is_archive && ["linux", "windows"].contains(&bundle.os())) || bundle.format.name == msi::FORMAT.name
}

fn make(around: &Around, _: &mut DistManifest) -> Result<Files> {
    let version = &around.release.version;
    let archive = |platform| source(around, platform, |format| format.install.is_none());
    let windows = archive("windows/x86_64")?;
    let installer = source(around, "windows/x86_64", |format| format.name == msi::FORMAT.name)?;
    let linux = [archive("linux/x86_64")?, archive("linux/aarch64")?];
    let mut files = vec![(scoop::FILE.to_owned(), scoop::manifest(version, &windows)?)];
    files.extend(winget::manifests(version, &installer)?);
    files.extend(aur::package(version, &linux)?);
    Ok(files)
}

/// A bundle, as a channel sees it.
pub struct Source<'a> {
    /// The name of its file.
    pub file: &'a str,
    /// The hash of it.
    pub sha256: &'a str,
    /// What is inside.
    pub payload: &'a Payload,
}

impl Source<'_> {
    /// Where it can be fetched, once the release is out.
    pub fn url(&self, version: &str) -> String {
        format!("{HOMEPAGE}/releases/download/v{version}/{}", self.file)
    }
}

fn source<'a>(around: &'a Around, platform: &str, fits: impl Fn(&Format) -> bool) -> Result<Source<'a>> {
    let of_part = |part: &'a Part| match part.what {
        What::Bundle(format, payload) if fits(format) && payload.target.platform() == platform => {
            Some(Source { file: &part.file, sha256: &part.sha256, payload })
        }
        _ => None,
    };
    around.parts.iter().find_map(of_part).with_context(|| format!("there is nothing for {platform}"))
}
