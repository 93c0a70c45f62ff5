//! Contests of log files: how fast the host keeps what a bot says, and how fast `ductor service logs` finds the last
//! lines of a file that is much too large to read.

use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::measure::{self, Runner};
use super::{Arena, Contest, Side, Unit};

/// How much a bot says that is timed at it.
const SAID: usize = 500 << 20;

/// Where the host writes, below the home of a user.
const FILE: &str = ".ductor/logs/service.log";

/// The questions of this file.
pub fn contests() -> Vec<Contest> {
    vec![
        Contest {
            name: "500 MiB of log lines through the host's files, rotation on",
            unit: Unit::Seconds,
            goal: "at most 1.25 times the best of the others, no line lost",
            why: "All keep five files of 5 MiB, but for `cat`, which keeps one. `cat` to the file itself moves each line \
                  once, where a pipe is between twice: it can't be reached by what rotates.",
            run: keep,
        },
        Contest {
            name: "ductor service logs -n 50, of 2 GiB",
            unit: Unit::Seconds,
            goal: "at most 1.5 times tail",
            why: "",
            run: tail,
        },
    ]
}

/// Our side, told by its name that no manager keeps a journal.
const OURS: &str = "./ductorw; [ $? = 78 ]";

/// All sides keep five files of 5 MiB, but for `cat`, which keeps one of 500.
fn keep(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    number(&path("said"), SAID)?;
    fs::copy(&arena.program, path("ductorw"))?;
    fs::create_dir(path("svlogd"))?;
    fs::write(path("svlogd/config"), "s5242880\nn5\n")?;
    let say = "cat said";
    // With 78 it is over at once; one that ends with 0 may have been replaced, and the host waits to see that.
    let bot = format!("sh -c 'cat {}; exit 78'", path("said").display());
    let variables = [("HOME", folder.path().display().to_string()), ("DUCTOR_BOT", bot)];
    let clean = "rm -rf .ductor s6-log svlogd/current svlogd/@* kept; ";
    let line = |line: &str| {
        Runner::new("", "sh", &[]).shell(&format!("{clean}{line}")).inside(folder.path(), &variables)
    };
    let peer = |name: &str, get: &str, command: &str| {
        Runner::peer(name, name, &[], get)
            .shell(&format!("{clean}{say} | {command}"))
            .inside(folder.path(), &variables)
    };
    let sides = measure::commands(
        rounds.min(5),
        vec![
            line(OURS).called("ductor"),
            peer("svlogd", "apt-get install runit", "svlogd -b 65536 svlogd 2>kept"),
            peer("s6-log", "apt-get install s6", "s6-log n4 s5242880 ./s6-log"),
            line(&format!("{say} | cat >kept")).called("cat, through a pipe"),
            line(&format!("{say} >kept")).called("cat, to the file itself"),
        ],
    )?;
    measure::commands(0, vec![line(OURS).called("ductor")])?;
    nothing_is_lost(folder.path())?;
    Ok(sides)
}

/// What is kept is the end of what was said, to the byte.
fn nothing_is_lost(folder: &Path) -> Result<()> {
    let file = |number: usize| if number == 0 { FILE.to_owned() } else { format!("{FILE}.{number}") };
    let kept: Vec<Vec<u8>> =
        (0..5).rev().map(|number| fs::read(folder.join(file(number)))).collect::<Result<_, _>>()?;
    let said = fs::read(folder.join("said"))?;
    let kept = kept.concat();
    ensure!(kept.len() > 20 << 20 && said.ends_with(&kept), "the host has lost lines");
    Ok(())
}

/// Fills a file with lines, each with its number.
fn number(path: &Path, size: usize) -> Result<()> {
    let mut file = BufWriter::new(File::create(path).with_context(|| format!("make {}", path.display()))?);
    for number in 0..size / 100 {
        writeln!(
            file,
            "2026-11-22 14:03:11,042 INFO ductor_bot.messenger: line {number:010} of the usual length {:.<11}",
            ""
        )?;
    }
    Ok(file.flush()?)
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
pub(super) fn ours(arena: &Arena, home: &Path) -> Runner<'static> {
    let variables = [("HOME", home.display().to_string()), ("DUCTOR_MANAGER", "launchd".into())];
    let words = ["service", "logs", "-n", "50", "--no-follow"];
    Runner::new("ductor service logs", &arena.program, &words).inside(home, &variables)
}

/// Fills the file with lines; of more than 2 GiB only the last, behind a hole that nobody reads.
pub(super) fn write(home: &Path, size: usize) -> Result<()> {
    let path = home.join(FILE);
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut file = File::create(path)?;
    let hole = size.saturating_sub(2 << 30);
    file.seek(SeekFrom::Start(hole as u64))?;
    let mut file = BufWriter::new(file);
    let line =
        "2026-11-22 14:03:11,042 INFO ductor_bot.messenger: a line of the length that lines mostly have\n";
    for _ in 0..(size - hole) / line.len() {
        file.write_all(line.as_bytes())?;
    }
    Ok(file.flush()?)
}
