//! The *lines* of bots that have ended, and whether each is in a log file.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use super::book::Life;
use super::bot::{self, SAID};
use super::ground::Ground;

/// Where the host puts what the bot says.
const LOG: &str = ".ductor/logs/service.log";
/// Sooner than log files are rotated away.
const OFTEN: Duration = Duration::from_secs(15);
/// What the last lines of a bot may take to its file.
const SOON: Duration = Duration::from_secs(10);

/// Numbers of lines, by bot.
type Found = HashMap<u64, HashSet<u64>>;

/// Looks for the lines when it was not done for a while.
pub fn look_now_and_then(ground: &mut Ground<'_>) -> io::Result<()> {
    if ground.looked.elapsed() < OFTEN { Ok(()) } else { look(ground, false) }
}

/// Looks for the lines of every bot that has ended. The last one lives, unless it was the `last` of all.
pub fn look(ground: &mut Ground<'_>, last: bool) -> io::Result<()> {
    ground.book.read()?;
    ground.looked = Instant::now();
    let living = usize::from(!last);
    let ended = ground.book.lives.len().saturating_sub(living);
    let lives: Vec<Life> = ground.book.lives.drain(..ended).collect();
    let said = lives.iter().map(|life| said(ground, life)).collect::<io::Result<Vec<u64>>>()?;
    let deadline = Instant::now() + SOON;
    let missing = loop {
        let found = found(ground, &lives)?;
        let missing = lives.iter().zip(&said).map(|(life, said)| missing(life, *said, &found));
        let missing: Vec<Vec<u64>> = missing.collect();
        let cut = |(life, missing): (&Life, &Vec<u64>)| missing.is_empty() || ground.book.is_cut(life);
        if lives.iter().zip(&missing).all(cut) || Instant::now() > deadline {
            break missing;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    for ((life, said), missing) in lives.iter().zip(said).zip(missing) {
        ground.book.report.lines += said;
        settle(ground, life, said, &missing);
    }
    ground.forget_journals(&lives)
}

/// How many lines a bot has said.
fn said(ground: &Ground<'_>, life: &Life) -> io::Result<u64> {
    let path = ground.path(SAID).join(life.id.to_string());
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(), // killed before it could say any
        bytes => bytes?,
    };
    let _not_there = fs::remove_file(path);
    Ok(bytes.try_into().map_or(0, u64::from_le_bytes))
}

/// Every whole line of these bots in the log files. The newest file is read first: what is rotated meanwhile is then
/// seen twice, and not overlooked.
fn found(ground: &Ground<'_>, lives: &[Life]) -> io::Result<Found> {
    let mut found: Found = lives.iter().map(|life| (life.id, HashSet::new())).collect();
    let earlier = ["", ".1", ".2", ".3", ".4"].map(|number| ground.path(&format!("{LOG}{number}")));
    for file in earlier.into_iter().chain(ground.journals()?) {
        let text = fs::read(file).unwrap_or_default();
        for line in String::from_utf8_lossy(&text).lines() {
            // One that was cut by the end of its host has the next one behind it.
            let whole = line.rfind('<').map(|at| &line[at..]);
            let words = whole.and_then(|line| line.strip_prefix('<')?.split_once(' '));
            let parsed =
                words.and_then(|(id, rest)| Some((id.parse().ok()?, rest.split_once(' ')?.0.parse().ok()?)));
            if let Some((id, number)) = parsed.filter(|(id, number)| whole == Some(&bot::line(*id, *number)))
            {
                found.get_mut(&id).map(|numbers| numbers.insert(number));
            }
        }
    }
    Ok(found)
}

fn missing(life: &Life, said: u64, found: &Found) -> Vec<u64> {
    let is_there = |number: &u64| found.get(&life.id).is_some_and(|numbers| numbers.contains(number));
    (1..=said).filter(|number| !is_there(number)).collect()
}

/// Lines that are missing were lost, but for the last ones of a bot whose host was killed.
fn settle(ground: &mut Ground<'_>, life: &Life, said: u64, missing: &[u64]) {
    let Some(first) = missing.first() else { return };
    let count = missing.len() as u64;
    if ground.book.is_cut(life) && said - first + 1 == count {
        ground.book.report.cut_lines += count;
    } else {
        ground.book.report.lost_lines += count;
        ground
            .book
            .find(&format!("{count} of {said} lines are lost, from {first} on, of the bot {}", life.pid));
    }
}
