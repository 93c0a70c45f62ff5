//! The *book*: the lives of all bots, as they noted them, and what does not hold.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use super::bot::NOTES;
use super::{Report, bot};

/// So many findings are kept in words; one says most, and a thousand no more.
const FINDINGS: usize = 20;
/// How late a bot may be on a machine that has more to do.
pub const LATE: Duration = Duration::from_secs(10);

/// What was seen.
pub struct Book {
    folder: PathBuf,
    /// How far the notes are read.
    read: u64,
    /// What happens now.
    pub blow: String,
    pub report: Report,
    /// Bots whose lines were not looked for yet, in the order of their starts.
    pub lives: Vec<Life>,
    /// Hosts that were killed: pid, start, end.
    killed_hosts: Vec<(u32, u64, u64)>,
}

/// The life of one bot.
#[derive(Clone, Debug)]
pub struct Life {
    /// When it started, in nanoseconds since boot; no other one did.
    pub id: u64,
    pub pid: u32,
    host: u32,
    /// When it ended, if it ended in order.
    ended: Option<u64>,
}

impl Book {
    pub fn new(folder: PathBuf, seed: u64) -> Self {
        let report = Report { seed, ..Report::default() };
        Self {
            folder,
            read: 0,
            blow: "the start".into(),
            report,
            lives: Vec::new(),
            killed_hosts: Vec::new(),
        }
    }

    /// Something does not hold.
    pub fn find(&mut self, what: &str) {
        if self.report.findings.len() < FINDINGS {
            self.report.findings.push(format!("round {}, {}: {what}", self.report.rounds, self.blow));
        }
    }

    /// Reads what was noted since the last time.
    pub fn read(&mut self) -> io::Result<()> {
        let mut file = match File::open(self.folder.join(NOTES)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        let mut new = String::new();
        file.seek(SeekFrom::Start(self.read))?;
        file.read_to_string(&mut new)?;
        for line in new.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            self.read += line.len() as u64;
            self.take(line.trim_end());
        }
        Ok(())
    }

    fn take(&mut self, note: &str) {
        let words: Vec<&str> = note.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        let pid = |at: usize| u32::try_from(number(at)).unwrap_or(0);
        match words[0] {
            "start" => {
                let life = Life { id: number(1), pid: pid(2), host: pid(3), ended: None };
                let at = self.lives.partition_point(|other| other.id < life.id);
                self.lives.insert(at, life);
            }
            "end" => {
                let life = self.lives.iter_mut().find(|life| life.id == number(1));
                let _looked_for_already = life.map(|life| life.ended = Some(number(2)));
            }
            _ => {
                self.report.double_instances += 1;
                self.find(note);
            }
        }
    }

    /// A host was killed. What its bots had said may have been on its way.
    pub fn host_killed(&mut self, pid: u32, started: u64) {
        self.killed_hosts.push((pid, started, bot::now()));
    }

    /// The host of this bot was killed.
    pub fn is_cut(&self, life: &Life) -> bool {
        let its = |(pid, from, to): &(u32, u64, u64)| *pid == life.host && (*from..*to).contains(&life.id);
        self.killed_hosts.iter().any(its)
    }

    /// This bot follows one that ended in order, or else `at` that time. The policy would have it after `wait`.
    pub fn follows(&mut self, bot: &Life, at: u64, wait: Duration) {
        let before = self.lives.iter().rev().find(|life| life.id < bot.id);
        let ended = before.and_then(|life| life.ended).unwrap_or(at);
        let beyond = Duration::from_nanos(bot.id.saturating_sub(ended)).saturating_sub(wait);
        self.report.longest_gap = self.report.longest_gap.max(beyond.as_secs_f64());
        if beyond > LATE {
            self.find(&format!("no bot for {beyond:?} longer than {wait:?}"));
        }
    }
}
