//! Windows: named events, jobs, locks by share mode.

mod console;
mod events;
mod files;
mod job;
mod output;
mod spawn;

pub use console::tell_to_end;
pub use events::Events;
pub use files::{lock, lock_holder};
pub use job::{REAPER, adopt_orphans, forget_start, is_childless, kill_orphans};
pub use output::{capture, cut_log, is_plain, open_log, redirect};
pub use spawn::spawn;

use crate::process::Process;

/// Windows has no groups of processes that are named from outside.
pub fn cgroup(_: &Process) -> Option<String> {
    None
}

/// Nor groups that a process may leave.
pub fn group(_: &Process) -> Option<u32> {
    None
}
