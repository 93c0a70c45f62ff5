//! A *stamp*: the hash of all that a release is made from. Where the kept one is the same, and every file of the release
//! is still what `sha256.sum` says, there is nothing to make.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::linker;
use crate::release::Release;
use crate::verify;
use crate::workspace::{Workspace, output, rustc};

/// How the variables begin that change what cargo and rustc make.
const VARIABLES: [&str; 6] =
    ["CARGO_BUILD_", "CARGO_ENCODED_RUSTFLAGS", "CARGO_PROFILE_", "CARGO_TARGET_", "RUST", "ZIG"];

/// The stamp of a release that is to be made.
#[derive(Debug)]
pub struct Stamp {
    hash: String,
    kept: PathBuf,
}

impl Stamp {
    /// Of the files that git knows or would take up, the time of the release, the compiler, the linkers and their
    /// settings, and what was `asked` for.
    ///
    /// # Errors
    /// There is no git or no compiler to ask, as in a source archive.
    pub fn of(workspace: &Workspace, release: &Release, asked: &str) -> Result<Self> {
        let mut hash = Sha256::new();
        let mut add = |name: &str, bytes: &[u8]| {
            hash.update(format!("{name} {}\n", bytes.len()));
            hash.update(bytes);
        };
        add("asked", asked.as_bytes());
        add("release", format!("{} {}", release.version, release.epoch).as_bytes());
        add("rustc", &output(rustc().arg("-vV"))?);
        add("linkers", &linker::versions());
        let mut variables: Vec<_> = env::vars_os().collect();
        variables.sort();
        for (name, value) in &variables {
            let name = name.to_string_lossy();
            if VARIABLES.iter().any(|prefix| name.starts_with(prefix)) {
                add(&name, value.as_encoded_bytes());
            }
        }
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let files = output(Command::new("git").arg("-C").arg(&workspace.root).args(list))?;
        for file in String::from_utf8_lossy(&files).split_terminator('\0') {
            add(file, &fs::read(workspace.root.join(file)).unwrap_or_default()); // one may be removed
        }
        let hash = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { hash, kept: workspace.target.join("xtask.stamp") })
    }

    /// The files in a folder, if they were made from the same.
    pub fn made(&self, folder: &Path) -> Option<Vec<String>> {
        let same = fs::read_to_string(&self.kept).is_ok_and(|kept| kept == self.text(folder));
        let listed = if same { verify::hashes(folder).ok()? } else { return None };
        Some(listed.into_keys().collect())
    }

    /// Keeps it for the files in a folder, which were made from this.
    ///
    /// # Errors
    /// The target folder can't be written to.
    pub fn keep(&self, folder: &Path) -> Result<()> {
        fs::write(&self.kept, self.text(folder)).with_context(|| format!("write {}", self.kept.display()))
    }

    fn text(&self, folder: &Path) -> String {
        format!("{} {}\n", self.hash, folder.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksums::{self, sha256};

    #[test]
    fn what_is_whole_and_made_from_the_same_is_not_made_again() {
        let target = tempfile::tempdir().unwrap();
        let workspace = Workspace { target: target.path().into(), ..Workspace::find().unwrap() };
        let release = Release { version: "1.2.3".parse().unwrap(), epoch: 7, changelog: Vec::new() };
        let stamp = |release: &Release, asked| Stamp::of(&workspace, release, asked).unwrap();
        let folder = target.path().join("distrib");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.deb"), "content").unwrap();
        let sums = checksums::lines([("a.deb", sha256(b"content").as_str())]);
        fs::write(folder.join(checksums::FILE), sums).unwrap();

        assert_eq!(stamp(&release, "all").made(&folder), None);
        stamp(&release, "all").keep(&folder).unwrap();
        assert_eq!(stamp(&release, "all").made(&folder), Some(vec!["a.deb".to_owned()]));
        assert_eq!(stamp(&release, "other").made(&folder), None);
        assert_eq!(stamp(&Release { epoch: 8, ..release.clone() }, "all").made(&folder), None);
        fs::write(folder.join("a.deb"), "changed").unwrap();
        assert_eq!(stamp(&release, "all").made(&folder), None);
    }
}
