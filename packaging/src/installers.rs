//! The *installers* `install.sh` and `install.ps1`: one line installs ductor and sets its service up.
//!
//! What stands in `installers/` runs as it is and installs the latest release. In a release two values are filled in:
//! its version, and the key of minisign(1) that it is signed with.

use anyhow::{Result, ensure};
use semver::Version;

use crate::workspace::Workspace;

/// The scripts, each with the lines by which the version and the key are filled in.
const INSTALLERS: [(&str, &str, &str); 2] =
    [("install.sh", "VERSION='", "PUBLIC_KEY='"), ("install.ps1", "$ReleaseVersion = '", "$PublicKey = '")];

/// The installers of a release, by the names of their files. Without a key they take it for unsigned.
///
/// # Errors
/// One is not in the workspace, or has no such line.
pub fn installers(
    workspace: &Workspace,
    version: &Version,
    public_key: Option<&str>,
) -> Result<Vec<(&'static str, String)>> {
    let fill = |(name, of_version, of_key): (&'static str, &str, &str)| {
        let text = String::from_utf8(workspace.read(&format!("installers/{name}"))?)?;
        let text = filled(&text, of_version, &version.to_string())?;
        Ok((name, filled(&text, of_key, public_key.unwrap_or_default())?))
    };
    INSTALLERS.into_iter().map(fill).collect()
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
        for (name, text) in installers(&workspace, &version, Some("RWQf6LRCGA9i53m/+=")).unwrap() {
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
        assert!(installers(&workspace, &version, Some("'; rm")).is_err());
    }
}
