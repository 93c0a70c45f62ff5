//! The `.tar.xz` archive: one top folder, named after the target. cargo-dist's install script strips it.

use anyhow::Result;
use semver::Version;

use super::Format;
use crate::compress::xz;
use crate::layout;
use crate::payload::Payload;
use crate::release::{NAME, Release};
use crate::target::Target;

/// `ductor-x86_64-unknown-linux-musl.tar.xz`
pub const FORMAT: Format = Format { name: "tar.xz", description: "Archive", install: None, file, pack };

fn file(_: &Version, target: &Target) -> String {
    format!("{NAME}-{}.tar.xz", target.triple)
}

fn pack(release: &Release, payload: &Payload) -> Result<Vec<u8>> {
    let top = format!("{NAME}-{}", payload.target.triple);
    xz(&layout::archive(payload, &top)?.tar("", release.epoch)?)
}
