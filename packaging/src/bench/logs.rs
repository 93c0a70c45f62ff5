//! Contests of `ductor service logs`: the last lines of a file that is much too large to read.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;

use super::measure::{self, Runner};
use super::{Arena, Contest, Side, Unit};

/// Where the host writes, below the home of a user.
const FILE: &str = ".ductor/logs/service.log";

/// The questions of this file.
pub fn contests() -> Vec<Contest> {
    vec![Contest {
        name: "ductor service logs -n 50, of 2 GiB",
        unit: Unit::Seconds,
        goal: "at most 1.5 times tail",
        run: tail,
    }]
}

fn tail(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let home = tempfile::tempdir()?;
    write(home.path(), 2 << 30)?;
    let path = home.path().join(FILE).display().to_string();
    measure::commands(
        rounds,
        vec![ours(arena, home.path()), Runner::new("tail", "tail", &["-n", "50", &path])],
    )
}

/// Our command for the logs of a user.
pub(super) fn ours(arena: &Arena, home: &Path) -> Runner {
    let variables = [("HOME", home.display().to_string()), ("DUCTOR_MANAGER", "launchd".into())];
    let words = ["service", "logs", "-n", "50", "--no-follow"];
    Runner::new("ductor service logs", &arena.program, &words).inside(home, &variables)
}

/// Fills the file with lines.
pub(super) fn write(home: &Path, size: usize) -> Result<()> {
    let path = home.join(FILE);
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut file = BufWriter::new(File::create(path)?);
    let line =
        "2026-11-22 14:03:11,042 INFO ductor_bot.messenger: a line of the length that lines mostly have\n";
    for _ in 0..size / line.len() {
        file.write_all(line.as_bytes())?;
    }
    Ok(file.flush()?)
}
