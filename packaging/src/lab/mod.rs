//! The *lab*: real machines, booted in half a second, that tests install, log in to, crash and reboot.
//!
//! An [`image`] is a Debian root folder, built once with the distribution's own packages and kept outside
//! the tree. A [`machine`] is a clean overlay over an image, booted by `systemd-nspawn`: its own init, journal,
//! user managers and network, nothing shared with any other machine, and nothing left when it is dropped.
//! [`user`] runs commands in it the ways people do: in a login session, by `su`, from cron. [`changes`] tells
//! what a machine's files became. [`needs`] says what the computer below must have, and gets it where it may.
//!
//! Programs for Windows run in [`wine`], which is no machine of its own.
//!
//! `cargo xtask lab` does all of it by hand ([`command`]); the tests are in `tests/lab`.

pub mod changes;
pub mod command;
pub mod image;
pub mod machine;
pub mod needs;
pub mod user;
mod util;
pub mod wine;

use std::path::PathBuf;

pub use image::Image;
pub use machine::Machine;
pub use user::{Output, Session, User};
pub use util::wait_for;
pub use wine::Wine;

/// Where images and machines live: `$DUCTOR_LAB`, else `/var/cache/ductor-lab`.
///
/// It must be on a file system that an overlay can write to (not itself an overlay).
pub fn folder() -> PathBuf {
    std::env::var_os("DUCTOR_LAB").map_or_else(|| "/var/cache/ductor-lab".into(), PathBuf::from)
}
