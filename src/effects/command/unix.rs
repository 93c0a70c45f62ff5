//! Programs that are asked something on Unix.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use super::{HEARD, Output};
use crate::process::Process;

/// What has a shell find the programs of the system.
pub const PATH_OF_SYSTEM: &str = "export PATH=\"$PATH:/usr/bin:/bin:/usr/sbin:/sbin\"";

/// What the program says until it has closed its output and ended; none when that is not before the deadline.
///
/// Without a thread: two of them would take longer than all else that a short answer costs us.
pub fn hear(mut child: Child, deadline: Instant) -> io::Result<Option<Output>> {
    let fds = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
    let mut pipes = fds.map(|fd| Pipe { open: fd.map(File::from), said: Vec::new() });
    while pipes.iter().any(|pipe| pipe.open.is_some()) {
        let open = pipes.iter().filter_map(|pipe| pipe.open.as_ref());
        let mut polled: Vec<PollFd<'_>> = open.map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut polled, Timespec::try_from(left).ok().as_ref()) {
            Ok(0) => return Ok(None),
            Err(error) if error != Errno::INTR => return Err(error.into()),
            _ => {}
        }
        let ready: Vec<bool> = polled.iter().map(|pipe| !pipe.revents().is_empty()).collect();
        let open = pipes.iter_mut().filter(|pipe| pipe.open.is_some());
        open.zip(ready).filter(|(_, ready)| *ready).try_for_each(|(pipe, _)| pipe.read())?;
    }
    if !Process::of_child(child.id()).is_none_or(|it| it.wait_gone(deadline)) {
        return Ok(None);
    }
    let [stdout, stderr] = pipes.map(|pipe| pipe.said);
    Ok(Some(Output { status: Some(child.wait()?), stdout, stderr }))
}

/// What comes out of a pipe. What is more than anybody has to say is heard and forgotten.
struct Pipe {
    open: Option<File>,
    said: Vec<u8>,
}

impl Pipe {
    fn read(&mut self) -> io::Result<()> {
        let mut piece = [0; 8192];
        match self.open.as_mut().map_or(Ok(0), |pipe| pipe.read(&mut piece)) {
            Ok(0) => self.open = None,
            Ok(length) => {
                let room = HEARD.saturating_sub(self.said.len());
                self.said.extend_from_slice(&piece[..length.min(room)]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// A group of its own, so that the deadline ends the program's children too.
pub fn own_group(process: &mut Command) {
    process.process_group(0);
}

pub fn kill_group(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _gone = kill_process_group(pid, Signal::KILL);
    }
}

/// A console of Unix has no code page of its own.
pub fn of_console(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
