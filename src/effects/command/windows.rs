//! Programs that are asked something on Windows.

use std::collections::HashSet;
use std::os::windows::process::CommandExt;
use std::process::Command;

use windows_sys::Win32::Globalization::{CP_OEMCP, MultiByteToWideChar};
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

/// Text in the code page of the console, which depends on the language of Windows.
#[allow(unsafe_code, reason = "MultiByteToWideChar is in no safe crate")]
pub fn of_console(bytes: &[u8]) -> String {
    let count = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    let mut wide = vec![0; bytes.len()]; // no code page has characters that are more units than bytes
    // SAFETY: both buffers are as long as is said, and live until it returns.
    let length = unsafe { MultiByteToWideChar(CP_OEMCP, 0, bytes.as_ptr(), count, wide.as_mut_ptr(), count) };
    wide.truncate(usize::try_from(length).unwrap_or(0));
    String::from_utf16_lossy(&wide)
}
