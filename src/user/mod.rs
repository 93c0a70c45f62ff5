//! The *user* that this process acts as. Each has a service, a home and a bot of their own; what is done in the name
//! of another would end up in the wrong one. What an operating system knows of users is in one file per system,
//! with the same function names.

#[cfg(unix)]
#[path = "unix.rs"]
mod os;
#[cfg(windows)]
#[path = "windows.rs"]
mod os;

use crate::error::{Code, Error, Result};
#[cfg(windows)]
pub(crate) use os::{Sid, own_sid, sid_of};

/// The number of the user: the effective user id; on Windows the last part of the security identifier.
pub fn number() -> u32 {
    os::number()
}

/// Refuses to act as a user who is not the one that typed the command.
///
/// # Errors
/// [`Code::NotPermitted`]: by `sudo`, or by an administrator's password on Windows. A real root login on Linux is a
/// user like any other.
pub fn check() -> Result<()> {
    match os::borrowed() {
        Some((by, cause, fix)) => Err(Error::new(by, cause).code(Code::NotPermitted).fix(fix)),
        None => Ok(()),
    }
}
