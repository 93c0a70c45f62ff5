//! *Another home*: the service runs the bot of another home than the one that is asked for, as `DUCTOR_HOME` says one
//! thing to its host and another to us. What its host was told is seen in the environment of its process: drop-ins
//! and `systemctl --user set-environment` count, too.

use crate::error::Error;
use crate::home::Home;
use crate::host::{self, Host};
use crate::process::Process;
use crate::shell::Shell;

use super::manager::Problem;

/// The service's host, and the other home that it runs.
pub struct Elsewhere {
    /// The host, which holds the lock of that home.
    pub host: Host,
    home: Home,
}

/// Where the service's host `pid` is, unless it is the one of `home`, or none that has a lock yet.
pub fn of(pid: u32, home: &Home) -> Option<Elsewhere> {
    let told = Process::of(pid)?.environment("DUCTOR_HOME").filter(|told| !told.is_empty());
    let other = Home::of(home.user().to_owned(), told).ok()?;
    if other.is_the_same(home) {
        return None;
    }
    let host = host::find(&other).filter(|host| host.process.pid == pid)?;
    Some(Elsewhere { host, home: other })
}

impl Elsewhere {
    /// What people are told.
    pub fn problem(&self) -> Problem {
        let named = (!self.home.is_default()).then(|| self.home.root());
        let fix = Shell::here().with_home(named, "ductor service status");
        Problem::new("other-home", format!("the service runs the bot of {}", self.home.root().display()), fix)
    }

    /// The same, where somebody waits for the bot of this home.
    pub fn error(&self) -> Error {
        let Problem { message, fix, .. } = self.problem();
        Error::new("DUCTOR_HOME", message).fix(fix)
    }
}
