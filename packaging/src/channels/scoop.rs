//! `ductor.json`, the manifest of Scoop (github.com/ScoopInstaller/Scoop/wiki/App-Manifests).

use anyhow::Result;
use semver::Version;
use serde_json::json;

use super::Source;
use crate::release::{HOMEPAGE, LICENCE, NAME, SUMMARY};

/// The name of the file, which is that of the app.
pub const FILE: &str = "ductor.json";

/// The manifest: it puts the program on PATH, and takes the service away before the program. An update lets go of the
/// old version and leaves the service, for the folder `current` has the new one. Before any hook it refuses while a
/// program runs from the folder (`test_running_process` in its libexec/scoop-update.ps1): the notes say what to type.
///
/// # Errors
/// Never: it is plain data.
pub fn manifest(version: &Version, archive: &Source) -> Result<Vec<u8>> {
    let program = format!("{NAME}.exe");
    let manifest = json!({
        "version": version.to_string(),
        "description": SUMMARY,
        "homepage": HOMEPAGE,
        // A choice, as Scoop writes it.
        "license": LICENCE.replace(" OR ", "|"),
        "notes": [
            format!("Next, to get the bot, to configure it and to set its service up: {NAME} onboarding"),
            format!("To update: {NAME} service stop; scoop update {NAME}; {NAME} service start"),
        ],
        "architecture": {"64bit": {"url": archive.url(&version.to_string()), "hash": archive.sha256}},
        "bin": program,
        "pre_uninstall": format!("if ($cmd -eq 'uninstall') {{ & \"$dir\\{program}\" service uninstall }}"),
        "checkver": {"github": HOMEPAGE},
        "autoupdate": {
            "architecture": {"64bit": {"url": archive.url("$version")}},
            "hash": {"url": "$baseurl/sha256.sum"},
        },
    });
    let mut text = serde_json::to_string_pretty(&manifest)?.replace("  ", "    "); // as all buckets have it
    text.push('\n');
    Ok(text.into_bytes())
}
