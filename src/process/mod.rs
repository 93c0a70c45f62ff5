//! A *process* is a running program of this machine, named by its pid and its start time.
//!
//! A pid alone is reused; pid and start time together are one process for as long as the machine is up, so
//! a [`Process`] may be written to a file and believed later. This module only knows facts about processes.
//! Which of them is the host, the bot, or a leftover is the business of [`host`](crate::host). What an
//! operating system can tell is in one file per system (`linux.rs`), with the same function names.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod os;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod os;
#[cfg(windows)]
#[path = "windows.rs"]
pub(crate) mod os;
#[cfg(any(target_os = "macos", test))]
mod procargs;
#[cfg(unix)]
mod unix;

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One process of this machine. It may have ended; then it is never mistaken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// Its start time, in the unit of the operating system (Linux: clock ticks since boot, proc_pid_stat(5);
    /// macOS: microseconds since 1970, as the kernel noted it; Windows: tenths of a microsecond since 1601, FILETIME).
    pub start: u64,
}

/// What one process can tell another. Windows has no signals: any process can be killed, and a host is told the
/// first two meanings by named events; nobody can be told the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End in an orderly way (`SIGTERM`).
    Terminate,
    /// End now; it can't be refused (`SIGKILL`).
    Kill,
    /// The first meaning that is a program's own (`SIGUSR1`).
    User1,
    /// The second meaning that is a program's own (`SIGUSR2`).
    User2,
}

impl Process {
    /// The living process with this pid. One that ended and was not yet reaped does not live, and the id of
    /// a thread is not a pid.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = os::stat(pid).filter(|stat| stat.alive)?;
        os::is_process(pid).then_some(Self { pid, start: stat.start })
    }

    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        // Without a process table (a broken chroot) the identity is still one that no other process has.
        Self { pid, start: os::stat(pid).map_or(0, |stat| stat.start) }
    }

    /// A child of ours that nobody reaped yet, whether it still runs or not.
    pub(crate) fn of_child(pid: u32) -> Option<Self> {
        os::stat(pid).map(|stat| Self { pid, start: stat.start })
    }

    /// Every living process of this machine that we may see.
    pub fn all() -> Vec<Self> {
        table().into_iter().map(|(process, _)| process).collect()
    }

    /// It runs.
    pub fn is_alive(&self) -> bool {
        os::stat(self.pid).is_some_and(|stat| stat.alive && stat.start == self.start)
    }

    /// Its parent, if that lives and we may see it.
    pub fn parent(&self) -> Option<Self> {
        let stat = os::stat(self.pid).filter(|stat| stat.start == self.start)?;
        // No child is older than its parent: Windows keeps the pid of one that ended, which may be reused.
        Self::of(stat.parent).filter(|parent| parent.start <= self.start)
    }

    /// Its parent, the parent of that, and so on.
    pub fn ancestors(&self) -> Vec<Self> {
        std::iter::successors(self.parent(), Self::parent).collect()
    }

    /// Its children, their children, and so on, without those under one of `spared`.
    pub fn descendants(&self, spared: &HashSet<Self>) -> Vec<Self> {
        let mut children: HashMap<u32, Vec<Self>> = HashMap::new();
        for (process, parent) in table() {
            children.entry(parent).or_default().push(process);
        }
        let (mut found, mut next) = (Vec::new(), vec![*self]);
        while let Some(parent) = next.pop() {
            // No child is older than its parent: one that seems so had a parent whose pid was reused.
            let is_child = |it: &Self| it.start >= parent.start && !spared.contains(it);
            for child in children.remove(&parent.pid).into_iter().flatten().filter(is_child) {
                next.push(child);
                found.push(child);
            }
        }
        found
    }

    /// It acts as the user that we act as.
    pub fn is_ours(&self) -> bool {
        os::uid(self.pid).is_some_and(|uid| uid == os::own_uid()) && self.is_alive()
    }

    /// Its command line. Empty when it ended or we may not see it. A process can change what it shows here.
    pub fn command(&self) -> Vec<OsString> {
        Some(os::command(self.pid)).filter(|_| self.is_alive()).unwrap_or_default()
    }

    /// The variable `name` of the environment it was started with, if we may see that.
    pub fn environment(&self, name: &str) -> Option<OsString> {
        os::environment(self.pid, name).filter(|_| self.is_alive())
    }

    /// When it started. 1970 if that is no time at all: files that name processes may be written by others.
    pub fn started_at(&self) -> Timestamp {
        os::started_at(self.start)
    }

    /// How long ago it started.
    pub fn age(&self) -> Duration {
        Timestamp::now().duration_since(self.started_at()).try_into().unwrap_or_default()
    }

    /// Sends it a signal; never to another process that got its pid meanwhile.
    ///
    /// # Errors
    /// It ended (`NotFound`), belongs to another user (`PermissionDenied`), or can't be told this on Windows
    /// (`Unsupported`).
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        os::signal(self, signal)
    }

    /// Waits until it ended; false when it still lives at `deadline`.
    pub fn wait_gone(&self, deadline: Instant) -> bool {
        os::wait_gone(self, deadline)
    }
}

