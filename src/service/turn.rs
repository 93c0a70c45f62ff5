//! A *turn*: commands that change the service take turns, so that two at once do not undo each other's work.
//!
//! The lock is that of the user's home folder. It is a convenience: the host's lock decides. Reading takes no turn.

use std::time::{Duration, Instant};

use crate::effects::folder_lock::FolderLock;
use crate::error::{Context, Error, Result};
use crate::home::Home;
use crate::shell::Shell;

/// Longer than any command takes that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// The right to change the service of one user, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _lock: FolderLock,
}

impl Turn {
    /// Takes it, when nobody else has it any more.
    ///
    /// # Errors
    /// The home can't be opened, or another command does not end.
    pub fn take(home: &Home) -> Result<Self> {
        let start = Instant::now();
        loop {
            match FolderLock::take(home.user()).about(format!("lock {}", home.user().display()))? {
                Some(lock) => return Ok(Self { _lock: lock }),
                None if start.elapsed() > PATIENCE => {
                    let cause =
                        format!("another ductor command has been changing it for {} s", PATIENCE.as_secs());
                    return Err(Error::new("the service", cause).fix(Shell::here().our_processes()));
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}
