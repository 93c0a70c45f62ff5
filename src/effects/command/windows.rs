//! Programs that are asked something on Windows.

use std::collections::HashSet;
use std::os::windows::process::CommandExt;
use std::process::Command;

use windows_sys::Win32::System::Threading::CREATE_NO_WINDOW;

use crate::process::{Process, Signal};

/// Without a console window, which `ductorw` would otherwise cause to flash up.
pub fn own_group(process: &mut Command) {
    process.creation_flags(CREATE_NO_WINDOW);
}

/// The program and its children, which the table of processes still shows as long as it lives.
pub fn kill_group(pid: u32) {
    let Some(process) = Process::of(pid) else { return };
    for it in process.descendants(&HashSet::new()).iter().chain([&process]) {
        let _gone = it.signal(Signal::Kill);
    }
}
