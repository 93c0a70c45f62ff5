//! The flat `.pkg` of macOS: a xar archive of `Distribution` (what the Installer shows and asks) and one component,
//! which is `PackageInfo`, the files as `Payload`, the `Scripts`, and the `Bom` that macOS remembers them by.
//!
//! The agent is no part of it that launchd would find: one in `/Library/LaunchAgents` would start a host for every
//! user, with a bot or without, for launchd has no condition to start by, and it would stand beside the one of the
//! same name that `ductor service install` makes. So `postinstall` runs that, as the person at the screen; the
//! definition is there to be read. Nobody has signed the package: see `docs/`.

use anyhow::Result;
use semver::Version;

use super::Format;
use super::bom::bom;
use super::cpio::cpio;
use super::xar::xar;
use crate::compress::gzip;
use crate::layout::{self, Distribution};
use crate::payload::{File, Payload};
use crate::release::{NAME, Release};
use crate::target::{MACOS, Target};
use crate::tree::Tree;

/// `ductor-0.1.0-universal.pkg`
pub const FORMAT: Format = Format {
    name: "pkg",
    description: "Package for macOS",
    install: Some("sudo installer -target / -pkg "),
    file,
    pack,
    tree,
    reader: &["sh", "-c", FILES, "FILE"],
    scripts: &[
        (&["sh", "-c", SCRIPT, "FILE", "./preinstall"], PREINSTALL),
        (&["sh", "-c", SCRIPT, "FILE", "./postinstall"], POSTINSTALL),
    ],
};

/// The files as a tar archive.
const FILES: &str = r#"bsdtar -xOf "$0" ductor.pkg/Payload | bsdtar --format=gnutar -cf - @-"#;

/// One of the scripts.
const SCRIPT: &str = r#"bsdtar -xOf "$0" ductor.pkg/Scripts | bsdtar -xOf - "$1""#;

const DISTRIBUTION: &str = include_str!("../../../installers/pkg/Distribution");
const PACKAGE_INFO: &str = include_str!("../../../installers/pkg/PackageInfo");
const PREINSTALL: &str = include_str!("../../../installers/pkg/preinstall");
const POSTINSTALL: &str = include_str!("../../../installers/pkg/postinstall");

/// Where macOS lets others than Apple put things.
const MACOS_LOCAL: Distribution = Distribution {
    top: "usr/local",
    definition: "usr/local/share/ductor",
    zsh: "usr/local/share/zsh/site-functions",
    documentation: |file: &File| Some(format!("usr/local/share/doc/{NAME}/{}", file.name)),
};

fn file(version: &Version, target: &Target) -> String {
    format!("{NAME}-{version}-{}.pkg", target.arch.name)
}

fn pack(release: &Release, payload: &Payload) -> Result<Vec<u8>> {
    let files = tree(release, payload)?;
    let mut scripts = Tree::default();
    scripts.add("preinstall", 0o755, PREINSTALL.into())?;
    scripts.add("postinstall", 0o755, POSTINSTALL.into())?;
    let mut package = Tree::default();
    let mut put = |path: &str, bytes: Vec<u8>| package.add(path, 0o644, bytes);
    put("Distribution", fill(DISTRIBUTION, release, &files).into())?;
    put("ductor.pkg/PackageInfo", fill(PACKAGE_INFO, release, &files).into())?;
    put("ductor.pkg/Bom", bom(&files, release.epoch)?)?;
    put("ductor.pkg/Payload", gzip(&cpio(&files, release.epoch)?)?)?;
    put("ductor.pkg/Scripts", gzip(&cpio(&scripts, release.epoch)?)?)?;
    xar(&package, release.epoch)
}

fn tree(_: &Release, payload: &Payload) -> Result<Tree> {
    layout::system(payload, &MACOS_LOCAL)
}

/// Fills the blanks of a template.
fn fill(template: &str, release: &Release, files: &Tree) -> String {
    let size: usize = files.files().map(|(_, bytes)| bytes.len()).sum();
    let blanks = [
        ("@VERSION@", release.version.to_string()),
        ("@MACOS@", MACOS.to_owned()),
        ("@KBYTES@", size.div_ceil(1024).to_string()),
        ("@FILES@", (files.nodes().count() + 1).to_string()), // the top counts
    ];
    blanks.iter().fold(template.to_owned(), |text, (blank, value)| text.replace(blank, value))
}
