//! Groups of processes on Unix.

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process_group};

/// A group of its own, so that the deadline ends the program's children too.
pub fn own_group(process: &mut Command) {
    process.process_group(0);
}

pub fn kill_group(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _gone = kill_process_group(pid, Signal::KILL);
    }
}

/// A console of Unix has no code page of its own.
pub fn of_console(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
