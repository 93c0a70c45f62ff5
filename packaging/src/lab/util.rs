//! Small tools of the lab: run a program of this computer, wait for an event.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::workspace::output;

/// Runs a program of this computer and gives what it said.
///
/// # Errors
/// It can't be started, or ends with another code than 0; the error holds its line and what it said.
pub fn host(program: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String> {
    let said = output(Command::new(program).args(args).stdin(Stdio::null()))?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// The last `count` lines of a text.
pub fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Asks again and again until `event` gives a value, for at most `deadline`.
///
/// # Errors
/// The event did not come in time (the error holds the last reason that `event` gave), named by `what`.
pub fn wait_for<T>(
    what: &str,
    deadline: Duration,
    mut event: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let answer = event();
        if let Ok(Some(value)) = answer {
            return Ok(value);
        }
        if start.elapsed() >= deadline {
            let late = format!("{what}: not within {} s", deadline.as_secs_f32());
            return match answer {
                Err(error) => Err(error.context(late)),
                _ => bail!(late),
            };
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_the_value_or_says_what_did_not_come() {
        let mut asked = 0;
        let third = wait_for("the third", Duration::from_secs(5), || {
            asked += 1;
            Ok((asked == 3).then_some(asked))
        });
        assert_eq!(third.unwrap(), 3);
        let never = wait_for("godot", Duration::ZERO, || Ok(None::<()>)).unwrap_err();
        assert_eq!(never.to_string(), "godot: not within 0 s");
    }
}
