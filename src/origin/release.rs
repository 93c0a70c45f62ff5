//! A *release* at a URL: looked at, checked, and unpacked in a folder of its own that goes when it is dropped.
//!
//! There is no TLS in this program. The installer that it carries, `install.sh`, fetches and unpacks, with what
//! the machine has; nothing that it brings is believed before [`check`] has passed it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use semver::Version;

use super::{Receipt, check};
use crate::effects::folder_lock::FolderLock;
use crate::effects::{Command, ask, file};
use crate::error::{Context, Error, Result};
use crate::home::Home;

/// The installer, its name, and what runs it.
const INSTALLER: (&str, &str, &[&str]) = if cfg!(windows) {
    let words = &["powershell", "-NoProfile", "-ExecutionPolicy", "Bypass", "-File"];
    ("install.ps1", include_str!("../../installers/install.ps1"), words)
} else {
    ("install.sh", include_str!("../../installers/install.sh"), &["sh"])
};

/// The hashes of all files of a release, minisign's signature of them, and what says which version it is.
const SUMS: &str = "sha256.sum";
const SIGNATURE: &str = "sha256.sum.minisig";
const MANIFEST: &str = "dist-manifest.json";

/// A slow line gets its time.
const DOWNLOAD: Duration = Duration::from_secs(10 * 60);

/// A release whose hashes have been checked.
pub struct Release {
    /// Its version.
    pub version: Version,
    source: String,
    wanted: String,
    sums: String,
    folder: Folder,
}

/// Where it is put, in the user's data folder: programs can be run from there.
struct Folder {
    path: PathBuf,
    _lock: FolderLock,
}

impl Release {
    /// Looks at the release that a receipt leads to: the latest, or the `wanted` one.
    ///
    /// # Errors
    /// It can't be fetched, its signature or a hash is wrong, or it is another one than was wanted.
    pub fn look(home: &Home, receipt: &Receipt, wanted: Option<&Version>) -> Result<Self> {
        let mut release = Self {
            version: Version::new(0, 0, 0),
            source: receipt.source.clone(),
            wanted: wanted.map(ToString::to_string).unwrap_or_default(),
            sums: String::new(),
            folder: Folder::make(home)?,
        };
        let signature = receipt.public_key.as_ref().map(|_| SIGNATURE);
        release.fetch(&[SUMS, MANIFEST].into_iter().chain(signature).collect::<Vec<_>>())?;
        let sums = release.read(SUMS)?;
        if let Some(key) = &receipt.public_key {
            check::signature(&sums, &String::from_utf8_lossy(&release.read(SIGNATURE)?), key)?;
        }
        release.sums = String::from_utf8_lossy(&sums).into_owned();
        let manifest = release.read(MANIFEST)?;
        check::hash(&release.sums, MANIFEST, &manifest)?;
        release.version = version(&manifest)?;
        match wanted {
            Some(wanted) if *wanted != release.version => {
                let there = &release.version;
                Err(Error::new(&release.source, format!("it holds {there}, not {wanted}"))
                    .fix(format!("ductor upgrade --version {there}")))
            }
            _ => Ok(release),
        }
    }

    /// Fetches the archive for this machine, checks it, unpacks it, and sees that its program runs. The folder of
    /// the program.
    ///
    /// # Errors
    /// One of these failed; nothing outside of its own folder has changed.
    pub fn unpack(&self) -> Result<PathBuf> {
        let archives = archives();
        let named = archives.iter().find(|name| check::expected(&self.sums, name).is_some());
        let archive = named.ok_or_else(|| Error::new(&self.source, "no archive for this machine"))?;
        self.fetch(&[archive])?;
        check::hash(&self.sums, archive, &self.read(archive)?)?;

        let new = self.folder.path.join("new");
        fs::create_dir(&new).about(new.display())?;
        installer(&self.folder.path, ["unpack".as_ref(), self.folder.path.join(archive).as_path(), &new])?;
        let top = new.join(archive.trim_end_matches(".tar.xz"));
        let unpacked = if top.is_dir() { top } else { new };

        let program = unpacked.join(format!("ductor{}", env::consts::EXE_SUFFIX));
        let command = Command::new(program, ["--version"]);
        let said = ask(&command)?;
        match String::from_utf8_lossy(&said.stdout).trim_end().strip_prefix("ductor ") {
            Some(version) if said.success() && version == self.version.to_string() => Ok(unpacked),
            _ => Err(command.failed(&said)),
        }
    }

    fn fetch(&self, files: &[&str]) -> Result<()> {
        let folder = self.folder.path.as_path();
        let words = [Path::new("fetch"), Path::new(&self.source), Path::new(&self.wanted), folder];
        installer(folder, words.into_iter().chain(files.iter().map(Path::new)))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        file::read_bounded(&self.folder.path.join(name), file::LARGEST).about(name)
    }
}

/// Runs the installer, which is put into `folder`, with these words.
fn installer<'a>(folder: &Path, words: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let (name, text, interpreter) = INSTALLER;
    let script = folder.join(name);
    file::replace(&script, text.as_bytes(), 0o600)?;
    let (program, options) = interpreter.split_first().unwrap_or((&"", &[]));
    let options = options.iter().map(PathBuf::from).chain([script]);
    let command = Command::new(program, options.chain(words.into_iter().map(Into::into))).timeout(DOWNLOAD);
    let output = ask(&command)?;
    if output.success() { Ok(()) } else { Err(command.failed(&output)) }
}

/// The archives that run on this machine, the better one first.
fn archives() -> Vec<String> {
    let systems: &[&str] = match env::consts::OS {
        "linux" => &["unknown-linux-musl.tar.xz", "unknown-linux-gnu.tar.xz"],
        "macos" => &["apple-darwin.tar.xz"],
        "windows" => &["pc-windows-gnu.zip"],
        _ => &[],
    };
    systems.iter().map(|system| format!("ductor-{}-{system}", env::consts::ARCH)).collect()
}

/// The version that cargo-dist's manifest announces.
pub(crate) fn version(manifest: &[u8]) -> Result<Version> {
    let manifest: serde_json::Value =
        serde_json::from_slice(manifest).map_err(|error| Error::new(MANIFEST, error))?;
    let tag = manifest["announcement_tag"].as_str().unwrap_or_default();
    Version::parse(tag.trim_start_matches('v')).map_err(|error| Error::new(MANIFEST, error))
}

impl Folder {
    /// One command at a time; what a killed one left is removed first.
    fn make(home: &Home) -> Result<Self> {
        let lock = FolderLock::take(&home.data()).about(home.data().display())?;
        let lock = lock.ok_or_else(|| Error::new("ductor upgrade", "another one is under way"))?;
        let folder = Self { path: home.data().join("upgrade"), _lock: lock };
        folder.remove();
        file::create_folder(&folder.path)?;
        Ok(folder)
    }

    fn remove(&self) {
        let _next_time = fs::remove_dir_all(&self.path);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
    }
}
