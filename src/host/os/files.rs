//! The lock's file on Unix.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, fcntl_lock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, fcntl_getlk};

/// Opens the file, or makes it, and locks it for this process (fcntl(2), `F_SETLK`); none when another process
/// holds it.
pub fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = open(path, true)?;
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The pid of another process that holds the lock, as the kernel says (`F_GETLK`); none when it is free. The
/// pid is 0 when the holder can't be seen from here: it is in another container or on another machine.
pub fn lock_holder(path: &Path) -> Option<u32> {
    let file = open(path, false).ok()?;
    let lock = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock)).ok()??;
    Some(lock.pid.and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok()).unwrap_or(0))
}

/// The file itself, never what a link names; a fifo that somebody put there does not block.
fn open(path: &Path, create: bool) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    OpenOptions::new().read(true).write(create).create(create).mode(0o600).custom_flags(flags).open(path)
}
