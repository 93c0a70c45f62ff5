//! The *reader* of what we print: a terminal, a file, or a program that may have enough before us, as `head` does.

#[cfg(unix)]
#[path = "reader/unix.rs"]
mod os;
#[cfg(windows)]
#[path = "reader/windows.rs"]
mod os;

pub use os::waits_for;
