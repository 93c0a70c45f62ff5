//! What the host asks of the operating system: wait for events, start a program, lock a file. The host itself
//! knows no operating system; every name here exists on each, in the file of that system.

#[cfg(unix)]
mod events;
#[cfg(unix)]
mod files;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod spawn;

#[cfg(unix)]
pub use events::{Event, Events};
#[cfg(unix)]
pub use files::{FileId, create_home, create_private, lock_holder, open_lock, try_lock};
#[cfg(target_os = "linux")]
pub use linux::{adopt_orphans, cgroup};
#[cfg(unix)]
pub use output::{capture, is_plain, open_log, redirect};
#[cfg(unix)]
pub use spawn::spawn;
