//! The reader on Unix: poll(2) tells of one that went, also while there is nothing to print.

use std::io;
use std::process::ChildStdout;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Waits for something to print, which comes out of `pipe`, or its end. False when the reader went before.
pub fn waits_for(pipe: &ChildStdout) -> io::Result<bool> {
    let stdout = io::stdout();
    let mut polled = [PollFd::new(pipe, PollFlags::IN), PollFd::new(&stdout, PollFlags::empty())];
    loop {
        match poll(&mut polled, None) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(!polled[1].revents().intersects(PollFlags::ERR | PollFlags::HUP)),
        }
    }
}
