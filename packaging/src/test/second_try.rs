//! A *second try*: the few tests that failed, once more and each by itself.
//!
//! Hundreds of tests share a machine that others share too, and one that waits for the wrong sign fails there once in a
//! hundred runs. Such a test is *unsteady*: a bug, in the test or in what it tests, so it is named at the end with
//! what it said. What is wrong for certain fails again, and more than [`AT_MOST`] at once are no accident.

#![allow(clippy::print_stdout, reason = "this is what a person reads")]

use std::process::Command;

use anyhow::Result;

use super::tally::{Tally, count};

/// So many failures get a second try.
const AT_MOST: usize = 3;

/// [Counts](count) the tests of a program that is run with these words, and again for each that failed.
///
/// # Errors
/// It can't be started.
pub fn count_twice(name: &str, words: &[String], program: impl Fn(&[String]) -> Command) -> Result<Tally> {
    let mut tally = count(name, &mut program(words))?;
    if tally.failures.len() > AT_MOST {
        return Ok(tally);
    }
    for failed in std::mem::take(&mut tally.failures) {
        println!("\n== {failed}, once more");
        let again = count(name, &mut program(&["--exact".into(), failed.clone()]))?;
        if again.failures.is_empty() && again.passed.contains(&failed) {
            tally.passed.push(failed.clone());
            tally.unsteady.push(failed);
        } else {
            tally.failures.push(failed);
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test program where of `failing` tests each fails, at every try or only where it is not alone.
    fn tallied(failing: usize, alone_too: bool) -> Tally {
        let all: String = (0..failing).map(|i| format!("test t{i} ... FAILED\n")).collect();
        count_twice("tests", &[], |words| {
            let outcome = if alone_too { "FAILED" } else { "ok" };
            let lines = words.get(1).map_or(all.clone(), |name| format!("test {name} ... {outcome}\n"));
            let says = format!("running 1 test\n{lines}test result: told\n");
            let fails = i32::from(alone_too || words.is_empty());
            let mut program = Command::new("sh");
            program.args(["-c", "printf '%s' \"$1\"; exit \"$2\"", "sh", &says, &fails.to_string()]);
            program
        })
        .unwrap()
    }

    #[test]
    fn what_passes_alone_is_unsteady_and_named() {
        let tally = tallied(2, false);
        assert_eq!(tally.failures, [""; 0]);
        assert_eq!((&tally.passed, &tally.unsteady), (&vec!["t0".into(), "t1".into()], &tally.passed));
    }

    #[test]
    fn what_fails_again_has_failed() {
        let tally = tallied(1, true);
        assert_eq!((tally.failures, tally.passed, tally.unsteady), (vec!["t0".into()], vec![], vec![]));
    }

    #[test]
    fn many_failures_get_no_second_try() {
        let tally = tallied(4, false);
        assert_eq!((tally.failures.len(), tally.unsteady.len()), (4, 0));
    }

    #[test]
    fn what_does_not_build_has_failed() {
        let tally = count_twice("tests", &[], |_| Command::new("false")).unwrap();
        assert_eq!(tally.failures, ["tests (did not build, or ended early)"]);
    }
}
