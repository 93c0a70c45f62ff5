//! Waiting on Windows: for the events by which others tell this host something, for the ends of its children, and
//! for a change in the folder of the lock. One call waits for all of them, so an idle host costs nothing.

use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, OwnedHandle, RawHandle};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE, WAIT_OBJECT_0};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_NOTIFY_CHANGE_DIR_NAME, FILE_NOTIFY_CHANGE_FILE_NAME, FindCloseChangeNotification,
    FindFirstChangeNotificationW, FindNextChangeNotification,
};
use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_BREAK_EVENT, CTRL_C_EVENT, FreeConsole, GenerateConsoleCtrlEvent,
    GetConsoleProcessList, GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE,
    SetConsoleCtrlHandler, SetStdHandle,
};
use windows_sys::Win32::System::Threading::{GetExitCodeProcess, INFINITE, SetEvent, WaitForMultipleObjects};

use super::spawn::{Started, children};
use crate::host::os::Event;
use crate::host::policy::Exit;
use crate::process::os::{heed, milliseconds};
use crate::process::{Process, Signal};

/// The event of a request to end; the console's own thread sets it too.
static STOP: OnceLock<OwnedHandle> = OnceLock::new();

/// The console told everybody on it to end, the bot too.
static CONSOLE_TOLD: AtomicBool = AtomicBool::new(false);

/// The source of events.
pub struct Events {
    restart: OwnedHandle,
    watch: Option<Watch>,
}

impl Events {
    /// Makes the events of this process, and takes over Ctrl-C.
    pub fn new() -> io::Result<Self> {
        if STOP.get().is_none() {
            let _it_is_ours = STOP.set(heed(Signal::Terminate)?);
        }
        let restart = heed(Signal::User1)?;
        heed_console(if has_console() { on_console } else { on_consoles_of_others })?;
        Ok(Self { restart, watch: None })
    }

    /// Watches this file, from now on, instead of what was watched before. Where that is not possible nothing
    /// tells that the file is taken away.
    pub fn watch(&mut self, file: &Path) {
        self.watch = None;
        self.watch = file.parent().and_then(Watch::new);
    }

    /// The next event. What people ask for comes before what happened to the bot.
    pub fn next(&mut self, deadline: Option<Instant>) -> Event {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let wait = left.map_or(INFINITE, milliseconds);
            let asked = STOP.get().into_iter().chain([&self.restart]).map(AsRawHandle::as_raw_handle);
            let mut handles: Vec<RawHandle> = asked.collect();
            let first_child = handles.len();
            handles.extend(children().iter().map(|child| child.handle.as_raw_handle()));
            let watch = handles.len();
            handles.extend(self.watch.as_ref().map(|watch| watch.0));
            match wait_for_any(&handles, wait) {
                Some(0) => return Event::Stop,
                Some(1) => return Event::Restart,
                Some(at) if at < watch => {
                    let ended = children().swap_remove(at - first_child);
                    return Event::ChildEnded(ended.process.pid, exit_of(&ended));
                }
                Some(_) => {
                    self.watch = self.watch.take().and_then(Watch::again);
                    return Event::LockTouched;
                }
                None if left.is_some_and(|left| left.is_zero()) => return Event::Deadline,
                None => {}
            }
        }
    }
}

/// The first of these that says something, within so many milliseconds.
#[allow(unsafe_code, reason = "the Windows API")]
fn wait_for_any(handles: &[HANDLE], milliseconds: u32) -> Option<usize> {
    let count = u32::try_from(handles.len()).ok()?;
    // SAFETY: there are as many handles as it is told, all open for the whole call.
    let said = unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, milliseconds) };
    let at = said.wrapping_sub(WAIT_OBJECT_0) as usize;
    (at < handles.len()).then_some(at)
}

#[allow(unsafe_code, reason = "the Windows API")]
fn exit_of(child: &Started) -> Exit {
    let mut code = 0;
    // SAFETY: the handle is open for the whole call, which fills `code`.
    let known = unsafe { GetExitCodeProcess(child.handle.as_raw_handle(), &raw mut code) };
    // Codes above 2^31, such as 0xC0000005, are negative numbers to everybody else.
    Exit::Code(if known == 0 { 1 } else { code as i32 })
}

/// Notices that a name in a folder changes.
struct Watch(HANDLE);

impl Watch {
    #[allow(unsafe_code, reason = "the Windows API")]
    fn new(folder: &Path) -> Option<Self> {
        let folder: Vec<u16> = folder.as_os_str().encode_wide().chain([0]).collect();
        let names = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME;
        // SAFETY: the path ends with 0.
        let watch = unsafe { FindFirstChangeNotificationW(folder.as_ptr(), 0, names) };
        (watch != INVALID_HANDLE_VALUE).then_some(Self(watch))
    }

    /// Watches on; not when the folder is gone.
    #[allow(unsafe_code, reason = "the Windows API")]
    fn again(self) -> Option<Self> {
        // SAFETY: the handle is ours and open.
        (unsafe { FindNextChangeNotification(self.0) } != 0).then_some(self)
    }
}

impl Drop for Watch {
    #[allow(unsafe_code, reason = "the Windows API")]
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and nobody uses it afterwards.
        unsafe { FindCloseChangeNotification(self.0) };
    }
}

/// We share a console with whoever started us. `ductorw` has none.
#[allow(unsafe_code, reason = "the Windows API")]
pub fn has_console() -> bool {
    let mut pids = [0; 1];
    // SAFETY: it writes no more than the one that it is told there is room for.
    unsafe { GetConsoleProcessList(pids.as_mut_ptr(), 1) > 0 }
}

/// Tells the bot to end by Ctrl-C: on its own console, where we have none. Where we share one, Ctrl-C would reach
/// the shell as well; if it was typed there, the bot has heard it.
#[allow(unsafe_code, reason = "the Windows API")]
pub fn interrupt(bot: &Process) -> io::Result<()> {
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
        let told = GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
        FreeConsole();
        for (stream, handle) in ours {
            SetStdHandle(stream, handle);
        }
        if told == 0 { Err(io::ErrorKind::Unsupported.into()) } else { Ok(()) }
    }
}

/// What [`interrupt`] sends to the console of the bot comes to us as well, and is not meant for us.
#[allow(unsafe_code, reason = "the Windows API")]
unsafe extern "system" fn on_consoles_of_others(_: u32) -> i32 {
    1
}

type Handler = unsafe extern "system" fn(u32) -> i32;

#[allow(unsafe_code, reason = "the Windows API")]
fn heed_console(handler: Handler) -> io::Result<()> {
    // SAFETY: the handler is a function of this program.
    let done = unsafe { SetConsoleCtrlHandler(Some(handler), 1) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Runs in a thread of its own. 1 says that no other handler needs to hear of it.
#[allow(unsafe_code, reason = "the Windows API")]
unsafe extern "system" fn on_console(event: u32) -> i32 {
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
