//! Homebrew's *formula*, `ductor.rb`. cargo-dist knows where the archives are and which hash each has; what it would
//! do with them has no service, and man pages and completions where nobody looks. That part is ours:
//! `installers/homebrew/methods.rb`, with the definitions from the same renderers as every package.
//!
//! A `service do` that only names the service makes `brew services` take the definition that the formula brings
//! (docs.brew.sh/Formula-Cookbook, "Service block methods"). One that Homebrew writes itself would lack what
//! matters: the start limit, what is never restarted, and on Linux any restart that a plist can say.

use anyhow::{Context, Result, ensure};
use ductor::service::ServiceDefinition;
use ductor::service::render::{plist, unit};

/// What stands first in dist's formula that is about installing.
const INSTALLING: &str = "\n  BINARY_ALIASES = ";

const METHODS: &str = include_str!("../../installers/homebrew/methods.rb");

/// Our formula: what dist says of the archives, and what we do with them.
///
/// # Errors
/// dist's formula has another shape than we know; or a definition holds what Ruby would read as its own.
pub fn finish(of_dist: &str) -> Result<String> {
    let (archives, _) = of_dist.split_once(INSTALLING).context("dist's formula installs in another way")?;
    // The path that stays the same over upgrades. Ruby fills it in.
    let definition = ServiceDefinition::packaged("#{opt_bin}/ductor");
    let unit_name = unit::NAME.trim_end_matches(".service");
    let methods = METHODS
        .replace("@launchd-name@", plist::LABEL)
        .replace("@systemd-name@", unit_name)
        .replace("@launchd@\n", &heredoc(&plist::render(&definition, &[])?)?)
        .replace("@systemd@\n", &heredoc(&unit::render(&definition)?)?);
    Ok(format!("{archives}\n{methods}"))
}

/// The text as it stands in a heredoc, deeper by what Ruby takes off again.
fn heredoc(text: &str) -> Result<String> {
    ensure!(!text.contains('\\') && text.matches("#{").count() == 1, "Ruby would read it otherwise: {text}");
    let line = |line: &str| if line.is_empty() { "\n".into() } else { format!("      {line}\n") };
    Ok(text.lines().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dists_own_way_to_install_is_replaced_by_ours() {
        let of_dist = "class Ductor < Formula\n  license \"MIT\"\n\n  BINARY_ALIASES = {}\n\n  def install\n  end\nend\n";
        let formula = finish(of_dist).unwrap();
        assert!(
            formula.starts_with("class Ductor < Formula\n  license \"MIT\"\n\n  def install\n"),
            "{formula}"
        );
        assert!(formula.contains("name macos: \"dev.ductor\", linux: \"ductor\"\n"), "{formula}");
        assert!(formula.contains("      ExecStart=\"#{opt_bin}/ductor\"\n"), "{formula}");
        assert!(formula.contains("<string>#{opt_bin}/ductor</string>\n"), "{formula}");
        assert!(!formula.contains('@') && formula.ends_with("  end\nend\n"), "{formula}");
        assert!(finish("class Ductor < Formula\nend\n").is_err());
    }
}
