//! Waiting on Unix: signals wake a socket (the self-pipe), and one poll(2) waits for it and for the watch on
//! the lock. Without a deadline it waits for ever, so an idle host costs nothing.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitOptions, wait};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::{flag, low_level::pipe};

use super::Event;
use super::Watch;
use crate::host::policy::Exit;

/// The source of events.
pub struct Events {
    wakes: UnixStream,
    asked: Vec<(Arc<AtomicBool>, Event)>,
    child: Arc<AtomicBool>,
    ended: VecDeque<Event>,
    watch: Option<Watch>,
}

impl Events {
    /// Takes over the signals of this process. Those that it was started to ignore (nohup(1), `&` in a
    /// script) stay ignored.
    pub fn new() -> io::Result<Self> {
        let (wakes, wake) = UnixStream::pair()?;
        wakes.set_nonblocking(true)?;
        let heed = |signal| -> io::Result<Arc<AtomicBool>> {
            let seen = Arc::new(AtomicBool::new(false));
            flag::register(signal, seen.clone())?; // before the pipe: who is woken finds it set
            pipe::register(signal, wake.try_clone()?)?;
            Ok(seen)
        };
        let mut asked = vec![
            (heed(SIGTERM)?, Event::Stop),
            (heed(SIGUSR1)?, Event::Restart),
            (heed(SIGUSR2)?, Event::ForTheBot),
        ];
        for signal in [SIGINT, SIGHUP, SIGQUIT] {
            if !is_ignored(signal) {
                asked.push((heed(signal)?, Event::Stop));
            }
        }
        Ok(Self { child: heed(SIGCHLD)?, wakes, asked, ended: VecDeque::new(), watch: None })
    }

    /// Watches this file, from now on, instead of what was watched before. Where that is not possible nothing
    /// tells that the file is taken away.
    pub fn watch(&mut self, file: &Path) {
        self.watch = Watch::new(file).ok();
    }

    /// The next event. What people ask for comes before what happened to the bot: a machine that shuts down
    /// ends both at once, and that is no crash.
    pub fn next(&mut self, deadline: Option<Instant>) -> Event {
        loop {
            if let Some((_, event)) = self.asked.iter().find(|(seen, _)| seen.swap(false, Ordering::SeqCst)) {
                return *event;
            }
            if self.child.swap(false, Ordering::SeqCst) {
                self.reap();
            }
            if let Some(event) = self.ended.pop_front() {
                return event;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Event::Deadline;
            }
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let fds: Vec<BorrowedFd<'_>> = [Some(self.wakes.as_fd()), self.watch.as_ref().map(AsFd::as_fd)]
                .into_iter()
                .flatten()
                .collect();
            let mut polled: Vec<PollFd<'_>> =
                fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
            let _interrupted = poll(&mut polled, timeout.as_ref());
            let touched = polled.get(1).is_some_and(|fd| !fd.revents().is_empty());
            self.drain();
            if touched {
                return Event::LockTouched;
            }
        }
    }

    fn drain(&mut self) {
        while self.wakes.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
        if let Some(watch) = &self.watch {
            watch.drain();
        }
    }

    /// Every child that ended, adopted ones too: otherwise they stay as zombies.
    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let exit = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, Some(signal)) => Exit::Signal(signal),
                (None, None) => continue, // stopped or continued
            };
            self.ended.push_back(Event::ChildEnded(pid.as_raw_nonzero().get().unsigned_abs(), exit));
        }
    }
}

#[allow(unsafe_code, reason = "sigaction(2) is in no safe crate")]
fn is_ignored(signal: i32) -> bool {
    // SAFETY: with a null second argument it changes nothing and only fills `action`, which is plain data.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}
