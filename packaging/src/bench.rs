//! `cargo xtask bench`: what ductor costs, beside what others cost, measured in one run on one machine.
//!
//! A [`Contest`] asks one question and has *sides*: ours first, then those we are held against. Every round
//! measures every side once, so that whatever else the machine does falls on all of them alike; what counts is
//! the median, and its ratio to ours. Nothing is asserted here: a benchmark reports.
//!
//! The questions are in one file each: [`machine`] (a booted system), [`host`] (the process that stays),
//! [`logs`], [`packing`], [`growth`]. [`measure`] holds the watch, [`table`] the answer.

pub mod growth;
pub mod host;
pub mod logs;
pub mod machine;
pub mod measure;
mod packers;
pub mod packing;
pub mod table;
pub mod tick;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::progress::Progress;
use crate::workspace::Workspace;

/// What to measure, and how often.
#[derive(clap::Args, Debug)]
pub struct Wanted {
    /// Contests by a part of their name; all of them when none is given
    pub names: Vec<String>,
    /// Rounds of each contest; the median counts
    #[arg(long, default_value_t = 7)]
    pub rounds: usize,
    /// Print the contests, and measure nothing
    #[arg(long)]
    pub list: bool,
    /// One JSON array instead of the table
    #[arg(long)]
    pub json: bool,
    /// Also write docs/benchmarks.md
    #[arg(long)]
    pub write: bool,
    #[command(subcommand)]
    inside: Option<Inside>,
}

/// What contests run as programs of their own.
#[derive(clap::Subcommand, Debug)]
enum Inside {
    /// A bot that notes when it starts and when it ends, so often, each time to be started anew
    #[command(hide = true)]
    Tick {
        /// Where it notes
        notes: PathBuf,
        /// How often it ends
        times: usize,
        /// What it ends with
        code: u8,
    },
    /// All formats of this machine's own target at once: prints the most memory that took
    #[command(hide = true)]
    Pack,
}

/// One question.
pub struct Contest {
    /// What is measured.
    pub name: &'static str,
    /// In what.
    pub unit: Unit,
    /// Where it should get, in words.
    pub goal: &'static str,
    /// How it was taken, and where the rest is when the goal is missed. May be empty.
    pub why: &'static str,
    /// Measures every side, ours first, so many rounds.
    pub run: fn(&Arena, usize) -> Result<Vec<Side>>,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Time, less is better.
    Seconds,
    /// Memory or size, less is better.
    Bytes,
    /// Wake-ups of an idle process, less is better.
    PerMinute,
}

/// One of those that are compared.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// What it is.
    pub name: String,
    /// A figure a round; empty when it is not there.
    pub figures: Vec<f64>,
    /// Why it is not there, with how to get it.
    pub missing: Option<String>,
    /// What else is worth knowing, such as the size of what was made.
    pub note: Option<String>,
    /// It is ours like the first, of another size, or a part of it; else a rival.
    pub ours: bool,
}

/// The answer to one question.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// What was measured.
    pub name: &'static str,
    /// In what.
    pub unit: Unit,
    /// Where it should get.
    pub goal: &'static str,
    /// How it was taken, and where the rest is when the goal is missed.
    pub why: &'static str,
    /// Ours first.
    pub sides: Vec<Side>,
    /// Why there is no answer.
    pub failed: Option<String>,
}

/// What every contest has at hand.
pub struct Arena {
    /// The checkout.
    pub workspace: Workspace,
    /// The program under test: compiled for release, stripped.
    pub program: PathBuf,
}

impl Side {
    /// One that was measured.
    pub fn new(name: impl Into<String>, figures: Vec<f64>) -> Self {
        Self { name: name.into(), figures, missing: None, note: None, ours: false }
    }

    /// One that is not on this machine.
    pub fn missing(name: impl Into<String>, get: impl Into<String>) -> Self {
        Self { missing: Some(get.into()), ..Self::new(name, Vec::new()) }
    }

    /// The same of ours again.
    pub fn ours(self) -> Self {
        Self { ours: true, ..self }
    }

    /// The one in the middle.
    pub fn median(&self) -> Option<f64> {
        let mut sorted = self.figures.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

fn contests() -> Vec<Contest> {
    [machine::contests(), host::contests(), logs::contests(), packing::contests(), growth::contests()]
        .into_iter()
        .flatten()
        .collect()
}

/// Measures what is wanted, and prints it.
///
/// # Errors
/// A name that no contest has; the program does not compile; the page can't be written. A contest that fails is
/// an answer of its own.
pub fn run(wanted: &Wanted) -> Result<u8> {
    match &wanted.inside {
        Some(Inside::Tick { notes, times, code }) => return tick::run(notes, *times, *code),
        Some(Inside::Pack) => return packing::run(),
        None => {}
    }
    let is_wanted =
        |it: &Contest| wanted.names.is_empty() || wanted.names.iter().any(|name| it.name.contains(name));
    let contests: Vec<Contest> = contests().into_iter().filter(is_wanted).collect();
    ensure!(!contests.is_empty(), "no contest has such a name; `cargo xtask bench --list` prints them all");
    if wanted.list {
        return Ok(table::list(&contests));
    }
    let arena = Arena::open()?;
    let progress = Progress::new();
    let mut answers = Vec::new();
    for contest in &contests {
        let step = progress.begin(contest.name.to_owned());
        let measured = (contest.run)(&arena, wanted.rounds.max(1));
        drop(step);
        let (sides, failed) = match measured {
            Ok(sides) => (sides, None),
            Err(error) => (Vec::new(), Some(format!("{error:#}"))),
        };
        answers.push(Answer {
            name: contest.name,
            unit: contest.unit,
            goal: contest.goal,
            why: contest.why,
            sides,
            failed,
        });
    }
    drop(progress);
    if wanted.write {
        table::write(&arena.workspace, &answers, wanted.rounds)?;
    }
    if wanted.json {
        table::json(&answers)?;
    } else {
        table::print(&answers);
    }
    Ok(u8::from(answers.iter().any(|answer| answer.failed.is_some())))
}

impl Arena {
    /// Compiles the program as a release has it.
    fn open() -> Result<Self> {
        let workspace = Workspace::find()?;
        let target = crate::target::choose(
            &crate::target::host_platform(),
            &crate::target::host_platform(),
            |target| crate::toolchain::has_standard_library(target.triple),
        );
        let target = target.ok_or_else(|| anyhow::anyhow!("no bundle is made for this machine"))?;
        let release = crate::release::Release::of(&workspace)?;
        crate::build::build(&workspace, target, release.epoch)?;
        let program = workspace.target.join(target.triple).join("release").join(crate::release::NAME);
        Ok(Self { workspace, program })
    }
}
