//! What the host asks of the operating system: wait for events, start a program, lock a file. The host itself
//! knows no operating system; every name here exists on each, in the file of that system.

#[cfg(unix)]
mod events;
#[cfg(unix)]
mod files;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod spawn;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use events::Events;
#[cfg(unix)]
pub use files::{lock, lock_holder};
#[cfg(target_os = "linux")]
pub use linux::{REAPER, adopt_orphans, cgroup, forget_start, is_childless, kill_orphans};
#[cfg(target_os = "macos")]
pub use macos::{REAPER, adopt_orphans, cgroup, forget_start, is_childless, kill_orphans};
#[cfg(unix)]
pub use output::{capture, cut_log, is_plain, open_log, redirect};
#[cfg(unix)]
pub use spawn::{group, spawn, tell_to_end};
#[cfg(windows)]
pub use windows::{
    Events, REAPER, adopt_orphans, cgroup, forget_start, group, is_childless, kill_orphans, lock,
    lock_holder, spawn, tell_to_end,
};
#[cfg(windows)]
pub use windows::{capture, cut_log, is_plain, open_log, redirect};

use super::policy::Exit;
#[cfg(target_os = "linux")]
use linux::{Watch, end_with_parent, widen};
#[cfg(target_os = "macos")]
use macos::{Watch, end_with_parent, widen};

/// Something that the host reacts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody wants the host to end.
    Stop,
    /// Somebody wants a new bot.
    Restart,
    /// A signal that is meant for the bot (`SIGUSR2`; Windows has none).
    #[cfg_attr(windows, allow(dead_code, reason = "nobody can be told it there"))]
    ForTheBot,
    /// A child ended and is reaped: the bot, or an orphan of its tree that was adopted.
    ChildEnded(u32, Exit),
    /// Something happened to the file of the lock, or to its folder.
    LockTouched,
    /// The deadline has come.
    Deadline,
}
