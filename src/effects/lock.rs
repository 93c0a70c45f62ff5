//! The *lock* of a folder: it keeps a second command of the same kind out while one is at work there.

use std::fs::File;
use std::path::Path;

use crate::error::{Context, Error, Result};

/// Held while it lives; the system takes it away with the process.
pub struct Lock(#[allow(dead_code, reason = "on Windows the open file is the lock")] File);

/// Takes the lock of `folder` for this command.
///
/// # Errors
/// Another process has it, or the folder can't be opened.
pub fn acquire(folder: &Path, command: &str) -> Result<Lock> {
    match os::lock(folder) {
        Ok(Some(file)) => Ok(Lock(file)),
        Ok(None) => Err(Error::new(folder.display(), format!("another `{command}` is under way"))),
        Err(error) => Err(error).about(folder.display()),
    }
}

#[cfg(unix)]
mod os {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use rustix::fs::{FlockOperation, flock};

    /// The locked folder; none if another process has locked it.
    pub(super) fn lock(folder: &Path) -> io::Result<Option<File>> {
        let file = File::open(folder)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            _ => Ok(Some(file)), // a file system without locks: go on
        }
    }

    impl Drop for super::Lock {
        /// Closing is not enough: a child that is just being started has the file as well.
        fn drop(&mut self) {
            let _without_locks = flock(&self.0, FlockOperation::Unlock);
        }
    }
}

#[cfg(windows)]
mod os {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;

    /// `ERROR_SHARING_VIOLATION` of winerror.h.
    const IN_USE: i32 = 32;

    /// A file that nobody else may open; none if another process has it open.
    pub(super) fn lock(folder: &Path) -> io::Result<Option<File>> {
        let file = File::options().write(true).create(true).truncate(false).share_mode(0);
        match file.open(folder.join("lock")) {
            Err(error) if error.raw_os_error() == Some(IN_USE) => Ok(None),
            file => file.map(Some),
        }
    }
}
