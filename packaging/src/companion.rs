//! A *companion* goes with the bundles and is made from them, not from a payload: what fetches them
//! ([`installers`](crate::installers)), and what tells other package managers where they are ([`channels`](crate::channels)).

use anyhow::Result;
use cargo_dist_schema::DistManifest;
use semver::Version;

use crate::bundle::Bundle;
use crate::manifest::Part;
use crate::release::Release;
use crate::toolchain::Missing;
use crate::workspace::Workspace;

/// Files by name, each with its content. A slash in a name stands for a folder.
pub type Files = Vec<(String, Vec<u8>)>;

/// Some files of a release that people ask for together.
#[derive(Debug)]
pub struct Companion {
    /// The name that people ask for: `any/installers`.
    pub name: &'static str,
    /// The names of its files.
    pub files: fn(&Version) -> Vec<String>,
    /// Whether it is made from a bundle, which is then made too.
    pub from: fn(&Bundle) -> bool,
    /// What this machine lacks for it.
    pub missing: fn() -> Option<Missing>,
    /// Writes its files.
    pub make: fn(&Around, &mut DistManifest) -> Result<Files>,
}

/// What companions are made from.
pub struct Around<'a> {
    /// The checkout.
    pub workspace: &'a Workspace,
    /// The release.
    pub release: &'a Release,
    /// Every bundle that was made.
    pub parts: &'a [Part<'a>],
}
