//! A *service* is the manager's entry for one user: a definition that it loads, and what it does with it.
//!
//! `definition` is the value, [`render`] its text, `manager` the seam to those who run it: `systemd`,
//! `launchd`, `task_scheduler`. On top of that seam, the same for every manager: `up` (when it counts as
//! started), `status` (the truth about it), `doctor` (why it does not behave), `logs` (the bot's lines),
//! `harmless` (those for a terminal), `program` (what it runs), `folder` (who may write definitions), `turn`
//! (who may change it now), `outdated` (a host by an earlier choice).

pub(crate) mod definition;
pub(crate) mod doctor;
mod folder;
pub(crate) mod harmless;
pub(crate) mod launchd;
pub(crate) mod logs;
pub(crate) mod manager;
pub(crate) mod other_home;
pub(crate) mod outdated;
pub(crate) mod program;
pub mod render;
pub(crate) mod status;
pub(crate) mod systemd;
pub(crate) mod task_scheduler;
pub(crate) mod turn;
pub(crate) mod up;

use std::env;

use crate::error::{Code, Error, Result};
use crate::home::Home;

pub use crate::host::LastExit;
pub use definition::{Chosen, Owner, ServiceDefinition};
pub use manager::{Finding, Install, Installed, Logs, Manager, ManagerName, Problem, Report, State};
pub use status::{Owner as BotOwner, Status, look};

/// The manager of this machine, or the one that `DUCTOR_MANAGER` names, for the user of `home`.
///
/// # Errors
/// `DUCTOR_MANAGER` names none.
pub fn native(home: &Home) -> Result<Box<dyn Manager>> {
    let name = match env::var("DUCTOR_MANAGER") {
        Ok(name) if !name.is_empty() => {
            <ManagerName as clap::ValueEnum>::from_str(&name, false).map_err(|_| {
                Error::new(format!("DUCTOR_MANAGER={name}"), "no manager has this name").code(Code::Usage)
            })?
        }
        _ if cfg!(target_os = "macos") => ManagerName::Launchd,
        _ if cfg!(windows) => ManagerName::TaskScheduler,
        _ => ManagerName::Systemd,
    };
    Ok(named(name, home))
}

/// The manager of this name, whether or not this machine has it.
pub fn named(name: ManagerName, home: &Home) -> Box<dyn Manager> {
    match name {
        ManagerName::Systemd => Box::new(systemd::Systemd::new(home)),
        ManagerName::Launchd => Box::new(launchd::Launchd::new(home)),
        ManagerName::TaskScheduler => Box::new(task_scheduler::TaskScheduler::new(home)),
    }
}
