//! Waiting on Windows: for the events by which others tell this host something, for the ends of its children, and
//! for a change in the folder of the lock. One call waits for all of them, so an idle host costs nothing.

use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::path::Path;
use std::time::Instant;

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE, WAIT_OBJECT_0};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_NOTIFY_CHANGE_DIR_NAME, FILE_NOTIFY_CHANGE_FILE_NAME, FindCloseChangeNotification,
    FindFirstChangeNotificationW, FindNextChangeNotification,
};
use windows_sys::Win32::System::Threading::{GetExitCodeProcess, INFINITE, WaitForMultipleObjects};

use super::console;
use super::spawn::{Started, children};
use crate::host::os::Event;
use crate::host::policy::Exit;
use crate::process::Signal;
use crate::process::os::{heed, milliseconds};

/// The source of events.
pub struct Events {
    stop: &'static OwnedHandle,
    restart: OwnedHandle,
    watch: Option<Watch>,
}

impl Events {
    /// Makes the events of this process, and takes over Ctrl-C.
    pub fn new() -> io::Result<Self> {
        let stop = console::heed(heed(Signal::Terminate)?)?;
        Ok(Self { stop, restart: heed(Signal::User1)?, watch: None })
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
            let mut handles = vec![self.stop.as_raw_handle(), self.restart.as_raw_handle()];
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
