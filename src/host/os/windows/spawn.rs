//! Starting the bot on Windows.

use std::io;
use std::os::windows::io::OwnedHandle;
use std::os::windows::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, CREATE_SUSPENDED, OpenThread, ResumeThread, THREAD_SUSPEND_RESUME,
};

use super::{console, job};
use crate::host::plan::Plan;
use crate::host::supervision::Supervision;
use crate::process::Process;

/// A child of this process, until its end was noticed: on Unix the kernel keeps that list.
pub struct Started {
    pub process: Process,
    pub handle: OwnedHandle,
}

static CHILDREN: Mutex<Vec<Started>> = Mutex::new(Vec::new());

pub fn children() -> MutexGuard<'static, Vec<Started>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the bot in the job of this host, with no input. Where we have no console it gets one without a window.
/// It does not run before it is in the job, or what it starts at once would be outside.
///
/// # Errors
/// The program can't be started.
pub fn spawn(plan: &Plan, _: Supervision) -> io::Result<Process> {
    let Some((program, args)) = plan.command.split_first() else {
        return Err(io::Error::other("the bot's command is empty"));
    };
    let mut command = Command::new(program);
    command.args(args).current_dir(&plan.folder).stdin(Stdio::null());
    for (name, value) in &plan.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let window = if console::has_console() { 0 } else { CREATE_NO_WINDOW };
    let mut child = command.creation_flags(CREATE_SUSPENDED | window).spawn()?;
    match begin(&child) {
        Ok(process) => {
            children().push(Started { process, handle: child.into() });
            Ok(process)
        }
        Err(error) => {
            child.kill()?;
            Err(error)
        }
    }
}

fn begin(child: &Child) -> io::Result<Process> {
    job::enclose(child)?;
    resume(child.id())?;
    Process::of_child(child.id()).ok_or_else(|| io::Error::other("its start time can't be read"))
}

/// Lets the threads of a process run. The standard library keeps the handle of the first one to itself.
#[allow(unsafe_code, reason = "the Windows API")]
fn resume(pid: u32) -> io::Result<()> {
    use std::os::windows::io::{AsRawHandle, FromRawHandle};
    let mut entry = THREADENTRY32::default();
    entry.dwSize = u32::try_from(size_of_val(&entry)).unwrap_or(0);
    let mut resumed = false;
    // SAFETY: the handles that are returned are ours, and it fills the entry, which knows its own size.
    unsafe {
        let threads = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
        if threads == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        let threads = OwnedHandle::from_raw_handle(threads);
        let mut more = Thread32First(threads.as_raw_handle(), &raw mut entry);
        while more != 0 {
            if entry.th32OwnerProcessID == pid {
                let thread = OpenThread(THREAD_SUSPEND_RESUME, 0, entry.th32ThreadID);
                if !thread.is_null() {
                    let thread = OwnedHandle::from_raw_handle(thread);
                    resumed |= ResumeThread(thread.as_raw_handle()) != u32::MAX;
                }
            }
            more = Thread32Next(threads.as_raw_handle(), &raw mut entry);
        }
    }
    if resumed { Ok(()) } else { Err(io::Error::other("its first thread was not found")) }
}
