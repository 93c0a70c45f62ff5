//! Replacing a file so that at every moment it is the old one or the new one, and nobody else's.
//!
//! The new content goes to a temporary file in the same folder, created exclusively (a link planted under its name
//! makes the creation fail, it is not followed), reaches the disk, and is renamed. The name says which process wrote
//! it: what a killed one left is swept away by the next write or removal in that folder.

#[cfg(unix)]
#[path = "file/unix.rs"]
mod os;
#[cfg(windows)]
#[path = "file/windows.rs"]
mod os;

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use os::rename;

use super::fault;
use crate::error::{Context, Error, Result};
use crate::process::Process;

/// What we keep of files fits in here, a program included. A larger one is nothing that we wrote.
pub const LARGEST: u64 = 64 << 20;

/// Gives `path` the content `bytes` and the permission bits `mode` (on Windows: private, if others have none). Its
/// folder must exist. It may be a program that runs.
///
/// # Errors
/// The folder can't be written or the disk is full; what was at `path` is still there, and nothing else is.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let temporary = temporary_beside(path)?;
    let write = || -> io::Result<()> {
        let mut file = os::create_new(&temporary, mode)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fault::place()?;
        os::rename(&temporary, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&temporary))).about(format!("write {}", path.display()))
}

/// Removes the file or link at `path`; it may be gone already. It may be a program that runs.
///
/// # Errors
/// It is there and can't be removed.
pub fn remove(path: &Path) -> Result<()> {
    match os::remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::new(format!("remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}

/// Makes `path` a link to `target`.
///
/// # Errors
/// Something is at `path` already, or its folder can't be written.
pub fn link(target: &Path, path: &Path) -> Result<()> {
    os::make_link(target, path).about(format!("link {}", path.display()))
}

/// Makes the folder `path` and those above it, for the user alone; those that exist stay as they are.
///
/// # Errors
/// One of them can't be made, or is no folder.
pub fn create_folder(path: &Path) -> Result<()> {
    os::create_private_folders(path).about(format!("create {}", path.display()))
}

/// Reads a file that anybody may have put there: a regular one, of at most `limit` bytes.
///
/// # Errors
/// It can't be read, is not a regular file (a fifo would hang us), or is larger than `limit`.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    use io::Read;
    let (file, length) = open(path)?;
    if length > limit {
        return Err(io::Error::other(format!("larger than {} KiB", limit / 1024)));
    }
    // With room to see that there is no more: else it is read in pieces of 32 bytes first.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 32);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file that anybody may have put there, to read it.
///
/// # Errors
/// It can't be read, or is not a regular file (a fifo would hang us).
pub fn open_regular(path: &Path) -> io::Result<File> {
    open(path).map(|(file, _)| file)
}

/// The same, with its length.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = os::open_without_blocking(path)?;
    let found = file.metadata()?;
    if found.is_file() { Ok((file, found.len())) } else { Err(io::Error::other("not a regular file")) }
}

/// Makes a file that only its user can read, and that did not exist.
///
/// # Errors
/// It can't be made.
pub fn create_private(path: &Path) -> io::Result<File> {
    os::create_new(path, 0o600)
}

/// What only access lists can say.
#[cfg(windows)]
pub use os::access::{create_private_folder, others_may_replace};

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(u64, u64);

impl Id {
    /// That of an open file.
    ///
    /// # Errors
    /// The system does not say.
    pub fn of(file: &File) -> io::Result<Self> {
        os::id_of(file)
    }

    /// That of what is at `path`, which may be a folder or a link; none if nothing is there.
    pub fn at(path: &Path) -> Option<Self> {
        os::id_at(path)
    }
}

/// Whose a file is, by the numbers of Unix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its user.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Its permission bits.
    pub mode: u32,
}

impl Owner {
    /// That of a file; none on Windows, where access lists say who may do what.
    pub fn of(metadata: &Metadata) -> Option<Self> {
        os::owner(metadata)
    }
}

/// The permission bits of a file, with which [`replace`] gives it what it has: 0600 where nothing is known.
pub fn mode_of(path: &Path) -> u32 {
    os::mode(path).unwrap_or(0o600)
}

/// The room that a user has left where the folder is, in bytes; none if the system does not say.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    os::free_bytes(folder)
}

/// Removes the temporary files in a folder whose processes have ended.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if writer(&entry.file_name().to_string_lossy()).is_some_and(|writer| !writer.is_alive()) {
            let _next_time = fs::remove_file(entry.path());
        }
    }
}

/// `.ductor-PID-START-NUMBER.tmp`, of this process, in the folder of `path`.
fn temporary_beside(path: &Path) -> Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let (Some(folder), Some(_)) = (path.parent(), path.file_name()) else {
        return Err(Error::new(path.display(), "not the path of a file"));
    };
    sweep(folder);
    let Process { pid, start } = Process::current();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Ok(folder.join(format!(".ductor-{pid}-{start}-{number}.tmp")))
}

/// The process that wrote the temporary file of this name, if it is one.
fn writer(name: &str) -> Option<Process> {
    let mut numbers = name.strip_prefix(".ductor-")?.strip_suffix(".tmp")?.splitn(3, '-');
    Some(Process { pid: numbers.next()?.parse().ok()?, start: numbers.next()?.parse().ok()? })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_planted_link_is_replaced_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (victim, path) = (dir.path().join("victim"), dir.path().join("unit"));
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &path).unwrap();
        replace(&path, b"new", 0o600).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(path.symlink_metadata().unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("in-it"), "").unwrap();
        replace(&path, b"x", 0o600).unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_swept_away_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let Process { pid, start } = Process::current();
        let before_us = format!(".ductor-{pid}-{}-0.tmp", start.wrapping_sub(1));
        let ours = format!(".ductor-{pid}-{start}-0.tmp");
        let kept = [&*ours, ".ductor-mine.tmp", ".ductor-1-2-3", "ductor-1-2-3.tmp"];
        kept.iter().chain([&&*before_us]).for_each(|name| fs::write(dir.path().join(name), "").unwrap());
        replace(&dir.path().join("unit"), b"new", 0o600).unwrap();
        assert!(!dir.path().join(before_us).exists());
        assert!(kept.iter().all(|name| dir.path().join(name).exists()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), kept.len() + 1);
    }

    #[test]
    fn a_fifo_does_not_hang_the_reader() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("config.json");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert_eq!(read_bounded(&fifo, 10).unwrap_err().to_string(), "not a regular file");
    }
}
