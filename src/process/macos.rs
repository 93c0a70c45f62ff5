//! What macOS tells about processes: sysctl(3), kqueue(2).

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::offset_of;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent, kqueue};
use rustix::io::Errno;
use rustix::process::kill_process;

use super::procargs;
use super::unix::{number, pid};
use super::{Process, Signal};

/// All that execve(2) lets a process start with (`ARG_MAX`).
const ARGUMENTS: usize = 1 << 20;
/// A process that ended and was not reaped (`SZOMB`, sys/proc.h).
const ZOMBIE: u8 = 5;

/// The part of what the kernel knows that tells processes apart.
pub struct Stat {
    pub parent: u32,
    /// Microseconds since 1970. The kernel notes it once; a clock that is set afterwards does not change it.
    pub start: u64,
    pub alive: bool,
}

/// `struct kinfo_proc` of sys/sysctl.h on 64-bit machines, with the fields that are needed. It is part of the ABI
/// that every program on macOS may use; libproc(3) would tell the same of processes of this user alone, and launchd
/// is root's.
#[repr(C)]
struct KinfoProc {
    start: libc::timeval,
    _until_state: [u8; 20],
    state: u8,
    _until_pid: [u8; 3],
    pid: i32,
    _until_user: [u8; 376],
    user: u32,
    _until_parent: [u8; 136],
    parent: i32,
    group: i32,
    _until_end: [u8; 80],
}

const _: () = {
    assert!(offset_of!(KinfoProc, state) == 36); // kp_proc.p_stat
    assert!(offset_of!(KinfoProc, pid) == 40); // kp_proc.p_pid
    assert!(offset_of!(KinfoProc, user) == 420); // kp_eproc.e_ucred.cr_uid
    assert!(offset_of!(KinfoProc, parent) == 560); // kp_eproc.e_ppid
    assert!(size_of::<KinfoProc>() == 648);
};

pub fn stat(pid: u32) -> Option<Stat> {
    let found = kinfo(pid)?;
    let seconds = u64::try_from(found.start.tv_sec).ok()?;
    let start = seconds * 1_000_000 + u64::try_from(found.start.tv_usec).ok()?;
    Some(Stat { parent: u32::try_from(found.parent).ok()?, start, alive: found.state != ZOMBIE })
}

pub fn pids() -> Vec<u32> {
    #[allow(unsafe_code, reason = "libproc(3) is in no safe crate")]
    // SAFETY: without a buffer it only says how many there are.
    let count = unsafe { libc::proc_listallpids(std::ptr::null_mut(), 0) };
    let mut pids = vec![0u32; usize::try_from(count).unwrap_or(0) + 100]; // more may start meanwhile
    let size = libc::c_int::try_from(size_of_val(&pids[..])).unwrap_or(0);
    #[allow(unsafe_code, reason = "libproc(3) is in no safe crate")]
    // SAFETY: it fills at most `size` bytes of the buffer, with pids; the result is their number.
    let count = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), size) };
    pids.truncate(usize::try_from(count).unwrap_or(0));
    pids
}

/// Threads have numbers of another kind here.
pub fn is_process(_: u32) -> bool {
    true
}

pub fn uid(pid: u32) -> Option<u32> {
    kinfo(pid).map(|found| found.user)
}

pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

pub fn command(pid: u32) -> Vec<OsString> {
    let block = arguments(pid).unwrap_or_default();
    let started = procargs::parse(&block).unwrap_or_default();
    started.arguments.into_iter().map(|word| OsStr::from_bytes(word).to_owned()).collect()
}

pub fn environment(pid: u32, name: &str) -> Option<OsString> {
    let block = arguments(pid)?;
    let value = |line: &[u8]| {
        let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(OsStr::from_bytes(value).to_owned())
    };
    procargs::parse(&block)?.variables.into_iter().find_map(value)
}

pub fn started_at(start: u64) -> Timestamp {
    i64::try_from(start).ok().and_then(|start| Timestamp::from_microsecond(start).ok()).unwrap_or_default()
}

/// There is no handle of a process here. Between the look and the signal its pid could be another's only after
/// all other pids were used.
pub fn signal(process: &Process, signal: Signal) -> io::Result<()> {
    match pid(process).filter(|_| process.is_alive()) {
        Some(pid) => Ok(kill_process(pid, number(signal))?),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "it has ended")),
    }
}

pub fn wait_gone(process: &Process, deadline: Instant) -> bool {
    let _ended_or_unknown = wait_for_exit(process, deadline);
    // The kernel tells of an end a moment before the process is a zombie.
    while process.is_alive() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn wait_for_exit(process: &Process, deadline: Instant) -> Result<(), Errno> {
    let pid = pid(process).ok_or(Errno::SRCH)?;
    let queue = kqueue()?;
    let exit = EventFilter::Proc { pid, flags: ProcessEvents::EXIT };
    let exit = Event::new(exit, EventFlags::ADD | EventFlags::ONESHOT, std::ptr::null_mut());
    let mut told = Vec::with_capacity(1);
    let mut changes = &[exit][..];
    while told.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !(changes.is_empty() || process.is_alive()) {
            return Ok(());
        }
        #[allow(unsafe_code, reason = "kevent(2) takes descriptors as numbers")]
        // SAFETY: it is about a process; no descriptor is named.
        match unsafe { kevent(&queue, changes, rustix::buffer::spare_capacity(&mut told), Some(left)) } {
            Ok(_) | Err(Errno::INTR) => changes = &[],
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn kinfo(pid: u32) -> Option<KinfoProc> {
    let mut found = std::mem::MaybeUninit::<KinfoProc>::zeroed();
    let bytes = ask(
        libc::KERN_PROC,
        Some(libc::KERN_PROC_PID),
        pid,
        found.as_mut_ptr().cast(),
        size_of::<KinfoProc>(),
    )?;
    #[allow(unsafe_code, reason = "the kernel fills a structure")]
    // SAFETY: every pattern of bytes is a value of it, and zeros stood there.
    let found = unsafe { found.assume_init() };
    (bytes == size_of::<KinfoProc>() && u32::try_from(found.pid) == Ok(pid)).then_some(found)
}

fn arguments(pid: u32) -> Option<Vec<u8>> {
    let mut block = vec![0; ARGUMENTS];
    let bytes = ask(libc::KERN_PROCARGS2, None, pid, block.as_mut_ptr().cast(), ARGUMENTS)?;
    block.truncate(bytes);
    Some(block)
}

/// Asks the kernel about one process; the result is how many bytes it answered.
fn ask(what: i32, how: Option<i32>, pid: u32, answer: *mut libc::c_void, mut size: usize) -> Option<usize> {
    let pid = i32::try_from(pid).ok()?;
    let mut name: Vec<i32> =
        [Some(libc::CTL_KERN), Some(what), how, Some(pid)].into_iter().flatten().collect();
    let length = u32::try_from(name.len()).ok()?;
    #[allow(unsafe_code, reason = "sysctl(3) is in no safe crate")]
    // SAFETY: the callers give a buffer of `size` bytes; nothing is set.
    let failed =
        unsafe { libc::sysctl(name.as_mut_ptr(), length, answer, &raw mut size, std::ptr::null_mut(), 0) };
    (failed == 0 && size > 0).then_some(size)
}
