//! How launchd is reached: the program launchctl, by its exit codes, never by its text.
//!
//! Most codes are errno(2) of macOS, which differ from those of Linux, and a few of launchd's own (`launchctl
//! error CODE` names each). A 0 means little: `load` says so of everything, and `bootout` comes back before the job
//! has ended. Who needs to know asks afterwards.

use std::time::Duration;

use crate::effects::{Command, Output, ask};
use crate::error::{Code, Error, Result};

/// `ESRCH`: the job has no process.
pub const NO_PROCESS: i32 = 3;
/// `EIO`: loaded already, still ending, switched off, a bad property list, a wrong volume: everything.
pub const IO: i32 = 5;
/// `EEXIST`: loaded already.
pub const EXISTS: i32 = 17;
/// `EINPROGRESS`: it is ending.
pub const IN_PROGRESS: i32 = 36;
/// `EALREADY`: somebody else is at it.
pub const ALREADY: i32 = 37;
/// There is no such domain.
pub const NO_DOMAIN: i32 = 112;
/// There is no such job.
pub const NO_SERVICE: i32 = 113;
/// The domain is there, but takes no such order: a screen session that nobody sits at.
pub const UNSUPPORTED: i32 = 125;
/// `EX_USAGE` of newer ones, `EXIT_FAILURE` of older ones: the verb is unknown.
pub const UNKNOWN_VERB: [i32; 2] = [64, 1];

/// launchctl with these words.
pub fn launchctl(words: &[&str]) -> Command {
    Command::new("launchctl", words).timeout(Duration::from_secs(30))
}

/// Asks launchctl something. How it ended is for the caller to judge.
///
/// # Errors
/// [`Code::Unavailable`]: it can't be run, or does not answer.
pub fn query(words: &[&str]) -> Result<Output> {
    ask(&launchctl(words)).map_err(|error: Error| {
        error
            .code(Code::Unavailable)
            .fix("ductor run   (in the foreground, under whatever starts programs here)")
    })
}

/// Whether this launchctl has the verbs of macOS 10.10 and later. Asked when `print` was refused, with a verb that
/// came with it and needs nothing.
///
/// # Errors
/// As [`query`].
pub fn is_modern() -> Result<bool> {
    Ok(query(&["version"])?.success())
}
