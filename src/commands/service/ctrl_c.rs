//! How people end a stream of logs: by Ctrl-C, which is no failure.

#[cfg(unix)]
#[path = "ctrl_c/unix.rs"]
mod os;
#[cfg(windows)]
#[path = "ctrl_c/windows.rs"]
mod os;

pub use os::end;
