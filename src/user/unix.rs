//! Users on Unix: numbers.

use std::env;

use rustix::process::geteuid;

pub fn number() -> u32 {
    geteuid().as_raw()
}

/// By what this process acts as somebody else, what is wrong with that, and what to type instead.
///
/// Under sudo, files in the home would end up root's, and the manager that is reached is root's. On macOS root
/// never logs in, so it has no domain in which an agent could run.
pub fn borrowed() -> Option<(&'static str, &'static str, &'static str)> {
    let sudo = env::var("SUDO_UID").is_ok_and(|uid| uid != "0");
    match geteuid().is_root() {
        true if sudo => Some((
            "sudo",
            "the service belongs to a user; as root this would set up root's",
            "the same command without sudo",
        )),
        true if cfg!(target_os = "macos") => {
            Some(("root", "the service belongs to a user who logs in", "the same command as that user"))
        }
        _ => None,
    }
}
