//! Ctrl-C on Windows: a call by the console, in a thread of its own.

use std::io;
use std::process;

use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

use crate::error::{Context, Result};

/// Ctrl-C ends this process with 0.
pub fn end() -> Result<()> {
    heed(on_ctrl_c_end).about("Ctrl-C")
}

type Handler = unsafe extern "system" fn(u32) -> i32;

#[allow(unsafe_code, reason = "the Windows API")]
fn heed(handler: Handler) -> io::Result<()> {
    // SAFETY: the handler is a function of this program.
    let done = unsafe { SetConsoleCtrlHandler(Some(handler), 1) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[allow(unsafe_code, reason = "the Windows API")]
unsafe extern "system" fn on_ctrl_c_end(_: u32) -> i32 {
    process::exit(0)
}
