//! The *log files*: what the bot and its host say, where the manager keeps no journal (launchd, the Task
//! Scheduler). `service.log` has the stdout of both, `service.err` the stderr.
//!
//! The host puts a pipe in the place of its own stdout and stderr; the bot inherits both, as it does everywhere. A
//! thread for each sleeps in read(2) and appends to a [`rotation::LogFile`], so an idle bot wakes nobody, and one
//! that talks waits for a disk at most, never for a reader. [`service::logs`](crate::service::logs) reads the files.

pub mod rotation;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::os;
use crate::home::Home;
use rotation::LogFile;

/// What is read at once.
const BUFFER: usize = 64 * 1024;
/// How long the end of a host waits for words that are still in a pipe. Somebody who escaped from the tree may
/// hold it open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Every file that may be there, also of earlier rotations.
pub fn all(home: &Home) -> impl Iterator<Item = PathBuf> {
    let files = home.service_logs().into_iter();
    files.flat_map(|file| (0..rotation::FILES).map(move |number| rotation::earlier(&file, number)))
}

/// One of the two that every program writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The log files at work. When this value ends they have everything, and what this process says afterwards goes
/// to them without a detour.
pub struct LogFiles(Vec<Copied>);

/// A stream that is copied to its file.
struct Copied {
    stream: Stream,
    path: PathBuf,
    all_read: Receiver<()>,
}

impl LogFiles {
    /// From now on what this process and its children say goes to the log files of `home`. They are made when
    /// there is something to write.
    ///
    /// # Errors
    /// The system has no more pipes or threads.
    pub fn begin(home: &Home) -> io::Result<Self> {
        let mut files = Self(Vec::new());
        for (stream, path) in [Stream::Out, Stream::Err].into_iter().zip(home.service_logs()) {
            let pipe = os::capture(stream)?;
            files.0.push(Copied { stream, all_read: copy(pipe, &path)?, path });
        }
        Ok(files)
    }
}

impl Drop for LogFiles {
    fn drop(&mut self) {
        for Copied { stream, path, all_read } in &self.0 {
            // Ours was the last end that is written to, unless somebody escaped.
            if plain(path).and_then(|file| os::redirect(*stream, file)).is_ok() {
                let _all_or_too_late = all_read.recv_timeout(LAST_WORDS);
            }
        }
    }
}

/// The log file, or nothing at all where it can't be written.
fn plain(path: &Path) -> io::Result<File> {
    let nothing = if cfg!(windows) { "NUL" } else { "/dev/null" };
    os::open_log(path).or_else(|_| OpenOptions::new().write(true).open(nothing))
}

/// Copies until nobody can write to the pipe any more; tells when that is done.
fn copy(mut pipe: File, path: &Path) -> io::Result<Receiver<()>> {
    let (done, all_read) = channel::<()>();
    let mut log = LogFile::new(path);
    thread::Builder::new().name("log".into()).spawn(move || {
        let _done = done; // told by being dropped
        let mut buffer = vec![0; BUFFER];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => log.append(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    })?;
    Ok(all_read)
}
