//! The *journal* of systemd, as far as a user may read it: what it has of a unit, and whether it is kept at all.
//!
//! Everything but the last is asked of `journalctl`, with what [`bus`] says of the user's manager.

use std::path::Path;
use std::process;
use std::time::SystemTime;
use std::{fs, io};

use jiff::Timestamp;

use super::{bus, root};
use crate::effects::{self, Command};
use crate::user;

/// Where journald keeps files: systemd-journald.service(8).
const FOLDERS: [&str; 2] = ["/var/log/journal", "/run/log/journal"];

/// The lines of a user unit.
pub struct Journal {
    unit: &'static str,
}

impl Journal {
    /// The journal of this unit of ours.
    pub fn of(unit: &'static str) -> Self {
        Self { unit }
    }

    /// What prints the last `count` lines and, if `follow`, those to come: as people know it, with what the manager
    /// says about the unit. Nothing in a line is left out, whatever a terminal would make of it.
    pub fn reader(&self, count: u64, follow: bool) -> process::Command {
        let most = count.min(i32::MAX as u64).to_string(); // that it takes
        let mut command = process::Command::new("journalctl");
        command.args(["--user", "--no-hostname", "--all", "--no-pager", "-n", &most]);
        command.args(follow.then_some("-f")).args(self.within_and_about()).envs(bus::environment());
        command
    }

    /// It has lines that we may read, of any time or since then.
    pub fn has_lines(&self, since: Option<Timestamp>) -> bool {
        let since = since.map(from);
        let selected = self.within_and_about();
        let mut words = vec!["--output=cat", "-n", "1"];
        words.extend(since.iter().chain(&selected).map(String::as_str));
        !look(&words).is_empty()
    }

    /// The last `count` lines since then, without what the manager itself says about the unit.
    pub fn last(&self, count: usize, since: Timestamp) -> Vec<u8> {
        let (since, count, written_by) = (from(since), count.to_string(), self.within());
        let mut words = vec!["--output=cat", "--all", since.as_str(), "-n", count.as_str()];
        words.extend(written_by.iter().map(String::as_str));
        look(&words)
    }

    /// Something was kept since then in a file that we may read. No line need be left of it: who makes room in a journal
    /// takes lines away, and journald begins a new file. Without a journalctl it is as good as none.
    pub fn is_kept(&self, since: Timestamp) -> bool {
        ask(&["-n", "0"]).is_some()
            && FOLDERS.iter().any(|folder| has_news(&root::at(folder), since.into()).unwrap_or(false))
    }

    /// What selects the lines of the host and its tree. `-u` alone loses those of who ends at once, the last words of a
    /// bot and all that a short command writes: journald asks /proc for the unit of a line's writer, which may be gone by
    /// then (systemd issue 2913). The identifier comes from the unit itself.
    fn within(&self) -> [String; 5] {
        let name = self.unit.trim_end_matches(".service");
        let by_unit = format!("_SYSTEMD_USER_UNIT={}", self.unit);
        [by_unit, of_us(), "+".into(), format!("SYSLOG_IDENTIFIER={name}"), of_us()]
    }

    /// The same with what is said about the unit, by its manager and of a dump of its memory: what `-u` shows, and no less
    /// of it.
    fn within_and_about(&self) -> Vec<String> {
        let about = ["USER_UNIT", "COREDUMP_USER_UNIT"];
        let about = about.map(|field| ["+".into(), format!("{field}={}", self.unit), of_us()]);
        self.within().into_iter().chain(about.into_iter().flatten()).collect()
    }
}

fn of_us() -> String {
    format!("_UID={}", user::number())
}

/// To the microsecond, which is what a journal keeps: a second has lines of two bots.
fn from(then: Timestamp) -> String {
    let micros = then.as_microsecond();
    format!("--since=@{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// What journalctl tells of the user's journal; nothing where it can't be read.
fn look(words: &[&str]) -> Vec<u8> {
    ask(words).unwrap_or_default()
}

/// The same; none where there is no journalctl. That it may not read is no failure to it.
fn ask(words: &[&str]) -> Option<Vec<u8>> {
    let words = ["--user", "--quiet", "--no-pager"].iter().chain(words);
    let ask_it = bus::environment()
        .into_iter()
        .fold(Command::new("journalctl", words), |it, (name, value)| it.env(name, value));
    effects::ask(&ask_it).ok().map(|output| output.stdout)
}

/// Whether a file that was written to since then is below: each machine has a folder of its own.
fn has_news(folder: &Path, since: SystemTime) -> io::Result<bool> {
    for machine in fs::read_dir(folder)? {
        for file in fs::read_dir(machine?.path())? {
            let file = file?;
            if file.metadata()?.modified()? >= since && fs::File::open(file.path()).is_ok() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
