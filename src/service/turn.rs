//! A *turn*: commands that change the service take turns, so that two at once do not undo each other's work.
//!
//! The lock is on the user's home folder itself, so no lock file is left anywhere. Reading takes no turn.

use std::fs::File;
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};
use crate::home::Home;

/// Longer than any command takes that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// The right to change the service of one user, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _lock: File,
}

impl Turn {
    /// Takes it, when nobody else has it any more.
    ///
    /// # Errors
    /// The home can't be opened, or another command does not end.
    pub fn take(home: &Home) -> Result<Self> {
        let folder = File::open(home.user()).about(home.user().display())?;
        let start = Instant::now();
        while !try_lock(&folder).about(format!("lock {}", home.user().display()))? {
            if start.elapsed() > PATIENCE {
                let cause =
                    format!("another ductor command has been changing it for {} s", PATIENCE.as_secs());
                return Err(Error::new("the service", cause).fix("pgrep -a ductor"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { _lock: folder })
    }
}

/// File systems that know no locks let everybody pass: turns are a convenience, the host's lock decides.
#[cfg(unix)]
fn try_lock(folder: &File) -> std::io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    match flock(folder, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(false),
        Ok(()) | Err(Errno::NOLCK | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_the_turn() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::of(dir.path().into(), None).unwrap();
        let first = Turn::take(&home).unwrap();
        assert!(!try_lock(&File::open(dir.path()).unwrap()).unwrap());
        drop(first);
        Turn::take(&home).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
