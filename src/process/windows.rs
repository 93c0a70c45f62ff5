//! What Windows tells about processes: the process status API, access tokens, and the block of parameters that each
//! process has in its own memory.

use std::ffi::{OsString, c_void};
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, ProcessBasicInformation};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, FILETIME, GetLastError, LocalFree, WAIT_TIMEOUT,
};
use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::ProcessStatus::K32EnumProcesses;
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, GetProcessId, GetProcessTimes, OpenEventW, OpenProcess, PEB,
    PROCESS_ACCESS_RIGHTS, PROCESS_BASIC_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE,
    PROCESS_TERMINATE, PROCESS_VM_READ, RTL_USER_PROCESS_PARAMETERS, SetEvent, TerminateProcess,
    WaitForSingleObject,
};
use windows_sys::Win32::UI::Shell::CommandLineToArgvW;

use super::{Process, Signal};
use crate::user;

/// The part of what Windows knows that tells processes apart.
pub struct Stat {
    pub parent: u32,
    pub start: u64,
    pub alive: bool,
}

pub fn stat(pid: u32) -> Option<Stat> {
    let process = open(pid, PROCESS_SYNCHRONIZE)?;
    let parent = u32::try_from(basic(&process)?.InheritedFromUniqueProcessId).ok()?;
    Some(Stat { parent, start: start(&process)?, alive: !has_ended(&process, 0) })
}

#[allow(unsafe_code, reason = "the Windows API")]
pub fn pids() -> Vec<u32> {
    let mut pids = vec![0_u32; 1024];
    loop {
        let room = u32::try_from(size_of_val(&pids[..])).unwrap_or(u32::MAX);
        let mut used = 0;
        // SAFETY: it fills as many bytes as it is told that there are.
        if unsafe { K32EnumProcesses(pids.as_mut_ptr(), room, &raw mut used) } == 0 {
            return Vec::new();
        }
        if used < room {
            pids.truncate(used as usize / size_of::<u32>());
            return pids;
        }
        pids.resize(2 * pids.len(), 0); // there may be more
    }
}

/// OpenProcess also takes numbers near a pid, as it ignores their last two bits.
#[allow(unsafe_code, reason = "the Windows API")]
pub fn is_process(pid: u32) -> bool {
    // SAFETY: the handle is open for the whole call.
    open(pid, 0).is_some_and(|process| unsafe { GetProcessId(process.as_raw_handle()) } == pid)
}

pub fn uid(pid: u32) -> Option<user::Sid> {
    user::sid_of(open(pid, 0)?.as_raw_handle()).ok()
}

pub fn own_uid() -> user::Sid {
    user::own_sid().unwrap_or_default()
}

pub fn command(pid: u32) -> Vec<OsString> {
    let line = parameters(pid).and_then(|(process, block)| {
        let line = read::<RTL_USER_PROCESS_PARAMETERS>(&process, block)?.CommandLine;
        read_text(&process, line.Buffer as usize, line.Length.into())
    });
    line.map(split).unwrap_or_default()
}

pub fn environment(pid: u32, name: &str) -> Option<OsString> {
    let (process, block) = parameters(pid)?;
    let text = read::<usize>(&process, block + ENVIRONMENT)?;
    let length = read::<usize>(&process, block + ENVIRONMENT_SIZE)?;
    let text = read_text(&process, text, length)?;
    let variables = text.split(|&unit| unit == 0).take_while(|variable| !variable.is_empty());
    let mut variables = variables.map(OsString::from_wide);
    variables.find_map(|variable| {
        let (its, value) = variable.to_str()?.split_once('=')?;
        its.eq_ignore_ascii_case(name).then(|| value.into())
    })
}

pub fn started_at(start: u64) -> Timestamp {
    /// 1970 in tenths of a microsecond since 1601.
    const EPOCH: i128 = 116_444_736_000_000_000;
    Timestamp::from_nanosecond((i128::from(start) - EPOCH) * 100).unwrap_or_default()
}

