//! A *transaction*: several effects that all stay, or none. Dropped before [`commit`](Transaction::commit), it
//! puts back what it changed, last change first, and then has those told who have to look again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Command, Effects, file};
use crate::error::{Context, Result};

/// Effects that are undone unless they are committed.
pub struct Transaction<'e> {
    effects: &'e Effects<'e>,
    undo: Vec<Undo<'e>>,
    /// Run when everything is put back, in this order.
    afterwards: Vec<Command>,
}

enum Undo<'e> {
    Write(PathBuf, Vec<u8>, u32),
    Link(PathBuf, PathBuf),
    Remove(PathBuf),
    RemoveFolder(PathBuf),
    Run(Command),
    Act(Box<dyn FnOnce() + 'e>),
}

impl<'e> Transaction<'e> {
    /// A transaction of these effects.
    pub fn new(effects: &'e Effects<'e>) -> Self {
        Self { effects, undo: Vec::new(), afterwards: Vec::new() }
    }

    /// As [`Effects::write`]. A file that has this content already is left alone. Whether it was written.
    ///
    /// # Errors
    /// As [`Effects::write`]; or what is there could not be put back: it is a folder, a fifo, or huge.
    pub fn write(&mut self, path: &Path, bytes: &[u8], mode: u32) -> Result<bool> {
        let before = Self::before(path).about(format!("write {}", path.display()))?;
        if matches!(&before, Undo::Write(_, old, _) if old == bytes) {
            return Ok(false);
        }
        self.effects.write(path, bytes, mode)?;
        self.undo.push(before);
        Ok(true)
    }

    /// As [`Effects::remove`]. Whether anything was there. What is no file of a size to keep does not come back.
    ///
    /// # Errors
    /// As [`Effects::remove`].
    pub fn remove(&mut self, path: &Path) -> Result<bool> {
        let was_there = path.symlink_metadata().is_ok();
        let before = Self::before(path).ok().filter(|_| was_there);
        self.effects.remove(path)?;
        self.undo.extend(before);
        Ok(was_there)
    }

    /// As [`Effects::link`].
    ///
    /// # Errors
    /// As [`Effects::link`].
    pub fn link(&mut self, target: &Path, path: &Path) -> Result<()> {
        self.effects.link(target, path)?;
        self.undo.push(Undo::Remove(path.to_owned()));
        Ok(())
    }

    /// As [`Effects::create_folder`].
    ///
    /// # Errors
    /// As [`Effects::create_folder`].
    pub fn create_folder(&mut self, path: &Path) -> Result<()> {
        let missing: Vec<PathBuf> =
            path.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
        self.undo.extend(missing.into_iter().rev().map(Undo::RemoveFolder));
        self.effects.create_folder(path)
    }

    /// Runs a command that has to end with 0, and notes the one that takes it back.
    ///
    /// # Errors
    /// It failed.
    pub fn run(&mut self, command: &Command, back: Option<Command>) -> Result<()> {
        self.undo.extend(back.map(Undo::Run));
        let output = self.effects.run(command)?;
        if output.success() { Ok(()) } else { Err(command.failed(&output)) }
    }

    /// As [`run`](Self::run) for one of several ways: that it failed is no error. Whether it ended with 0.
    pub fn attempt(&mut self, command: &Command, back: Command) -> bool {
        let done = self.effects.run(command).is_ok_and(|output| output.success());
        if done {
            self.undo.push(Undo::Run(back));
        }
        done
    }

    /// Notes what takes back the effects that follow, where no single command does.
    pub fn back(&mut self, undo: impl FnOnce() + 'e) {
        self.undo.push(Undo::Act(Box::new(undo)));
    }

    /// Notes a command that is run last when everything was put back, such as one by which files are read again.
    pub fn afterwards(&mut self, command: Command) {
        self.afterwards.push(command);
    }

    /// The effects themselves, for what needs no taking back.
    pub fn effects(&self) -> &'e Effects<'e> {
        self.effects
    }

    /// Everything stays.
    pub fn commit(mut self) {
        self.undo.clear();
        self.afterwards.clear();
    }

    fn before(path: &Path) -> io::Result<Undo<'e>> {
        if let Ok(target) = fs::read_link(path) {
            return Ok(Undo::Link(path.to_owned(), target));
        }
        match file::read_bounded(path, file::LARGEST) {
            Ok(bytes) => Ok(Undo::Write(path.to_owned(), bytes, file::mode_of(path))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Undo::Remove(path.to_owned())),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.effects.is_real() || self.undo.is_empty() {
            return;
        }
        let afterwards = self.afterwards.drain(..).map(Undo::Run);
        for undo in self.undo.drain(..).rev().chain(afterwards) {
            // The error that people see is the one that led here.
            let _best_effort = match undo {
                // A disk that is full has no room for a second file, but the first one's blocks.
                Undo::Write(path, bytes, mode) => file::replace(&path, &bytes, mode)
                    .or_else(|_| fs::write(&path, &bytes).map_err(|e| crate::error::Error::new("", e))),
                Undo::Link(path, target) => file::remove(&path).and_then(|()| file::link(&target, &path)),
                Undo::Remove(path) => file::remove(&path),
                Undo::RemoveFolder(path) => fs::remove_dir(path).map_err(|e| crate::error::Error::new("", e)),
                Undo::Run(command) => super::ask(&command).map(drop),
                Undo::Act(act) => {
                    act();
                    Ok(())
                }
            };
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_committed_is_as_before() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("old"), "old").unwrap();
        std::os::unix::fs::symlink("/dev/null", at("mask")).unwrap();
        let change = |commit: bool| {
            let quiet = |_: &super::super::Effect<'_>| {};
            let effects = Effects::real(&quiet);
            let mut transaction = Transaction::new(&effects);
            transaction.write(&at("old"), b"new", 0o600).unwrap();
            assert!(transaction.remove(&at("mask")).unwrap());
            transaction.create_folder(&at("a/b")).unwrap();
            transaction.write(&at("a/b/file"), b"x", 0o600).unwrap();
            let back = Command::new("touch", [at("back")]);
            transaction.run(&Command::new("true", [""; 0]), Some(back)).unwrap();
            let look = format!("cd {} && ! test -e a && touch last", dir.path().display());
            transaction.afterwards(Command::new("sh", ["-c", &look]));
            if commit {
                transaction.commit();
            }
        };
        change(false);
        assert_eq!(fs::read_to_string(at("old")).unwrap(), "old");
        assert_eq!(fs::read_link(at("mask")).unwrap(), Path::new("/dev/null"));
        assert!(!at("a").exists() && at("back").exists() && at("last").exists());
        fs::remove_file(at("last")).unwrap();
        change(true);
        assert!(!at("last").exists());
        assert_eq!(fs::read_to_string(at("old")).unwrap(), "new");
        assert!(at("a/b/file").exists());
    }
}