/// Every living process with its parent's pid.
fn table() -> Vec<(Process, u32)> {
    let entry = |pid| {
        let stat = os::stat(pid).filter(|stat| stat.alive)?;
        Some((Process { pid, start: stat.start }, stat.parent))
    };
    os::pids().into_iter().filter_map(entry).collect()
}

#[cfg(test)]
#[cfg(unix)]
pub(crate) mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    /// A program that reads its input and answers each line; it has answered one, so it is past its execve(2).
    pub(crate) fn start(command: &mut Command) -> (Child, Process) {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.as_ref().unwrap().write_all(b"\n").unwrap();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
        let process = Process::of_child(child.id()).unwrap();
        (child, process)
    }

    pub(super) fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_process_is_itself_and_child_of_its_parent() {
        let (child, process) = start(Command::new("cat").arg("-u"));
        assert_eq!(Process::of(child.id()), Some(process));
        assert_eq!(process.ancestors()[0], Process::current());
        assert!(Process::all().contains(&process) && process.is_ours());
        assert_eq!(process.command(), ["cat", "-u"]);
        assert!(process.age() < Duration::from_secs(5), "{:?}", process.age());
        end(child);
        assert!(!process.is_alive() && process.command().is_empty());
    }

    #[test]
    fn a_process_that_ended_does_not_live_even_before_it_is_reaped() {
        let (mut child, process) = start(&mut Command::new("cat"));
        drop(child.stdin.take());
        assert!(process.wait_gone(soon()));
        assert_eq!(Process::of(child.id()), None);
        assert_eq!(Process::of_child(child.id()), Some(process), "it waits to be reaped");
        child.wait().unwrap();
    }

    #[test]
    fn another_process_with_the_same_pid_gets_no_signal() {
        let (mut child, process) = start(&mut Command::new("cat"));
        let earlier = Process { start: process.start - 1, ..process };
        assert_eq!(earlier.signal(Signal::Kill).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(earlier.wait_gone(Instant::now()) && process.is_alive());
        process.signal(Signal::Terminate).unwrap();
        assert!(process.wait_gone(soon()));
        child.wait().unwrap();
    }

    #[test]
    fn a_start_that_can_not_be_is_one_long_ago() {
        for start in [u64::MAX, 1 << 62] {
            let planted = Process { pid: 1, start };
            assert_eq!((planted.started_at(), planted.is_alive()), (Timestamp::UNIX_EPOCH, false));
        }
    }

    #[test]
    fn a_deadline_ends_the_waiting() {
        let (child, process) = start(&mut Command::new("cat"));
        assert!(!process.wait_gone(Instant::now() + Duration::from_millis(20)));
        end(child);
    }

    #[test]
    fn descendants_are_found_at_every_depth_and_spared_with_their_own() {
        let script = "exec 3<&0; sh -c 'cat <&3 & wait' & wait";
        let (mut child, process) = start(Command::new("sh").args(["-c", script]));
        let found = process.descendants(&HashSet::new());
        let names: Vec<_> = found.iter().map(|it| it.command()[0].clone()).collect();
        assert_eq!(names, ["sh", "cat"]);
        assert_eq!(process.descendants(&HashSet::from([found[0]])), []);
        for it in [&process].into_iter().chain(&found) {
            it.signal(Signal::Kill).unwrap();
        }
        child.wait().unwrap();
    }
}
