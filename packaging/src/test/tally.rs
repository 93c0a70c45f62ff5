//! A *tally*: how many tests passed, and the names of those that failed or were skipped.
//!
//! It is read off the lines of a test program, those of Rust's own harness and of `libtest-mimic` alike. What failed gets
//! a [second try](super::second_try).

#![allow(clippy::print_stdout, reason = "what test programs say is shown")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::iter::Sum;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// What came of some tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Each that passed.
    pub passed: Vec<String>,
    /// Each that failed.
    pub failures: Vec<String>,
    /// Each that was skipped, with the reason.
    pub skips: Vec<String>,
    /// Each that passed at the second try only.
    pub unsteady: Vec<String>,
    /// What those said that failed, if only at the first try.
    pub said: BTreeMap<String, String>,
}

impl Tally {
    /// One check that passed.
    pub fn pass(name: &str) -> Self {
        Self { passed: vec![name.into()], ..Self::default() }
    }

    /// One check that failed.
    pub fn fail(name: &str) -> Self {
        Self { failures: vec![name.into()], ..Self::default() }
    }

    /// One check that was not made.
    pub fn skip(name: &str, reason: &str) -> Self {
        Self { skips: vec![format!("{name} ({reason})")], ..Self::default() }
    }

    /// Counts what one line of a test program says.
    fn read(&mut self, line: &str) {
        let Some((name, outcome)) = line.strip_prefix("test ").and_then(|test| test.split_once(" ... "))
        else {
            return;
        };
        let name = name.trim();
        // What the test itself printed may stand before the outcome.
        if outcome.ends_with("FAILED") {
            self.failures.push(name.into());
        } else if outcome.ends_with("ok") {
            self.passed.push(name.into());
        } else if let Some(reason) = outcome.strip_prefix("ignored") {
            let in_parentheses = || reason.strip_prefix(" (")?.strip_suffix(')');
            let reason = reason.strip_prefix(", ").or_else(in_parentheses).unwrap_or("ignored");
            self.skips.push(format!("{name} ({reason})"));
        }
    }

    /// Keeps a line of what a test said that failed: all of them are told at the end, each below a line with its name.
    fn hear(&mut self, line: &str, speaker: &mut Option<String>) {
        let named = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" ----"));
        if let Some(name) = named {
            *speaker = Some(name.trim_end_matches(" stdout").into());
        } else if line == "failures:" || line.starts_with("test result: ") {
            *speaker = None;
        } else if let Some(name) = speaker {
            let said = self.said.entry(name.clone()).or_default();
            said.push_str(line);
            said.push('\n');
        }
    }

    /// Counts what tests say that they left out, a line each: `NAME (REASON)`.
    fn leave_out(&mut self, lines: &str) {
        for line in lines.lines().filter(|line| !line.is_empty()) {
            let name = line.split(" (").next().unwrap_or(line);
            self.passed.retain(|passed| passed != name);
            if !self.skips.iter().any(|skip| skip == line) {
                self.skips.push(line.into());
            }
        }
    }
}

/// Runs a check and counts it by its exit code.
///
/// # Errors
/// It can't be started.
pub fn check(name: &str, command: &mut Command) -> Result<Tally> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("start {command:?}"))?;
    Ok(if status.success() { Tally::pass(name) } else { Tally::fail(name) })
}

/// Runs test programs (through cargo), shows what they say while they run, and counts their tests. One that left
/// something out is skipped, though its harness says that it passed.
///
/// # Errors
/// They can't be started.
pub fn count(name: &str, command: &mut Command) -> Result<Tally> {
    let left_out = tempfile::NamedTempFile::new()?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).env(fakes::LEFT_OUT, left_out.path());
    let mut child = command.spawn().with_context(|| format!("start {command:?}"))?;
    let (mut tally, mut speaker, mut begun, mut ended) = (Tally::default(), None, 0, 0);
    for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
        let line = line?;
        println!("{line}");
        tally.read(&line);
        tally.hear(&line, &mut speaker);
        begun += usize::from(line.starts_with("running "));
        ended += usize::from(line.starts_with("test result: "));
    }
    if !child.wait()?.success() && (tally.failures.is_empty() || begun > ended) {
        tally.failures.push(format!("{name} (did not build, or ended early)"));
    }
    tally.leave_out(&std::fs::read_to_string(left_out.path())?);
    Ok(tally)
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |mut sum, tally| {
            sum.passed.extend(tally.passed);
            sum.failures.extend(tally.failures);
            sum.skips.extend(tally.skips);
            sum.unsteady.extend(tally.unsteady);
            sum.said.extend(tally.said);
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_harnesses_are_counted() {
        let said = "\
running 5 tests
test effects::tests::a ... ok
test effects::tests::b ... FAILED
test slow ... ignored, needs a day
test mute ... ignored
test package::installs          ... ignored (no overlay: nothing there (os error 2))
test src/lib.rs - home (line 3) - compile ... ok
---- effects::tests::b stdout ----
test result: FAILED. 2 passed; 1 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let mut tally = Tally::default();
        said.lines().for_each(|line| tally.read(line));
        assert_eq!(tally.passed, ["effects::tests::a", "src/lib.rs - home (line 3) - compile"]);
        assert_eq!(tally.failures, ["effects::tests::b"]);
        let skips = [
            "slow (needs a day)",
            "mute (ignored)",
            "package::installs (no overlay: nothing there (os error 2))",
        ];
        assert_eq!(tally.skips, skips);
    }

    #[test]
    fn what_failing_tests_said_is_kept() {
        let said = "printf 'running 2 tests\\ntest a ... FAILED\\ntest b::c ... FAILED\\n\\nfailures:\\n\\n\
            ---- a stdout ----\\nleft: 1\\nright: 2\\n\\n---- b::c ----\\nno bot\\n\\n\\nfailures:\\n    a\\n    b::c\\n\\n\
            test result: FAILED\\n'; exit 101";
        let tally = count("tests", Command::new("sh").args(["-c", said])).unwrap();
        let said = [("a".into(), "left: 1\nright: 2\n\n".into()), ("b::c".into(), "no bot\n\n\n".into())];
        assert_eq!(tally.said, BTreeMap::from(said));
    }

    #[test]
    fn a_test_that_left_something_out_is_skipped_by_name_and_reason() {
        let said = "echo running 2 tests; echo 'test a ... ok'; echo 'test b::c ... ok'; echo test result: ok; \
            echo 'b::c (no root)' >>\"$DUCTOR_TEST_LEFT_OUT\"";
        let tally = count("tests", Command::new("sh").args(["-c", said])).unwrap();
        assert_eq!((tally.passed, tally.skips), (vec!["a".into()], vec!["b::c (no root)".to_owned()]));
    }

    #[test]
    fn test_programs_that_do_not_build_or_end_early_are_a_failure() {
        let failures = |says: &str| {
            let said = format!("printf '{says}'; exit 101");
            count("tests", Command::new("sh").args(["-c", &said])).unwrap().failures
        };
        let early = "tests (did not build, or ended early)";
        assert_eq!(failures(""), [early]);
        assert_eq!(failures("running 2 tests\ntest a ... ok\n"), [early]);
        assert_eq!(failures("running 2 tests\ntest a ... FAILED\n"), ["a", early]);
        assert_eq!(failures("running 1 test\ntest a ... FAILED\ntest result: FAILED. 0 passed\n"), ["a"]);
    }
}
