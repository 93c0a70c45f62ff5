//! *Faults*: the places where a test cuts a command. Each is passed once before every effect, and once inside every
//! write of a file, when the new content is there under a name of its own.
//!
//! In a debug build `DUCTOR_FAULT=4` makes the fourth place of this process fail, and `DUCTOR_FAULT=kill:4` kills the
//! process there, as nothing that a program can do about it.

use std::io;
use std::process::Command;

const FAULT: &str = "DUCTOR_FAULT";

/// Is a place.
///
/// # Errors
/// It is the one that fails.
#[cfg(debug_assertions)]
pub fn place() -> io::Result<()> {
    use std::sync::atomic::{AtomicU32, Ordering};

    use crate::process::{Process, Signal};

    static PASSED: AtomicU32 = AtomicU32::new(0);
    let number = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
    match std::env::var(FAULT) {
        Ok(wanted) if wanted == number.to_string() => {
            Err(io::Error::other(format!("place {number}: cut by {FAULT}")))
        }
        Ok(wanted) if wanted == format!("kill:{number}") => Process::current().signal(Signal::Kill),
        _ => Ok(()),
    }
}

/// Is a place.
#[cfg(not(debug_assertions))]
pub fn place() -> io::Result<()> {
    Ok(())
}

/// What a command runs is not that command: it has no such places.
pub fn keep_from(process: &mut Command) {
    if cfg!(debug_assertions) {
        process.env_remove(FAULT);
    }
}
