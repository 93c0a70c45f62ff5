//! A *soak*: hosts and bots, and a manager that does to them, at random and for as long as wanted, whatever may
//! happen to them. After every [`blow`] the same must hold: one bot again, in time, and never two; the state can be
//! read; no line of a log is lost.
//!
//! The hosts are the real program. The bot is [`bot`], which notes its life and says numbered lines; [`lines`] looks
//! for them in the log files. [`ground`] is where all of it runs, and [`book`] what was seen there. Two use it: a test
//! of ductor for a hundred rounds, `cargo xtask soak` for an afternoon.

mod blow;
mod book;
pub mod bot;
mod dice;
mod ground;
mod lines;

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use dice::Dice;
use ground::Ground;

/// The name by which the program of fakes is the bot.
const BOT: &str = "soak-bot";

/// How long, with what, and who listens.
pub struct Wanted<'a> {
    /// The folder with `ductor`, `ductorw` and `fakes`, as cargo builds them for tests.
    pub programs: &'a Path,
    /// It ends after so many rounds,
    pub rounds: u64,
    /// or when so much time has passed.
    pub time: Duration,
    /// The same blows for the same number.
    pub seed: u64,
    /// Also what takes a while: a bot that has to be killed, a host that waits before it starts the next.
    pub slow: bool,
    /// Hears after every round how it stands.
    pub told: &'a dyn Fn(&Report),
}

/// What came of a soak.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The number that the blows follow from.
    pub seed: u64,
    /// Blows.
    pub rounds: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Bots that were started after the first.
    pub restarts: u64,
    /// The longest time without a bot, in seconds, beyond what the policy waits.
    pub longest_gap: f64,
    /// Bots, or what they left behind, that met another one alive.
    pub double_instances: u64,
    /// How often the state could not be read.
    pub unreadable_states: u64,
    /// Lines that bots said.
    pub lines: u64,
    /// Lines that are in no log file.
    pub lost_lines: u64,
    /// Lines that were on their way through a host when it was killed.
    pub cut_lines: u64,
    /// What should not be, in words; the first of it.
    pub findings: Vec<String>,
}

/// Strikes until it is time.
///
/// # Errors
/// The ground can't be made, or nothing starts there any more. What does not hold is no error: it is a finding.
pub fn run(wanted: &Wanted<'_>) -> io::Result<Report> {
    let end = Instant::now() + wanted.time;
    let mut dice = Dice::new(wanted.seed);
    let mut ground = Ground::new(wanted)?;
    let mut host = ground.begin(&mut dice, None)?;
    while ground.book.report.rounds < wanted.rounds && Instant::now() < end {
        host = blow::strike(&mut ground, &mut dice, host)?;
        ground.book.report.rounds += 1;
        lines::look_now_and_then(&mut ground)?;
        (wanted.told)(&ground.book.report);
    }
    ground.end(host)
}
