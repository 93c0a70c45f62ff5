//! The answers as people and scripts read them, and as the page that goes with the code.

use anyhow::Result;

use super::{Answer, Contest, Side, Unit};
use crate::report;
use crate::workspace::Workspace;

/// The page that `--write` makes.
const PAGE: &str = "docs/benchmarks.md";

/// A line a contest.
pub fn list(contests: &[Contest]) -> u8 {
    let rows: Vec<_> = contests.iter().map(|it| [it.name.to_owned(), it.goal.to_owned()]).collect();
    report::table(&rows, [false; 2]);
    0
}

/// One JSON array.
///
/// # Errors
/// Never: an answer is plain data.
pub fn json(answers: &[Answer]) -> Result<()> {
    report::out(&serde_json::to_string_pretty(answers)?);
    Ok(())
}

/// A block a contest.
pub fn print(answers: &[Answer]) {
    for answer in answers {
        report::out(&format!("\n{}  (wanted: {})", answer.name, answer.goal));
        report::table(&rows(answer), [false, true, true, true, false]);
        if let Some(failed) = &answer.failed {
            report::out(&format!("  failed: {failed}"));
        }
    }
}

/// Name, median, range, what ours is beside it, and what else there is to say.
fn rows(answer: &Answer) -> Vec<[String; 5]> {
    let ours = answer.sides.first().and_then(Side::median);
    let row = |side: &Side| {
        let name = format!("  {}", side.name);
        let Some(median) = side.median() else {
            let get = side.missing.as_deref().unwrap_or("no figure");
            return [name, "-".into(), String::new(), String::new(), format!("not here: {get}")];
        };
        let least = side.figures.iter().copied().fold(f64::INFINITY, f64::min);
        let most = side.figures.iter().copied().fold(0.0, f64::max);
        let range = format!("{} to {}", figure(least, answer.unit), figure(most, answer.unit));
        let others = ours.filter(|_| !std::ptr::eq(side, &raw const answer.sides[0]));
        let ratio = others.map(|first| match side.ours {
            true => format!("{:.2} of the first", median / first),
            false => beside(first, median),
        });
        let note = side.note.clone().unwrap_or_default();
        [name, figure(median, answer.unit), range, ratio.unwrap_or_default(), note]
    };
    answer.sides.iter().map(row).collect()
}

/// What ours is, beside theirs.
fn beside(ours: f64, theirs: f64) -> String {
    match ours / theirs {
        ratio if ratio.is_nan() => "both nothing".into(),
        ratio if ratio >= 1.0 => format!("ours {ratio:.2} times that"),
        0.0 => "ours nothing".into(),
        ratio => format!("{:.*} times ours", usize::from(ratio > 0.1), 1.0 / ratio),
    }
}

fn figure(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds if value < 1e-3 => format!("{:.0} us", value * 1e6),
        Unit::Seconds if value < 1.0 => format!("{:.1} ms", value * 1e3),
        Unit::Seconds => format!("{value:.2} s"),
        Unit::Bytes if value < 1_048_576.0 => format!("{:.0} KiB", value / 1024.0),
        Unit::Bytes => format!("{:.2} MiB", value / 1_048_576.0),
        Unit::PerMinute => format!("{value:.0} a minute"),
    }
}

/// Writes the page.
///
/// # Errors
/// It can't be written.
pub fn write(workspace: &Workspace, answers: &[Answer], rounds: usize) -> Result<()> {
    let mut page = format!(
        "# Benchmarks\n\nWritten by `cargo xtask bench --write`: at most {rounds} rounds of each contest, all its sides \
         in every round. What counts is the ratio of the medians; the figures themselves are those of one \
         machine on one day: {}. Whole processes are timed, from their start to their end. Where more programs \
         want to run than there are processors, a few milliseconds say little, and what works in several threads at \
         once suffers first.\n",
        machine()
    );
    for answer in answers {
        page.push_str(&format!("\n## {}\n\nWanted: {}. {}\n\n", answer.name, answer.goal, answer.why));
        match &answer.failed {
            Some(failed) => page.push_str(&format!("Not measured: {failed}\n")),
            None => {
                page.push_str("| | median | range | ratio | |\n|---|--:|--:|--:|---|\n");
                for row in rows(answer) {
                    page.push_str(&format!("| {} |\n", row.map(|cell| cell.trim().to_owned()).join(" | ")));
                }
            }
        }
    }
    let path = workspace.root.join(PAGE);
    let written = ductor::internals::replace(&path, page.as_bytes(), 0o644);
    written.map_err(|error| anyhow::anyhow!("{}: {}", error.what, error.cause))
}

/// What it was measured on, and how busy that was.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (processor, load) = (read("/proc/cpuinfo"), read("/proc/loadavg"));
    let name = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let loads: Vec<&str> = load.split(' ').take(3).collect();
    format!(
        "Linux with {} processors ({}), with {} programs that wanted to run, on average of the last 1, 5 and 15 minutes",
        std::thread::available_parallelism().map_or(1, usize::from),
        name.map_or("of an unknown kind", |(_, name)| name.trim()),
        loads.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_said_to_be_more_or_less_than_theirs() {
        assert_eq!(beside(3.0, 2.0), "ours 1.50 times that");
        assert_eq!(beside(1.0, 250.0), "250 times ours");
        assert_eq!(beside(2.0, 5.0), "2.5 times ours");
        assert_eq!(beside(0.0, 5.0), "ours nothing");
    }

    #[test]
    fn a_side_that_is_not_here_says_how_to_get_it() {
        let sides =
            vec![Side::new("ductor", vec![3.0, 1.0, 2.0]), Side::missing("pm2", "npm install -g pm2")];
        let answer = Answer { name: "x", unit: Unit::Seconds, goal: "y", why: "", sides, failed: None };
        let rows = rows(&answer);
        assert_eq!(rows[0][1..4], ["2.00 s", "1.00 s to 3.00 s", ""]);
        assert_eq!(rows[1][4], "not here: npm install -g pm2");
    }
}
