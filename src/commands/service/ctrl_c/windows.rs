//! Ctrl-C on Windows: a call by the console, in a thread of its own.

use std::io;
use std::process::{self, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use windows_sys::Win32::System::Console::{CTRL_C_EVENT, SetConsoleCtrlHandler};

use crate::error::{Context, Result};

static NOTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Survives Ctrl-C and notes it, for as long as a child that got it too is waited for.
pub fn note() -> Result<Arc<AtomicBool>> {
    heed(on_ctrl_c_note).about("Ctrl-C")?;
    Ok(Arc::clone(&NOTED))
}

/// Ctrl-C ends this process with 0.
pub fn end() -> Result<()> {
    heed(on_ctrl_c_end).about("Ctrl-C")
}

/// The program ended because nobody reads any more what it writes. That is an error of writing here, which the
/// program itself reports.
pub fn reader_went(_: ExitStatus) -> bool {
    false
}

type Handler = unsafe extern "system" fn(u32) -> i32;

#[allow(unsafe_code, reason = "the Windows API")]
fn heed(handler: Handler) -> io::Result<()> {
    // SAFETY: the handler is a function of this program.
    let done = unsafe { SetConsoleCtrlHandler(Some(handler), 1) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[allow(unsafe_code, reason = "the Windows API")]
unsafe extern "system" fn on_ctrl_c_note(event: u32) -> i32 {
    NOTED.store(true, Ordering::SeqCst);
    i32::from(event == CTRL_C_EVENT) // 0: the next handler, which ends the process
}

#[allow(unsafe_code, reason = "the Windows API")]
unsafe extern "system" fn on_ctrl_c_end(_: u32) -> i32 {
    process::exit(0)
}
