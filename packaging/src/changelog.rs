//! The *changelog*: CHANGELOG.md (keepachangelog.com) as data, for the formats that have one of their own.

use anyhow::{Context, Result};
use jiff::civil::Date;
use semver::Version;

/// What changed in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The version.
    pub version: Version,
    /// The day of its release.
    pub date: Date,
    /// Each change: a paragraph without line breaks, quotes instead of backticks.
    pub changes: Vec<String>,
}

/// The released versions of a changelog, in its order. `[Unreleased]` is none.
///
/// # Errors
/// A `## [VERSION] - DATE` heading holds no version or no date.
pub fn parse(text: &str) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut sections = text.split("\n## ");
    sections.next(); // the preamble
    for section in sections.filter(|section| !section.starts_with("[Unreleased]")) {
        let (heading, body) = section.split_once('\n').unwrap_or((section, ""));
        entries.push(entry(heading, body).with_context(|| format!("## {heading}"))?);
    }
    Ok(entries)
}

/// What the changelog says of one version, as it stands there, without its heading.
pub fn section<'a>(text: &'a str, version: &Version) -> Option<&'a str> {
    let heading = format!("\n## [{version}] - ");
    let (_, section) = text.split_once(&heading)?.1.split_once('\n')?;
    Some(section.split("\n## ").next().unwrap_or(section).trim())
}

fn entry(heading: &str, body: &str) -> Result<Entry> {
    let (version, date) = heading.split_once(" - ").context("not of the form [VERSION] - YYYY-MM-DD")?;
    let version = version.trim_matches(['[', ']']).parse()?;
    Ok(Entry { version, date: date.trim().parse()?, changes: changes(body) })
}

/// The items of all lists, each joined from its lines.
fn changes(body: &str) -> Vec<String> {
    let mut changes: Vec<String> = Vec::new();
    for line in body.lines() {
        if let Some(first) = line.strip_prefix("- ") {
            changes.push(first.replace('`', "\""));
        } else if let (true, Some(change)) = (line.starts_with("  "), changes.last_mut()) {
            change.push(' ');
            change.push_str(&line.trim().replace('`', "\""));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changelog_is_read_by_version() {
        let text = "# Changelog\n\nWords.\n\n## [Unreleased]\n\n### Added\n\n- Later.\n\n\
             ## [0.2.0] - 2026-12-01\n\n### Added\n\n- One `thing`\n  in two lines.\n- Two.\n\n\
             ### Fixed\n\n- Three.\n\n## [0.1.0-rc.1] - 2026-11-22\n\n- First.\n\n[0.2.0]: https://x\n";
        let entries = parse(text).unwrap();
        assert_eq!(
            entries.iter().map(|e| e.version.to_string()).collect::<Vec<_>>(),
            ["0.2.0", "0.1.0-rc.1"]
        );
        assert_eq!(entries[0].date.to_string(), "2026-12-01");
        assert_eq!(entries[0].changes, ["One \"thing\" in two lines.", "Two.", "Three."]);
        assert_eq!(entries[1].changes, ["First."]);
        let section = section(text, &Version::new(0, 2, 0)).unwrap();
        assert!(section.starts_with("### Added\n\n- One") && section.ends_with("- Three."), "{section}");
    }

    #[test]
    fn a_heading_without_a_date_is_refused_by_name() {
        let error = parse("\n## [0.1.0]\n").unwrap_err();
        assert!(format!("{error:#}").starts_with("## [0.1.0]: "), "{error:#}");
    }
}
