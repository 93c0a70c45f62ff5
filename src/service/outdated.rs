//! An *outdated* host runs by a choice that has changed since: `service install --no-start`, or an installation from
//! inside the bot, changes the definition and leaves the host alone.

use std::path::Path;

use jiff::Timestamp;

use crate::process::Process;

use super::definition::Chosen;

/// Whether the host `pid` was started with another home or bot than `chosen`, before `file`, which carries the choice,
/// became what it is. Both have to be true, so that nobody is restarted twice: a drop-in of the user may give the host
/// another choice for good, and a file that is touched says nothing new.
pub fn is_outdated(pid: Option<u32>, chosen: &Chosen, file: &Path) -> bool {
    let Some(host) = pid.and_then(Process::of) else { return false };
    let written = file.symlink_metadata().and_then(|found| found.modified()).ok();
    let is_newer = written
        .and_then(|written| Timestamp::try_from(written).ok())
        .is_some_and(|written| written > host.started_at() && written <= Timestamp::now());
    let told = |name| host.environment(name).map(|value| value.to_string_lossy().into_owned());
    let is_told = |name| {
        let wanted = chosen.environment().into_iter().find(|(it, _)| *it == name).map(|(_, value)| value);
        told(name) == wanted
    };
    is_newer && !["DUCTOR_HOME", "DUCTOR_BOT"].into_iter().all(is_told)
}
