//! A *bundle* is one release file: a name that people ask for, and a [`Format`] that turns a payload into bytes.
//!
//! To add a format, write its module beside [`deb`] and give it rows in [`BUNDLES`].

pub mod ar;
pub mod arch;
pub mod bom;
pub mod cpio;
pub mod deb;
pub mod msi;
pub mod pkg;
pub mod rpm;
pub mod tar_xz;
pub mod xar;
pub mod zip;

use anyhow::{Context, Result, ensure};
use glob::{MatchOptions, Pattern};
use semver::Version;

use crate::payload::Payload;
use crate::release::Release;
use crate::target::Target;
use crate::tree::Tree;

/// One release file.
#[derive(Debug)]
pub struct Bundle {
    /// OS and processor: `linux/x86_64`.
    pub platform: &'static str,
    /// What kind of file it is.
    pub format: &'static Format,
}

/// How a kind of bundle is named and written.
#[derive(Debug)]
pub struct Format {
    /// How the names of its bundles end.
    pub name: &'static str,
    /// What it is, for people.
    pub description: &'static str,
    /// The command that installs it, up to the name of the file; none for an archive, which is unpacked.
    pub install: Option<&'static str>,
    /// The name of the file. It differs by target.
    pub file: fn(&Version, &Target) -> String,
    /// The content of the file: a pure function, which may run in any thread.
    pub pack: fn(&Release, &Payload) -> Result<Vec<u8>>,
    /// What is inside, by which [`crate::verify`] compares.
    pub tree: fn(&Release, &Payload) -> Result<Tree>,
    /// The program of others that writes the content of the file `FILE` as a tar archive.
    pub reader: &'static [&'static str],
    /// Scripts that are not among the files: the program of others that prints one of the file `FILE`, and the script.
    pub scripts: &'static [(&'static [&'static str], &'static str)],
}

/// libarchive's tar, which reads every kind of archive.
const BSDTAR: &[&str] = &["bsdtar", "--format=gnutar", "-cf", "-", "@FILE"];

/// Every bundle there is.
#[rustfmt::skip] // a table
pub const BUNDLES: [Bundle; 13] = [
    Bundle { platform: "linux/x86_64", format: &tar_xz::FORMAT },
    Bundle { platform: "linux/x86_64", format: &deb::FORMAT },
    Bundle { platform: "linux/x86_64", format: &rpm::FORMAT },
    Bundle { platform: "linux/x86_64", format: &arch::FORMAT },
    Bundle { platform: "linux/aarch64", format: &tar_xz::FORMAT },
    Bundle { platform: "linux/aarch64", format: &deb::FORMAT },
    Bundle { platform: "linux/aarch64", format: &rpm::FORMAT },
    Bundle { platform: "linux/aarch64", format: &arch::FORMAT },
    Bundle { platform: "macos/x86_64", format: &tar_xz::FORMAT },
    Bundle { platform: "macos/aarch64", format: &tar_xz::FORMAT },
    Bundle { platform: "macos/universal", format: &pkg::FORMAT },
    Bundle { platform: "windows/x86_64", format: &zip::FORMAT },
    Bundle { platform: "windows/x86_64", format: &msi::FORMAT },
];

impl Bundle {
    /// The name that people ask for: `linux/x86_64/deb`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.platform, self.format.name)
    }

    /// The operating system: `linux`.
    pub fn os(&self) -> &'static str {
        self.platform.split('/').next().unwrap_or(self.platform)
    }
}

/// Those of the names that one of the patterns fits. `*` stands for anything but a slash.
///
/// # Errors
/// A pattern is none, or fits no name.
pub fn named<'a>(patterns: &[String], names: &'a [String]) -> Result<Vec<&'a str>> {
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
    let compile = |text: &String| Pattern::new(text).with_context(|| format!("{text} is no pattern"));
    let patterns = patterns.iter().map(compile).collect::<Result<Vec<_>>>()?;
    for pattern in &patterns {
        let names_one = names.iter().any(|name| pattern.matches_with(name, options));
        ensure!(names_one, "{pattern} names no bundle; `cargo xtask dist --list` prints them all");
    }
    let wanted = |name: &&str| patterns.iter().any(|pattern| pattern.matches_with(name, options));
    Ok(names.iter().map(String::as_str).filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::TARGETS;

    fn names(patterns: &[&str]) -> Result<Vec<String>> {
        let all: Vec<String> = BUNDLES.iter().map(Bundle::name).collect();
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        Ok(named(&patterns, &all)?.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn bundles_are_asked_for_as_files_are() {
        assert_eq!(names(&["linux/*/deb"]).unwrap(), ["linux/x86_64/deb", "linux/aarch64/deb"]);
        assert_eq!(
            names(&["linux/x86_64/deb", "linux/x86_64/*"]).unwrap(),
            ["linux/x86_64/tar.xz", "linux/x86_64/deb", "linux/x86_64/rpm", "linux/x86_64/arch"]
        );
        let error = names(&["linux/*"]).unwrap_err().to_string();
        assert!(error.starts_with("linux/* names no bundle"), "{error}");
    }

    #[test]
    fn every_bundle_has_a_target_and_a_name_of_its_own() {
        for (at, bundle) in BUNDLES.iter().enumerate() {
            assert!(TARGETS.iter().any(|target| target.platform() == bundle.platform), "{}", bundle.name());
            assert!(BUNDLES[..at].iter().all(|other| other.name() != bundle.name()), "{}", bundle.name());
        }
    }
}
