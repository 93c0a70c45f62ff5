//! A *terminal*: a test types into it, and what a program shows there is kept.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Longer than anything takes that is going to happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a program in a terminal and types each answer when its question is shown. Its exit code, and all that was
/// shown, what was typed among it.
pub fn typed(command: &mut Command, answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let (mut keyboard, screen) = open();
    let end = || screen.try_clone().unwrap();
    let mut child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
    let (mut shown, mut seen, mut answers) = (String::new(), 0, answers.iter());
    let mut next = answers.next();
    let deadline = Instant::now() + PATIENCE;
    loop {
        // What it said before its end is there when the end is known: so the end is asked for first.
        let ended = child.try_wait().unwrap();
        while has_come(&keyboard) {
            let mut part = [0; 4096];
            let count = keyboard.read(&mut part).unwrap();
            shown.push_str(&String::from_utf8_lossy(&part[..count]).replace('\r', ""));
        }
        if let Some((question, answer)) = next {
            if let Some(at) = shown[seen..].find(question) {
                seen += at + question.len();
                keyboard.write_all(answer.as_bytes()).unwrap();
                next = answers.next();
            }
        }
        if let Some(status) = ended {
            assert_eq!(next, None, "it was never asked:\n{shown}");
            return (status.code(), shown);
        }
        assert!(Instant::now() < deadline, "it does not go on; next is {next:?}:\n{shown}");
    }
}

/// Both ends of a new terminal. The second stays open here, so that reading the first never fails.
fn open() -> (File, File) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = ptsname(&keyboard, Vec::new()).unwrap();
    let screen = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    (keyboard.into(), OpenOptions::new().read(true).write(true).open(screen).unwrap())
}

/// Waits a moment for something to read.
fn has_come(keyboard: &File) -> bool {
    let moment = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    poll(&mut [PollFd::new(keyboard, PollFlags::IN)], Some(&moment)).unwrap() > 0
}
