//! `any/installers`: what fetches the bundles. [`cargo_dist`] makes those that only place the program, and [`formula`]
//! finishes Homebrew's. `install.sh` and `install.ps1` are ours: one line installs ductor and sets its service up.
//!
//! What of them stands in `installers/` runs as it is and installs the latest release. In a release two values are
//! filled in: its version, and the key of minisign(1) that it is signed with.

use anyhow::{Context, Result, ensure};
use cargo_dist_schema::DistManifest;
use semver::Version;

use crate::cargo_dist;
use crate::companion::{Around, Companion, Files};
use crate::formula;
use crate::release::NAME;
use crate::signature;
use crate::tools;
use crate::workspace::Workspace;

/// The installers of cargo-dist, Homebrew's formula, and our own.
pub const COMPANION: Companion = Companion {
    name: "any/installers",
    files,
    from: |bundle| bundle.format.install.is_none(), // an archive: of packages they know nothing
    missing: || tools::cargo_dist().err(),
    make,
};

/// Our scripts, each with the lines by which the version and the key are filled in.
const SCRIPTS: [(&str, &str, &str); 2] = [
    ("install.sh", "VERSION='", "PUBLIC_KEY='"),
    ("install.ps1", "    $ReleaseVersion = '", "    $PublicKey = '"),
];

fn files(_: &Version) -> Vec<String> {
    of_dist().into_iter().chain(SCRIPTS.map(|(name, ..)| name.to_owned())).collect()
}

fn of_dist() -> [String; 3] {
    ["-installer.sh", "-installer.ps1", ".rb"].map(|end| format!("{NAME}{end}"))
}

/// dist answers with a manifest that also announces the release: it takes the place of ours.
fn make(around: &Around, manifest: &mut DistManifest) -> Result<Files> {
    let made = cargo_dist::make(around.workspace, manifest)?;
    *manifest = made.manifest;
    let take = |name: String| {
        let (_, text) = made
            .files
            .iter()
            .find(|(file, _)| *file == name)
            .with_context(|| format!("dist did not make {name}: see dist-workspace.toml"))?;
        let text = if name.ends_with(".rb") { formula::finish(text)? } else { text.clone() };
        Ok((name, text.into_bytes()))
    };
    let mut files = of_dist().into_iter().map(take).collect::<Result<Files>>()?;
    let key = signature::public_key(around.workspace)?;
    files.extend(scripts(around.workspace, &around.release.version, key.as_deref())?);
    Ok(files)
}

/// Our scripts for a release. Without a key they take it for unsigned.
///
/// # Errors
/// One is not in the workspace, or has no line to be filled in.
pub fn scripts(workspace: &Workspace, version: &Version, public_key: Option<&str>) -> Result<Files> {
    let fill = |(name, of_version, of_key): (&str, &str, &str)| {
        let text = String::from_utf8(workspace.read(&format!("installers/{name}"))?)?;
        let text = filled(&text, of_version, &version.to_string())?;
        Ok((name.to_owned(), filled(&text, of_key, public_key.unwrap_or_default())?.into_bytes()))
    };
    SCRIPTS.into_iter().map(fill).collect()
}

/// The text with `value` in the one line that consists of `begin` and the closing quote.
fn filled(text: &str, begin: &str, value: &str) -> Result<String> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "+-./=".contains(c);
    ensure!(value.chars().all(harmless), "{value:?} can't be put between quotes");
    let (line, count) = (format!("\n{begin}'\n"), text.matches(&format!("\n{begin}")).count());
    ensure!(count == 1 && text.contains(&line), "an installer has to have one line: {begin}'");
    Ok(text.replacen(&line, &format!("\n{begin}{value}'\n"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release;

    #[test]
    fn the_version_and_the_key_are_filled_in_and_nothing_else_changes() {
        let workspace = Workspace::find().unwrap();
        let version = Version::new(1, 2, 3);
        for (name, text) in scripts(&workspace, &version, Some("RWQf6LRCGA9i53m/+=")).unwrap() {
            let text = String::from_utf8(text).unwrap();
            let template = String::from_utf8(workspace.read(&format!("installers/{name}")).unwrap()).unwrap();
            let changed: Vec<&str> =
                text.lines().zip(template.lines()).filter(|(a, b)| a != b).map(|(line, _)| line).collect();
            assert!(
                matches!(changed[..], [version, key]
                if version.ends_with("='1.2.3'") | version.ends_with(" = '1.2.3'")
                && key.ends_with("'RWQf6LRCGA9i53m/+='")),
                "{changed:?}"
            );
            assert!(text.contains(&format!("{}/releases", release::HOMEPAGE)), "{name} looks elsewhere");
        }
        assert!(scripts(&workspace, &version, Some("'; rm")).is_err());
    }
}
