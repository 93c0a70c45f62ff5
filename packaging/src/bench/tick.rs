//! A bot that ends as soon as it has started, so that others can be timed at starting it anew.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// Notes the start and the end of this process, and ends with `code`; with 0 after so many times.
///
/// # Errors
/// The notes can't be written.
pub fn run(notes: &Path, times: usize, code: u8) -> Result<u8> {
    let start = now();
    let done = std::fs::read_to_string(notes).unwrap_or_default().lines().count();
    let mut file = File::options().create(true).append(true).open(notes).context("the notes")?;
    writeln!(file, "{start} {}", now())?;
    Ok(if done + 1 < times { code } else { 0 })
}

/// Nanoseconds since boot, the same for every process.
fn now() -> i128 {
    let now = clock_gettime(ClockId::Monotonic);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}

/// The seconds between each end and the next start.
///
/// # Errors
/// The notes can't be read.
pub fn gaps(notes: &Path) -> Result<Vec<f64>> {
    let text = std::fs::read_to_string(notes).context("the notes")?;
    let parse = |line: &str| -> Option<(i128, i128)> {
        let (start, end) = line.split_once(' ')?;
        Some((start.parse().ok()?, end.parse().ok()?))
    };
    let lives: Vec<(i128, i128)> = text.lines().filter_map(parse).collect();
    #[allow(clippy::cast_precision_loss, reason = "a gap is far from 2^53 ns")]
    let gap = |pair: &[(i128, i128)]| (pair[1].0 - pair[0].1) as f64 / 1e9;
    Ok(lives.windows(2).map(gap).collect())
}
