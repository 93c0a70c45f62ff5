//! The `.tar.xz` archive: one top folder, named after the target. cargo-dist's install script strips it.

use anyhow::Result;
use semver::Version;

use super::{BSDTAR, Format};
use crate::layout;
use crate::payload::Payload;
use crate::release::{NAME, Release};
use crate::target::Target;
use crate::tree::Tree;
use crate::xz::xz;

/// `ductor-x86_64-unknown-linux-musl.tar.xz`
pub const FORMAT: Format = Format {
    name: "tar.xz",
    description: "Archive",
    install: None,
    file,
    pack,
    tree,
    reader: BSDTAR,
    scripts: &[],
};

fn file(_: &Version, target: &Target) -> String {
    format!("{NAME}-{}.tar.xz", target.triple)
}

fn pack(release: &Release, payload: &Payload) -> Result<Vec<u8>> {
    let tree = tree(release, payload)?;
    xz(&tree.tar("", release.epoch)?, &tree, &payload.shared)
}

fn tree(_: &Release, payload: &Payload) -> Result<Tree> {
    layout::archive(payload, &format!("{NAME}-{}/", payload.target.triple))
}
