//! Contests of `ductor service logs`: the last lines of a file that is much too large to read.

use std::fs::{self, File};
use std::io::{BufWriter, Write};

use anyhow::Result;

use super::measure::{self, Runner};
use super::{Arena, Contest, Side, Unit};

/// The size of the file.
const SIZE: usize = 2 << 30;

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
    let folder = tempfile::tempdir()?;
    let logs = folder.path().join(".ductor/logs");
    fs::create_dir_all(&logs)?;
    let log = logs.join("service.log");
    let mut file = BufWriter::new(File::create(&log)?);
    let line =
        "2026-11-22 14:03:11,042 INFO ductor_bot.messenger: a line of the length that lines mostly have\n";
    for _ in 0..SIZE / line.len() {
        file.write_all(line.as_bytes())?;
    }
    file.flush()?;
    let (home, path) = (folder.path().display().to_string(), log.display().to_string());
    let words = ["service", "logs", "-n", "50", "--no-follow"];
    let variables = [("HOME", home.as_str()), ("DUCTOR_MANAGER", "launchd"), ("DUCTOR_HOME", "")];
    measure::commands(
        rounds,
        vec![
            Runner::new("ductor service logs", &arena.program, &words).inside(folder.path(), &variables),
            Runner::new("tail", "tail", &["-n", "50", &path]),
        ],
    )
}
