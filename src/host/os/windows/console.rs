//! The console on Windows: whether we have one, what is typed there, and how the bot is told to end on its own.

use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_BREAK_EVENT, CTRL_C_EVENT, FreeConsole, GenerateConsoleCtrlEvent,
    GetConsoleProcessList, GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE,
    SetConsoleCtrlHandler, SetStdHandle,
};
use windows_sys::Win32::System::Threading::SetEvent;

use crate::process::Process;

/// The event of a request to end; the console's own thread sets it too.
static STOP: OnceLock<OwnedHandle> = OnceLock::new();

/// The console told everybody on it to end, the bot too.
static CONSOLE_TOLD: AtomicBool = AtomicBool::new(false);

/// What [`tell_to_end`] sent has come to us as well.
static OUR_COPY: Mutex<bool> = Mutex::new(false);
static COPY_CAME: Condvar = Condvar::new();
/// How long that may take. It never comes to a process that was started to ignore Ctrl-C.
const COPY_TIME: Duration = Duration::from_secs(1);

/// We share a console with whoever started us. `ductorw` has none.
#[allow(unsafe_code, reason = "the Windows API")]
pub fn has_console() -> bool {
    let mut pids = [0; 1];
    // SAFETY: it writes no more than the one that it is told there is room for.
    unsafe { GetConsoleProcessList(pids.as_mut_ptr(), 1) > 0 }
}

/// Has what is typed on the console set this event, the first one that it is given.
///
/// # Errors
/// Windows refuses.
#[allow(unsafe_code, reason = "the Windows API")]
pub fn heed(event: OwnedHandle) -> io::Result<&'static OwnedHandle> {
    let stop = STOP.get_or_init(|| event);
    register(if has_console() { on_ours } else { on_those_of_others })?;
    Ok(stop)
}

/// Has this called first of all handlers. To attach a console, or to free it, takes all of them away ("Console
/// Control Handlers" of Microsoft); the one that is always there ends the process.
#[allow(unsafe_code, reason = "the Windows API")]
fn register(handler: unsafe extern "system" fn(u32) -> i32) -> io::Result<()> {
    // SAFETY: the handler is a function of this program.
    let done = unsafe { SetConsoleCtrlHandler(Some(handler), 1) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Tells the bot to end by Ctrl-C: on its own console, where we have none. Where we share one, Ctrl-C would reach
/// the shell as well; if it was typed there, the bot has heard it. A program without a console, such as `pythonw.exe`,
/// can't be told.
///
/// # Errors
/// It has no console, or one that is not its own (`Unsupported`).
#[allow(unsafe_code, reason = "the Windows API")]
pub fn tell_to_end(bot: &Process) -> io::Result<()> {
    if CONSOLE_TOLD.load(Ordering::SeqCst) {
        return Ok(());
    }
    if has_console() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // SAFETY: they change the console that this process is attached to, which has none before and afterwards, and
    // its standard handles, which are put back.
    unsafe {
        let streams = [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE];
        let ours = streams.map(|stream| (stream, GetStdHandle(stream)));
        if AttachConsole(bot.pid) == 0 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        *our_copy() = false;
        // Not a word where our own copy of it would end us.
        let told = register(on_those_of_others).is_ok() && GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) != 0;
        if told {
            let _late = COPY_CAME.wait_timeout_while(our_copy(), COPY_TIME, |came| !*came);
        }
        FreeConsole();
        let _as_before = register(on_those_of_others);
        for (stream, handle) in ours {
            SetStdHandle(stream, handle);
        }
        if told { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
    }
}

fn our_copy() -> MutexGuard<'static, bool> {
    OUR_COPY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What [`tell_to_end`] sends to the console of the bot comes to us as well, and is not meant for us.
#[allow(unsafe_code, reason = "the Windows API")]
unsafe extern "system" fn on_those_of_others(_: u32) -> i32 {
    *our_copy() = true;
    COPY_CAME.notify_all();
    1
}

/// Runs in a thread of its own. 1 says that no other handler needs to hear of it.
#[allow(unsafe_code, reason = "the Windows API")]
unsafe extern "system" fn on_ours(event: u32) -> i32 {
    CONSOLE_TOLD.store(true, Ordering::SeqCst);
    if let Some(stop) = STOP.get() {
        // SAFETY: the handle is never closed.
        unsafe { SetEvent(stop.as_raw_handle()) };
    }
    if event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT {
        // The window is closed, or the user logs off: when this returns the process is ended. It ends by itself
        // before, or is ended after the time that Windows gives it.
        std::thread::park();
    }
    1
}
