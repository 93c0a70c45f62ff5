//! The *receipt*: what the installer placed, so that it can be removed, and from where, so that it can be upgraded.
//!
//! It stands in the data folder, out of reach of the bot's sandbox.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::sha256;
use crate::effects::file;
use crate::home::Home;

/// Larger than any that we write.
const LIMIT: u64 = 1024 * 1024;

/// What the installer did for this user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version that was placed last; empty while the first one is being placed.
    pub version: String,
    /// The URL at which releases are looked for.
    pub source: String,
    /// The key of minisign that releases have to be signed with; none where they are not signed.
    pub public_key: Option<String>,
    /// The folder above `bin` and `share`.
    pub prefix: PathBuf,
    /// The program, which is one of the files.
    pub program: PathBuf,
    /// Every file that was placed. While one version takes the place of another, a path is there with both hashes.
    pub files: Vec<Placed>,
    /// The folders that were made for them, the inner ones first.
    pub folders: Vec<PathBuf>,
}

/// A file that was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Where.
    pub path: PathBuf,
    /// The hash of its content, in hexadecimal.
    pub sha256: String,
}

impl Receipt {
    /// Where it stands.
    pub fn path(home: &Home) -> PathBuf {
        home.data().join("install.json")
    }

    /// The one that is there.
    pub fn read(home: &Home) -> Option<Self> {
        serde_json::from_slice(&file::read_bounded(&Self::path(home), LIMIT).ok()?).ok()
    }

    /// Its text.
    pub fn to_json(&self) -> String {
        format!("{}\n", serde_json::to_string_pretty(self).unwrap_or_default())
    }

    /// Adds the folders of a file that are not there yet, the inner ones first.
    pub fn add_folders_of(&mut self, file: &Path) {
        let above = file.ancestors().skip(1).take_while(|folder| !folder.exists()).map(Path::to_owned);
        let missing: Vec<PathBuf> = above.filter(|folder| !self.folders.contains(folder)).collect();
        self.folders.splice(..0, missing);
    }

    /// Whether this file was placed.
    pub fn lists(&self, path: &Path) -> bool {
        self.files.iter().any(|file| file.path == path)
    }
}

impl Placed {
    /// Whether nobody has changed it since.
    pub fn is_unchanged(&self) -> bool {
        let is = |bytes: Vec<u8>| sha256(&bytes) == self.sha256;
        !self.path.is_symlink() && file::read_bounded(&self.path, file::LARGEST).is_ok_and(is)
    }
}