pub fn signal(process: &Process, signal: Signal) -> io::Result<()> {
    match signal {
        Signal::Kill => kill(process),
        Signal::Terminate | Signal::User1 => set(process, signal),
        Signal::User2 => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[allow(unsafe_code, reason = "the Windows API")]
fn kill(process: &Process) -> io::Result<()> {
    let ended = || io::Error::new(io::ErrorKind::NotFound, "it has ended");
    let Some(handle) = open(process.pid, PROCESS_TERMINATE | PROCESS_SYNCHRONIZE) else {
        return Err(if process.is_alive() { io::ErrorKind::PermissionDenied.into() } else { ended() });
    };
    if start(&handle) != Some(process.start) || has_ended(&handle, 0) {
        return Err(ended());
    }
    // SAFETY: the handle is open for the whole call.
    match unsafe { TerminateProcess(handle.as_raw_handle(), 1) } {
        0 if has_ended(&handle, 0) => Err(ended()),
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Sets the event by which a process is told a signal, if it made one.
#[allow(unsafe_code, reason = "the Windows API")]
fn set(process: &Process, signal: Signal) -> io::Result<()> {
    let name = event_name(process, signal);
    // SAFETY: the name ends with 0; the handle that is returned is ours.
    unsafe {
        let event = OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr());
        if event.is_null() {
            return Err(match GetLastError() {
                ERROR_ACCESS_DENIED => io::ErrorKind::PermissionDenied.into(),
                _ if process.is_alive() => io::ErrorKind::Unsupported.into(),
                _ => io::ErrorKind::NotFound.into(),
            });
        }
        let event = OwnedHandle::from_raw_handle(event);
        if SetEvent(event.as_raw_handle()) == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Makes the event by which others tell this process a signal. Only its own user may set it, by the access list
/// that the process gives to what it makes.
///
/// # Errors
/// It exists, so that another process is told what is meant for this one.
#[allow(unsafe_code, reason = "the Windows API")]
pub fn heed(signal: Signal) -> io::Result<OwnedHandle> {
    let name = event_name(&Process::current(), signal);
    // SAFETY: the name ends with 0; the handle that is returned is ours.
    unsafe {
        let event = CreateEventW(std::ptr::null(), 0, 0, name.as_ptr());
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        let existed = GetLastError() == ERROR_ALREADY_EXISTS;
        let event = OwnedHandle::from_raw_handle(event);
        if existed { Err(io::ErrorKind::AlreadyExists.into()) } else { Ok(event) }
    }
}

/// The name holds the start time, so nobody can make the event before the process is there. It is not one of a
/// session, as people come to the same machine by ssh.
fn event_name(process: &Process, signal: Signal) -> Vec<u16> {
    let what = if signal == Signal::User1 { "restart" } else { "stop" };
    format!(r"Global\ductor-{}-{}-{what}", process.pid, process.start).encode_utf16().chain([0]).collect()
}

pub fn wait_gone(process: &Process, deadline: Instant) -> bool {
    let handle = open(process.pid, PROCESS_SYNCHRONIZE).filter(|it| start(it) == Some(process.start));
    handle.is_none_or(|handle| {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if has_ended(&handle, milliseconds(left)) {
                return true;
            }
            if left.is_zero() {
                return false;
            }
        }
    })
}

/// A time for the functions that wait. It is never less than the time itself, so that nobody looks too early.
pub fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u32::MAX - 1)
}

#[allow(unsafe_code, reason = "the Windows API")]
fn open(pid: u32, rights: PROCESS_ACCESS_RIGHTS) -> Option<OwnedHandle> {
    // SAFETY: it returns a handle that is ours, or null.
    unsafe {
        let process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | rights, 0, pid);
        (!process.is_null()).then(|| OwnedHandle::from_raw_handle(process))
    }
}

#[allow(unsafe_code, reason = "the Windows API")]
fn has_ended(process: &OwnedHandle, milliseconds: u32) -> bool {
    // SAFETY: the handle is open for the whole call.
    unsafe { WaitForSingleObject(process.as_raw_handle(), milliseconds) != WAIT_TIMEOUT }
}

#[allow(unsafe_code, reason = "the Windows API")]
fn start(process: &OwnedHandle) -> Option<u64> {
    let [mut start, mut end, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: it fills the four times.
    let known = unsafe {
        let process = process.as_raw_handle();
        GetProcessTimes(process, &raw mut start, &raw mut end, &raw mut kernel, &raw mut user)
    };
    (known != 0).then(|| u64::from(start.dwHighDateTime) << 32 | u64::from(start.dwLowDateTime))
}

#[allow(unsafe_code, reason = "the Windows API")]
fn basic(process: &OwnedHandle) -> Option<PROCESS_BASIC_INFORMATION> {
    let mut answer = PROCESS_BASIC_INFORMATION::default();
    let length = u32::try_from(size_of_val(&answer)).ok()?;
    let to = (&raw mut answer).cast::<c_void>();
    // SAFETY: it fills the structure that goes with the question.
    let status = unsafe {
        let process = process.as_raw_handle();
        NtQueryInformationProcess(process, ProcessBasicInformation, to, length, std::ptr::null_mut())
    };
    (status == 0).then_some(answer)
}

/// Where the environment and its length stand in the parameters of a process: known to debuggers since Windows
/// Vista, though not part of the documented structure.
const ENVIRONMENT: usize = if cfg!(target_pointer_width = "64") { 0x80 } else { 0x48 };
const ENVIRONMENT_SIZE: usize = if cfg!(target_pointer_width = "64") { 0x3f0 } else { 0x290 };

/// A process that may be read, and where the parameters are that it was started with.
fn parameters(pid: u32) -> Option<(OwnedHandle, usize)> {
    let process = open(pid, PROCESS_VM_READ)?;
    let about = read::<PEB>(&process, basic(&process)?.PebBaseAddress as usize)?;
    Some((process, about.ProcessParameters as usize))
}

/// A structure in the memory of another process.
#[allow(unsafe_code, reason = "the Windows API")]
fn read<T: Copy>(process: &OwnedHandle, address: usize) -> Option<T> {
    let bytes = read_bytes(process, address, size_of::<T>())?;
    // SAFETY: there are as many bytes as it has, and T is one of C, for which any bytes will do.
    Some(unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) })
}

