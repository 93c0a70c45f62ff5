//! The *lock*: a record lock (fcntl(2)) on `host.lock`. Who holds it is the host; nothing else decides that.
//!
//! The kernel says which process holds it, so there is no pid in a file that could lie, and it ends with the
//! process, however that ends. Two things follow from how record locks work. The lock is lost when the
//! process closes *any* descriptor of that file, so it is opened once, and [`holder`] never opens a file that
//! this process itself holds. And the lock is on the file, not on its name: who took the file away from the
//! name made room for a second host, so the host watches the name and locks anew.

use std::fs::{File, symlink_metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::os;
use crate::effects::file::{self, Id};
use crate::error::Error;
use crate::home::Home;
use crate::process::Process;

/// The files that this process holds.
static OURS: Mutex<Vec<Id>> = Mutex::new(Vec::new());

/// The lock of a home, held by this process for as long as this value lives.
#[derive(Debug)]
pub struct HostLock {
    path: PathBuf,
    id: Id,
    _open: File,
}

/// Why the lock could not be taken.
#[derive(Debug)]
pub enum Refused {
    /// Another process holds it. It has no name when it can't be seen from here (another container).
    Held(Option<Process>),
    /// The file can't be made or opened.
    Failed(Error),
}

impl HostLock {
    /// Takes the lock, and makes the home if there is none.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn acquire(home: &Home) -> Result<Self, Refused> {
        let path = home.lock();
        // Each turn means that somebody took the file away, or let go of the lock, in between.
        for _ in 0..100 {
            match Self::try_once(home, &path) {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) => {}
                Err(refused) => return Err(refused),
            }
        }
        Err(Refused::Held(None))
    }

    fn try_once(home: &Home, path: &Path) -> Result<Option<Self>, Refused> {
        let failed = |error| Refused::Failed(Error::new(format!("lock {}", path.display()), error));
        if holds(path) {
            return Err(Refused::Held(Some(Process::current())));
        }
        file::create_folder(home.root()).map_err(Refused::Failed)?;
        if symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
            std::fs::remove_file(path).map_err(failed)?; // a link or a fifo is not ours
        }
        let locked = match os::lock(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            locked => locked.map_err(failed)?,
        };
        let Some(file) = locked else {
            return match os::lock_holder(path).map(|pid| (pid, Process::of(pid))) {
                Some((_, Some(holder))) => Err(Refused::Held(Some(holder))),
                Some((0, None)) => Err(Refused::Held(None)),
                _ => Ok(None), // it has just let go
            };
        };
        let id = Id::of(&file).map_err(failed)?;
        if !names(path, id) {
            return Ok(None);
        }
        ours().push(id);
        Ok(Some(Self { path: path.into(), id, _open: file }))
    }

    /// The file is still where others look for it.
    pub fn is_in_place(&self) -> bool {
        names(&self.path, self.id)
    }

    /// Where others look for it.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for HostLock {
    fn drop(&mut self) {
        ours().retain(|id| *id != self.id);
    }
}

/// The living process that holds the lock of this home.
pub fn holder(home: &Home) -> Option<Process> {
    let path = home.lock();
    if holds(&path) {
        return Some(Process::current());
    }
    if !symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    Process::of(os::lock_holder(&path)?)
}

/// The process that a lock's file names, where the system keeps the file itself from being written by others
/// (Windows): `PID START`.
#[cfg_attr(unix, allow(dead_code, reason = "the kernel says it there; it is tried all the same"))]
pub(crate) fn noted(said: &[u8]) -> Option<Process> {
    let (pid, start) = std::str::from_utf8(said).ok()?.trim_end().split_once(' ')?;
    Some(Process { pid: pid.parse().ok()?, start: start.parse().ok()? })
}

/// This process holds the file at `path`.
fn holds(path: &Path) -> bool {
    Id::at(path).is_some_and(|id| ours().contains(&id))
}

fn names(path: &Path, id: Id) -> bool {
    Id::at(path) == Some(id)
}

fn ours() -> MutexGuard<'static, Vec<Id>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::of(dir.path().into(), Some(dir.path().join("home").into())).unwrap();
        (dir, home)
    }

    #[test]
    fn whoever_holds_it_is_named_and_it_is_free_again_afterwards() {
        let (_dir, home) = home();
        assert_eq!(holder(&home), None);
        let lock = HostLock::acquire(&home).unwrap();
        assert_eq!(holder(&home), Some(Process::current()));
        assert!(matches!(HostLock::acquire(&home), Err(Refused::Held(Some(_)))));
        drop(lock);
        assert_eq!(holder(&home), None);
        HostLock::acquire(&home).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_home_and_the_file_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, home) = home();
        let _lock = HostLock::acquire(&home).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(home.root()), mode(&home.lock())), (0o700, 0o600));
    }

    #[test]
    fn a_file_that_was_taken_away_is_locked_anew() {
        let (dir, home) = home();
        let mut lock = HostLock::acquire(&home).unwrap();
        // Before Windows 10, and in Wine, the name of a file that is deleted stays until nobody has it open.
        std::fs::rename(home.lock(), dir.path().join("taken")).unwrap();
        std::fs::remove_dir_all(home.root()).unwrap();
        assert!(!lock.is_in_place());
        assert_eq!(holder(&home), None);
        lock = HostLock::acquire(&home).unwrap();
        assert!(lock.is_in_place());
        assert_eq!(holder(&home), Some(Process::current()));
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_not_followed_and_a_fifo_does_not_block() {
        let (dir, home) = home();
        std::fs::create_dir(home.root()).unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), home.lock()).unwrap();
        assert_eq!(holder(&home), None);
        drop(HostLock::acquire(&home).unwrap());
        assert!(!dir.path().join("elsewhere").exists());
        std::fs::remove_file(home.lock()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(home.lock()).status().unwrap().success());
        assert_eq!(holder(&home), None);
        HostLock::acquire(&home).unwrap();
    }
}
