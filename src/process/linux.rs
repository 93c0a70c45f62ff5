//! What Linux tells about processes: proc(5), pidfd_open(2).

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};
use rustix::time::{ClockId, clock_gettime};

use super::unix::{number, pid};
use super::{Process, Signal};

/// The part of proc_pid_stat(5) that tells processes apart.
pub struct Stat {
    pub parent: u32,
    pub start: u64,
    pub alive: bool,
    /// A thread of the kernel, which runs no program.
    of_kernel: bool,
}

/// `PF_KTHREAD` (linux/sched.h).
const OF_KERNEL: u32 = 0x0020_0000;

pub fn stat(pid: u32) -> Option<Stat> {
    // The kernel writes it in one piece; what we want of it stands in the first 600 bytes.
    let mut line = [0; 1024];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    parse_stat(&line[..length])
}

/// The name of the program stands in parentheses and may hold anything, `) R 1` too; what follows the last
/// parenthesis are numbers. The fields of the manual page count from 1, these here start with its third.
fn parse_stat(line: &[u8]) -> Option<Stat> {
    let name_end = line.iter().rposition(|&byte| byte == b')')?;
    let fields: Vec<&str> =
        std::str::from_utf8(&line[name_end + 1..]).ok()?.split_ascii_whitespace().collect();
    let (state, threads) = (*fields.first()?, fields.get(17)?.parse::<u32>().ok()?);
    // The first thread may end before the others: then the process looks like a zombie and is none.
    let alive = !matches!(state, "Z" | "X") || threads > 1;
    let of_kernel = fields.get(6)?.parse::<u32>().ok()? & OF_KERNEL != 0;
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
        alive,
        of_kernel,
    })
}

pub fn pids() -> Vec<u32> {
    let Ok(folder) = fs::read_dir("/proc") else { return Vec::new() };
    folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// `/proc/N` also answers for the id of a thread, which kill(2) would take for its whole process.
pub fn is_process(pid: u32) -> bool {
    status(pid, "Tgid:").is_some_and(|ids| ids.first() == Some(&pid))
}

pub fn uid(pid: u32) -> Option<u32> {
    status(pid, "Uid:")?.get(1).copied() // real, effective, saved, file system
}

pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The numbers of one line of proc_pid_status(5).
fn status(pid: u32, name: &str) -> Option<Vec<u32>> {
    let status = read(pid, "status").ok()?;
    let status = String::from_utf8_lossy(&status);
    let numbers = status.lines().find_map(|line| line.strip_prefix(name))?;
    numbers.split_ascii_whitespace().map(|number| number.parse().ok()).collect()
}

pub fn command(pid: u32) -> Vec<OsString> {
    let mut bytes = read_of_started(pid, "cmdline");
    if bytes.last() == Some(&0) {
        bytes.pop();
    } else if bytes.is_empty() {
        return Vec::new(); // a thread of the kernel
    }
    bytes.split(|&byte| byte == 0).map(|word| OsString::from_vec(word.into())).collect()
}

pub fn environment(pid: u32, name: &str) -> Option<OsString> {
    let bytes = read_of_started(pid, "environ");
    let variable = |line: &[u8]| {
        let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(OsStr::from_bytes(value).to_owned())
    };
    bytes.split(|&byte| byte == 0).find_map(variable)
}

/// In the middle of its execve(2) a process has neither arguments nor variables, and it will have both in a moment.
fn read_of_started(pid: u32, file: &str) -> Vec<u8> {
    let is_starting = || {
        let nothing = |file| read(pid, file).is_ok_and(|bytes| bytes.is_empty());
        nothing("cmdline")
            && nothing("environ")
            && stat(pid).is_some_and(|stat| stat.alive && !stat.of_kernel)
    };
    let deadline = Instant::now() + Duration::from_millis(100);
    let found = || read(pid, file).unwrap_or_default();
    match found() {
        nothing if nothing.is_empty() => {
            while is_starting() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_micros(50));
            }
            found()
        }
        something => something,
    }
}

/// A process decides how large some of these files are; execve(2) lets it start with 6 MiB at most. The rest are
/// small, and all are said to be empty: without room at hand each would be read in a dozen pieces.
fn read(pid: u32, file: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(2048);
    File::open(format!("/proc/{pid}/{file}"))?.take(6 << 20).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub fn started_at(start: u64) -> Timestamp {
    let up = clock_gettime(ClockId::Boottime);
    let up = SignedDuration::new(up.tv_sec, i32::try_from(up.tv_nsec).unwrap_or(0));
    let ticks = rustix::param::clock_ticks_per_second();
    let start = i64::try_from(start.saturating_mul(1000) / ticks).ok().map(SignedDuration::from_millis);
    let booted = Timestamp::now().checked_sub(up).ok();
    booted.zip(start).and_then(|(booted, start)| booted.checked_add(start).ok()).unwrap_or_default()
}

pub fn signal(process: &Process, signal: Signal) -> io::Result<()> {
    let number = number(signal);
    match open(process) {
        Ok(fd) => pidfd_send_signal(fd, number)?,
        // A kernel before 5.3, or a sandbox that does not know the call.
        Err(error) if error != Errno::SRCH && process.is_alive() => {
            kill_process(pid(process).ok_or(Errno::SRCH)?, number)?;
        }
        Err(_) => return Err(io::Error::new(io::ErrorKind::NotFound, "it has ended")),
    }
    Ok(())
}

pub fn wait_gone(process: &Process, deadline: Instant) -> bool {
    let fd = match open(process) {
        Ok(fd) => fd,
        Err(Errno::SRCH) => return true,
        Err(_) => return look_until_gone(process, deadline),
    };
    // A pidfd becomes readable when its process ends.
    while process.is_alive() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let _interrupted =
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], Timespec::try_from(left).ok().as_ref());
    }
    true
}

/// Without pidfd nobody tells when a process that is not our child ends.
fn look_until_gone(process: &Process, deadline: Instant) -> bool {
    while process.is_alive() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// A handle of this very process: it is opened by pid, then the start time is looked at again.
fn open(process: &Process) -> Result<OwnedFd, Errno> {
    let fd = pidfd_open(pid(process).ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
    if process.is_alive() { Ok(fd) } else { Err(Errno::SRCH) }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::tests::{end, start};
    use super::*;

    #[test]
    fn a_program_can_not_lie_through_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let liar = dir.path().join(") Z 1 1 (x");
        std::os::unix::fs::symlink("/bin/cat", &liar).unwrap();
        let (child, process) = start(&mut Command::new(&liar));
        assert_eq!(fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap(), ") Z 1 1 (x\n");
        assert_eq!(process.parent(), Some(Process::current()));
        end(child);
    }

    #[test]
    fn the_id_of_a_thread_is_no_pid() {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
            let _ = ended.recv();
        });
        let id = u32::try_from(told.recv().unwrap()).unwrap();
        assert!(stat(id).is_some() && Process::of(id).is_none());
        drop(end);
        thread.join().unwrap();
    }

    #[test]
    fn a_process_that_is_just_starting_has_its_environment_already() {
        for round in 0..300 {
            let mut child = Command::new("sleep").arg("9").env("A_B", "c=d").spawn().unwrap();
            let process = Process::of(child.id()).unwrap();
            assert_eq!(process.environment("A_B"), Some("c=d".into()), "round {round}");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn the_environment_is_the_one_it_was_started_with() {
        let (child, process) = start(Command::new("cat").env("A_B", "c=d"));
        assert_eq!(process.environment("A_B"), Some("c=d".into()));
        assert_eq!(process.environment("A"), None);
        end(child);
    }
}