fn read_text(process: &OwnedHandle, address: usize, length: usize) -> Option<Vec<u16>> {
    let bytes = read_bytes(process, address, length)?;
    Some(bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect())
}

/// A process decides itself what stands in its memory: nothing is believed to be reasonably short.
#[allow(unsafe_code, reason = "the Windows API")]
fn read_bytes(process: &OwnedHandle, address: usize, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0_u8; Some(length).filter(|&length| length <= 6 << 20)?];
    let (from, to) = (address as *const c_void, bytes.as_mut_ptr().cast());
    // SAFETY: it writes at most `length` bytes, and fails where the other process has none.
    let done = unsafe { ReadProcessMemory(process.as_raw_handle(), from, to, length, std::ptr::null_mut()) };
    (done != 0).then_some(bytes)
}

#[allow(unsafe_code, reason = "the Windows API")]
fn split(line: Vec<u16>) -> Vec<OsString> {
    if line.is_empty() {
        return Vec::new(); // the function would give our own name
    }
    let line: Vec<u16> = line.into_iter().chain([0]).collect();
    let mut count = 0;
    // SAFETY: the line ends with 0; it returns as many texts as it says, in memory that is ours to free.
    unsafe {
        let words = CommandLineToArgvW(line.as_ptr(), &raw mut count);
        if words.is_null() {
            return Vec::new();
        }
        let text = |word: &*mut u16| {
            let length = (0..).take_while(|&at| *word.add(at) != 0).count();
            OsString::from_wide(std::slice::from_raw_parts(*word, length))
        };
        let all = std::slice::from_raw_parts(words, usize::try_from(count).unwrap_or(0));
        let all = all.iter().map(text).collect();
        LocalFree(words.cast());
        all
    }
}
