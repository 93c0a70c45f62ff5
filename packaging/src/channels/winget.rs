//! The manifests of winget, three files (learn.microsoft.com/windows/package-manager/package/manifest). Their folder is
//! the one they have in microsoft/winget-pkgs.

use anyhow::{Result, ensure};
use semver::Version;

use super::Archive;
use crate::companion::Files;
use crate::payload::Role;
use crate::release::{HOMEPAGE, LICENCE, NAME, SUMMARY};

/// The name of the package there: who publishes it, and what it is.
const PACKAGE: &str = "PleasePrompto.ductor";

/// The version of the form of the manifests.
const FORM: &str = "1.10.0";

/// The kinds of manifest, as their files end.
const KINDS: [(&str, &str); 3] =
    [("version", ""), ("installer", ".installer"), ("defaultLocale", ".locale.en-US")];

/// The names of the files.
pub fn files(version: &Version) -> Vec<String> {
    let folder = PACKAGE.replace('.', "/");
    let letter = PACKAGE[..1].to_lowercase();
    let file =
        |(_, end): (&str, &str)| format!("winget/manifests/{letter}/{folder}/{version}/{PACKAGE}{end}.yaml");
    KINDS.map(file).into()
}

/// The manifests. The program is a portable one, beside the one without a window, which it finds there.
///
/// # Errors
/// A value can't stand in YAML as it is.
pub fn manifests(version: &Version, archive: &Archive) -> Result<Files> {
    let fields = [("PackageIdentifier", PACKAGE.to_owned()), ("PackageVersion", version.to_string())];
    let mut files = Vec::new();
    for (name, (kind, _)) in self::files(version).into_iter().zip(KINDS) {
        let mut text = format!(
            "# yaml-language-server: $schema=https://aka.ms/winget-manifest.{kind}.{FORM}.schema.json\n\n"
        );
        for (key, value) in fields.iter().chain(&of(kind, version)) {
            // What would begin or end something of YAML's, or be a number.
            let plain = |c: char| c.is_ascii_alphanumeric() || " .,/:+-_$".contains(c);
            ensure!(value.chars().all(plain) && !value.contains(": "), "{value:?} has to be quoted");
            text += &format!("{key}: {value}\n");
        }
        if kind == "installer" {
            text += &installer(version, archive);
        }
        text += &format!("ManifestType: {kind}\nManifestVersion: {FORM}\n");
        files.push((name, text.into_bytes()));
    }
    Ok(files)
}

/// What only one kind has.
fn of(kind: &str, version: &Version) -> Vec<(&'static str, String)> {
    let publisher = PACKAGE.split('.').next().unwrap_or(PACKAGE);
    match kind {
        "version" => vec![("DefaultLocale", "en-US".into())],
        "installer" => vec![
            ("InstallerType", "zip".into()),
            ("NestedInstallerType", "portable".into()),
            ("UpgradeBehavior", "install".into()),
        ],
        _ => vec![
            ("PackageLocale", "en-US".into()),
            ("Publisher", publisher.into()),
            ("PublisherUrl", format!("https://github.com/{publisher}")),
            ("PackageName", NAME.into()),
            ("PackageUrl", HOMEPAGE.into()),
            ("License", LICENCE.into()),
            ("LicenseUrl", format!("{HOMEPAGE}/blob/v{version}/LICENSE-MIT")),
            ("ShortDescription", SUMMARY.into()),
            ("Moniker", NAME.into()),
            ("ReleaseNotesUrl", format!("{HOMEPAGE}/releases/tag/v{version}")),
        ],
    }
}

fn installer(version: &Version, archive: &Archive) -> String {
    let mut text = "NestedInstallerFiles:\n".to_owned();
    for file in archive.payload.files.iter().filter(|file| file.role == Role::Program) {
        let command = file.name.trim_end_matches(".exe");
        text += &format!("- RelativeFilePath: {}\n  PortableCommandAlias: {command}\n", file.name);
    }
    let (url, hash) = (archive.url(&version.to_string()), archive.sha256.to_uppercase());
    text + &format!("Installers:\n- Architecture: x64\n  InstallerUrl: {url}\n  InstallerSha256: {hash}\n")
}
