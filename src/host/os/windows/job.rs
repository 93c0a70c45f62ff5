//! The *job* of a host: a box that its bot is started in, and that no child of the bot leaves. When the host ends,
//! however that happens, Windows ends all that is in the box.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::OnceLock;

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
    TerminateJobObject,
};

/// Closed by the end of this process.
static JOB: OnceLock<OwnedHandle> = OnceLock::new();

/// Puts a process that does not run yet into the job.
pub fn enclose(process: &impl AsRawHandle) -> io::Result<()> {
    if JOB.get().is_none() {
        let _it_is_ours = JOB.set(create()?);
    }
    let job = JOB.get().ok_or_else(|| io::Error::other("no job"))?;
    // SAFETY: both handles are open for the whole call.
    #[allow(unsafe_code, reason = "the Windows API")]
    done(unsafe { AssignProcessToJobObject(job.as_raw_handle(), process.as_raw_handle()) })
}

/// Ends everything in the job, also what the table of processes no longer shows below us.
#[allow(unsafe_code, reason = "the Windows API")]
pub fn kill_orphans() {
    if let Some(job) = JOB.get() {
        // SAFETY: the handle is open for the whole call.
        let _empty = unsafe { TerminateJobObject(job.as_raw_handle(), 1) };
    }
}

/// Something may be below us: what was put there is not our child.
pub fn is_childless() -> bool {
    false
}

/// There are no orphans here: the job has them.
pub const REAPER: Option<u32> = None;

/// Nothing comes back to us here: the job has it.
pub fn adopt_orphans() {}

/// Nothing: the system takes back what it needs.
pub fn forget_start() {}

#[allow(unsafe_code, reason = "the Windows API")]
fn create() -> io::Result<OwnedHandle> {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    let size = u32::try_from(size_of_val(&limits)).unwrap_or(0);
    // SAFETY: without a name the job and its handle are new, and ours; it reads the structure that it is given.
    unsafe {
        let job = CreateJobObjectW(ptr::null(), ptr::null());
        if job.is_null() {
            return Err(io::Error::last_os_error());
        }
        let job = OwnedHandle::from_raw_handle(job);
        let limits = (&raw const limits).cast();
        done(SetInformationJobObject(job.as_raw_handle(), JobObjectExtendedLimitInformation, limits, size))?;
        Ok(job)
    }
}

/// What the functions of Windows return that say yes or no.
fn done(returned: i32) -> io::Result<()> {
    if returned == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
