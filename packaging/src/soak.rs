//! `cargo xtask soak`: hosts and bots under random blows for as long as wanted. What may happen to them, and what has
//! to hold, stands in `tests/fakes/src/soak.rs`; a hundred rounds of it are one of the tests.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::Result;
use fakes::soak::{self, Report};

use crate::progress::Progress;
use crate::report;
use crate::workspace::{self, Workspace};

/// How long to soak.
#[derive(clap::Args, Debug)]
pub struct Wanted {
    /// End after so many minutes
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub minutes: u64,
    /// Or after so many rounds, whichever comes first
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub rounds: u64,
    /// The same blows as in a run that said this number
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// One JSON object instead of the table
    #[arg(long)]
    pub json: bool,
}

/// How often it says how it stands where no terminal is.
const NEWS: Duration = Duration::from_secs(30);

/// Soaks, and prints what came of it. The exit code: 1 when something did not hold.
///
/// # Errors
/// The programs do not compile, or no host starts any more.
pub fn run(wanted: &Wanted) -> Result<u8> {
    let workspace = Workspace::find()?;
    // As tests have them: there launchd may be another process than the first one.
    workspace::output(
        workspace::cargo()
            .args(["build", "--quiet", "--package=ductor", "--package=fakes"])
            .current_dir(&workspace.root),
    )?;
    let time = Duration::from_secs(60 * wanted.minutes);
    let progress = Progress::new();
    let step = progress.begin(format!("soaking for {} min", wanted.minutes));
    let (begun, said) = (Instant::now(), Cell::new(Instant::now()));
    let soaked = soak::run(&soak::Wanted {
        programs: &workspace.target.join("debug"),
        rounds: wanted.rounds,
        time,
        seed: wanted.seed.unwrap_or_else(any),
        slow: true,
        told: &|report| {
            let news = format!(
                "{} rounds, {} kills, {} findings",
                report.rounds,
                report.kills,
                report.findings.len()
            );
            let left = time.saturating_sub(begun.elapsed()).as_secs();
            let news = format!("{news}; {}:{:02} left", left / 60, left % 60);
            if !step.shows(&news) && said.get().elapsed() > NEWS {
                progress.say(&news);
                said.set(Instant::now());
            }
        },
    })?;
    drop(step);
    if wanted.json {
        report::out(&serde_json::to_string_pretty(&soaked)?);
    } else {
        print(&soaked);
    }
    Ok(u8::from(!soaked.findings.is_empty()))
}

/// A number that nobody chose.
fn any() -> u64 {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    clock.as_secs() % 1_000_000
}

fn print(soaked: &Report) {
    let rows = [
        ["seed".into(), soaked.seed.to_string()],
        ["rounds".into(), soaked.rounds.to_string()],
        ["kills".into(), soaked.kills.to_string()],
        ["restarts".into(), soaked.restarts.to_string()],
        ["longest gap (s)".into(), format!("{:.2}", soaked.longest_gap)],
        ["double instances".into(), soaked.double_instances.to_string()],
        ["unreadable states".into(), soaked.unreadable_states.to_string()],
        ["lines".into(), soaked.lines.to_string()],
        ["lost lines".into(), soaked.lost_lines.to_string()],
        ["cut with a killed host".into(), soaked.cut_lines.to_string()],
    ];
    report::table(&rows, [false, true]);
    for finding in &soaked.findings {
        report::out(finding);
    }
}
