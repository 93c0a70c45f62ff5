//! The *user* that this process acts as. Each has a service, a home and a bot of their own; what is done in the name
//! of another would end up in the wrong one. What an operating system knows of users is in one file per system,
//! with the same function names.

#[cfg(unix)]
#[path = "unix.rs"]
mod os;
#[cfg(windows)]
#[path = "windows.rs"]
mod os;

use std::path::Path;

use crate::effects::file::Owner;
use crate::error::{Code, Error, Result};
use crate::home::Home;
#[cfg(windows)]
pub(crate) use os::{Sid, own_sid, sid_of, text};

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

/// Refuses root in another user's home, where that user could lead root's hand elsewhere by a link: `su -m`, or a HOME
/// or `DUCTOR_HOME` that came along.
///
/// # Errors
/// [`Code::NotPermitted`]: we are root, and the home, or the folder that it would be made in, is not root's.
pub fn check_home(home: &Home) -> Result<()> {
    let is_roots = |folder: &Path| {
        let nearest = folder.ancestors().find_map(|folder| folder.metadata().ok());
        nearest.and_then(|found| Owner::of(&found)).is_none_or(|owner| owner.user == 0)
    };
    match [home.user(), home.root()].into_iter().find(|folder| !is_roots(folder)) {
        Some(folder) if number() == 0 => {
            Err(Error::new(folder.display(), "it belongs to another user, and this is root")
                .code(Code::NotPermitted)
                .fix("the same command as that user, or in a login of root's own: su -"))
        }
        _ => Ok(()),
    }
}
