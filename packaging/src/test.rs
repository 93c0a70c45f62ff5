//! `cargo xtask test`: every check of this repository, in two tiers, with one line at the end that sums them.
//!
//! *fast* ([`fast`]) needs no root and takes under ten minutes: format, lints, every test but the lab's, the
//! shell scripts. *lab* ([`in_lab`]) installs the package that `dist` makes on booted machines. Whatever can't
//! run here is *skipped*: named, with its reason, and counted; with `CI=true` a skip is a failure. A step that
//! fails does not stop the next one. How lines of test programs are counted is in [`tally`], who is run once more in
//! [`second_try`]; [`acceptance`] says on pages what came of them, case by case and fault by fault.

#![allow(clippy::print_stdout, reason = "this is what a person reads")]

pub mod acceptance;
pub mod fast;
pub mod in_lab;
pub mod second_try;
pub mod tally;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::workspace;
use tally::Tally;

/// What to test.
#[derive(clap::Args, Debug)]
pub struct Wanted {
    /// Which tests
    #[arg(value_enum, default_value = "all")]
    pub tier: Tier,
    /// Words for the test programs, such as a part of a test's name; formats, lints and scripts are left out
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// How much to test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Tier {
    /// What needs neither root nor machines
    Fast,
    /// What needs machines
    Lab,
    /// Both
    All,
}

/// The steps that were taken, with how each ended and how long it took.
#[derive(Default)]
pub struct Steps {
    taken: Vec<(String, Duration, Tally)>,
}

impl Steps {
    /// Takes one step. An error in it counts as one failure, and is shown.
    pub fn take(&mut self, name: &str, step: impl FnOnce() -> Result<Tally>) {
        println!("\n== {name}");
        let start = Instant::now();
        let tally = step().unwrap_or_else(|error| {
            println!("{name}: {error:#}");
            Tally::fail(name)
        });
        self.taken.push((name.into(), start.elapsed(), tally));
    }

    fn sum(&self) -> Tally {
        self.taken.iter().map(|(_, _, tally)| tally.clone()).sum()
    }
}

/// So many lines of what a test said that failed are told again at the end.
const SAID: usize = 40;

/// Takes all steps of the tier and gives the exit code: 0 when nothing failed.
pub fn run(wanted: &Wanted) -> u8 {
    let mut steps = Steps::default();
    if wanted.tier != Tier::Lab {
        fast::take(&mut steps, &wanted.words);
    }
    if wanted.tier != Tier::Fast {
        in_lab::take(&mut steps, &wanted.words);
    }
    if wanted.words.is_empty() {
        let so_far = steps.sum();
        steps.take("pages of what was tested", || {
            acceptance::update(root(), &so_far).map(|()| Tally::pass("pages of what was tested"))
        });
    }
    let sum = steps.sum();
    let strict = std::env::var("CI").is_ok_and(|ci| ci == "true");
    print!("{}", report(&steps, &sum, strict));
    u8::from(!sum.failures.is_empty() || (strict && !sum.skips.is_empty()))
}

/// The top folder of this checkout.
fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// The cargo that runs us, for this checkout.
fn cargo(verb: &str) -> Command {
    let mut cargo = workspace::cargo();
    cargo.arg(verb).current_dir(root());
    cargo
}

fn report(steps: &Steps, sum: &Tally, strict: bool) -> String {
    let mut text = String::from("\nwhere the time went\n");
    for (name, took, _) in &steps.taken {
        text.push_str(&format!("{:>8.1} s  {name}\n", took.as_secs_f32()));
    }
    let failed = [("passed at the second try only", &sum.unsteady), ("failed", &sum.failures)];
    for (title, names) in failed.into_iter().chain([("skipped", &sum.skips)]) {
        if !names.is_empty() {
            text.push_str(&format!("\n{title}\n"));
        }
        for name in names {
            text.push_str(&format!("  {name}\n"));
            let said = sum.said.get(name).map_or("", |said| said.trim());
            said.lines().take(SAID).for_each(|line| text.push_str(&format!("    {line}\n")));
        }
    }
    if strict && !sum.skips.is_empty() {
        text.push_str("\nwith CI=true a skip is a failure\n");
    }
    text.push_str(&format!(
        "\n{} passed, {} failed, {} skipped",
        sum.passed.len(),
        sum.failures.len(),
        sum.skips.len()
    ));
    if !sum.unsteady.is_empty() {
        text.push_str(&format!("; {} at the second try only", sum.unsteady.len()));
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_what_failed_and_what_was_skipped_and_ends_with_the_sum() {
        let mut steps = Steps::default();
        steps.take("lints", || Ok(Tally::pass("lints")));
        steps.take("format", || anyhow::bail!("no cargo"));
        steps.take("scripts", || Ok(Tally::skip("scripts", "no shellcheck")));
        let text = report(&steps, &steps.sum(), true);
        assert!(text.contains(" s  lints\n"), "{text}");
        assert!(text.contains("\nfailed\n  format\n"), "{text}");
        assert!(text.contains("\nskipped\n  scripts (no shellcheck)\n"), "{text}");
        assert!(
            text.ends_with("\nwith CI=true a skip is a failure\n\n1 passed, 1 failed, 1 skipped\n"),
            "{text}"
        );
    }

    #[test]
    fn the_report_ends_with_what_failing_tests_said() {
        let mut steps = Steps::default();
        let said = [("a".into(), "no bot\n\n".into()), ("b".into(), "left\nright\n".into())].into();
        let passed = vec!["b".into()];
        let tally =
            Tally { failures: vec!["a".into()], unsteady: passed.clone(), passed, said, ..Tally::default() };
        steps.take("tests", || Ok(tally));
        let text = report(&steps, &steps.sum(), false);
        let end = "\npassed at the second try only\n  b\n    left\n    right\n\nfailed\n  a\n    no bot\n\n\
            1 passed, 1 failed, 0 skipped; 1 at the second try only\n";
        assert!(text.ends_with(end), "{text}");
    }
}
