//! The *epoch* of a release: the one time that stands in every bundle, so that two builds give the same bytes.
//!
//! It is what `SOURCE_DATE_EPOCH` says (reproducible-builds.org/specs/source-date-epoch), else the time of the
//! commit that is built.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::output;

/// Seconds since 1970 that stand for the time of every file of the release.
///
/// # Errors
/// `SOURCE_DATE_EPOCH` is no number; or it is not set and there is no commit to ask, as in a source archive.
pub fn epoch(root: &Path) -> Result<u64> {
    match env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) if !seconds.is_empty() => {
            seconds.parse().with_context(|| format!("SOURCE_DATE_EPOCH={seconds} is no number of seconds"))
        }
        _ => commit_time(root).context(
            "which time the files of the bundles get is not known, for here is no commit: \
             set SOURCE_DATE_EPOCH to a number of seconds since 1970",
        ),
    }
}

fn commit_time(root: &Path) -> Result<u64> {
    let time = output(Command::new("git").arg("-C").arg(root).args(["log", "-1", "--format=%ct", "HEAD"]))?;
    let time = String::from_utf8_lossy(&time);
    time.trim().parse().with_context(|| format!("git says {time:?}, which is no time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_commit_has_no_time() {
        let folder = tempfile::tempdir().unwrap();
        let error = commit_time(folder.path()).unwrap_err().to_string();
        assert!(error.contains("git") && error.contains("log -1"), "{error}");
    }
}
