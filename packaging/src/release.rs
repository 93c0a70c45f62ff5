//! A *release*: what is the same in all bundles of one version.

use anyhow::{Context, Result, bail};
use semver::Version;

use crate::changelog::{self, Entry};
use crate::epoch;
use crate::workspace::Workspace;

/// The name of the product, its packages and its program.
pub const NAME: &str = "ductor";

/// The product in one line, as package managers want it: no article, no full stop.
pub const SUMMARY: &str = "keeps the ductor chat bot always on, as a service of each user";

/// The product in a few lines. A package manager wraps them.
pub const DESCRIPTION: &str = "ductor is a bot that lets people drive AI command-line agents from a chat. \
     This package is its native half: one small program that is the bot's parent and keeps it running under \
     the systemd of each user, through crashes, logouts and reboots. The service is set up for everybody and \
     runs only for those who have configured the bot; \"ductor onboarding\" does that, and gets the bot itself.";

/// Who answers for the packages.
pub const MAINTAINER: &str = "The ductor contributors <PleasePrompto@users.noreply.github.com>";

/// Its licence, as an expression of SPDX.
pub const LICENCE: &str = env!("CARGO_PKG_LICENSE");

/// The revision of the packages of one version. A new one would need a changelog of its own.
pub const REVISION: &str = "1";

/// Where the product lives.
pub const HOMEPAGE: &str = env!("CARGO_PKG_REPOSITORY");

/// One version of the product.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// The time of every file in its bundles, in seconds since 1970.
    pub epoch: u64,
    /// What changed in this version and those before it, the newest first.
    pub changelog: Vec<Entry>,
}

/// The version of the workspace, which is that of this crate.
///
/// # Errors
/// Never: cargo has read it before.
pub fn version() -> Result<Version> {
    env!("CARGO_PKG_VERSION").parse().context("the version of the workspace")
}

impl Release {
    /// The release that the workspace stands for.
    ///
    /// # Errors
    /// Its time is not known, or CHANGELOG.md says nothing of this version.
    pub fn of(workspace: &Workspace) -> Result<Self> {
        let version = version()?;
        let text = workspace.read("CHANGELOG.md")?;
        let changelog = changelog::parse(&String::from_utf8_lossy(&text)).context("CHANGELOG.md")?;
        let changelog: Vec<_> = changelog.into_iter().filter(|entry| entry.version <= version).collect();
        if changelog.first().is_none_or(|newest| newest.version != version) {
            bail!("CHANGELOG.md has no section for {version}: write `## [{version}] - YYYY-MM-DD`");
        }
        Ok(Self { version, epoch: epoch::epoch(&workspace.root)?, changelog })
    }
}
