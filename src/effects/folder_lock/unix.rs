//! On Unix the folder itself is locked (flock(2)).

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;

#[derive(Debug)]
pub struct Held(File);

pub fn take(folder: &Path) -> io::Result<Option<Held>> {
    let folder =
        File::from(open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?);
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(None),
        Ok(()) | Err(Errno::NOLCK | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(Some(Held(folder))),
        Err(error) => Err(error.into()),
    }
}

impl Drop for Held {
    /// Closing is not enough: a child that is just being started has the file as well.
    fn drop(&mut self) {
        let _without_locks = flock(&self.0, FlockOperation::Unlock);
    }
}
