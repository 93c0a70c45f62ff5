//! A *world* of a test: a user's home folder with the programs that the test puts there.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::home::Home;

/// A home folder that is gone with its value.
pub struct World(tempfile::TempDir);

impl World {
    /// A new, empty one.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The ductor home in it.
    pub fn home(&self) -> Home {
        Home::of(self.0.path().into(), None).unwrap()
    }

    /// A path in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// A PATH of these folders in it.
    pub fn search_path(&self, folders: &[&str]) -> OsString {
        std::env::join_paths(folders.iter().map(|folder| self.path(folder))).unwrap()
    }

    /// Writes a file with the folders it needs.
    pub fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes a program. Another process does it: a test on another thread that forked while the file was
    /// open here would make the kernel refuse to run it (`ETXTBSY`).
    pub fn program(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let (text, path) = (self.write("text", text), self.path(name));
        let install = Command::new("install").args(["-D", "-m", "755"]).args([&text, &path]).status();
        assert!(install.unwrap().success());
        path
    }

    /// Makes what a virtual environment with this version of the bot consists of; gives its python, which
    /// fails when it is run.
    pub fn environment(&self, name: &str, version: &str) -> PathBuf {
        let folder = Path::new(name);
        let site = folder.join("lib/python3.11/site-packages");
        self.write(folder.join("pyvenv.cfg"), "home = /usr/bin\nversion = 3.11.2\n");
        self.write(site.join("ductor_bot/__main__.py"), "");
        self.write(
            site.join(format!("ductor-{version}.dist-info/METADATA")),
            format!("Metadata-Version: 2.4\nName: ductor\nVersion: {version}\n\nVersion: of the text\n"),
        );
        self.program(folder.join("bin/python"), "#!/bin/sh\necho started >&2; exit 9\n")
    }
}
