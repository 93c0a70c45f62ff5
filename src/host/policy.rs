//! The *policy*: what the host does when the bot ended. A pure function of who supervises the host, how the
//! bot ended, and what happened before; the table "who restarts what" in code, and nothing else.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::supervision::Supervision;
use crate::error::{CONFIGURATION, Code, RESTART};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Why a host ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::enum_variant_names, reason = "host.json has these names")]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// The bot ended with 0.
    BotEnded,
    /// No bot was found, it is not configured, or it ended with 78.
    Configuration,
    /// The bot crashed, and the manager starts the next host.
    Crashed,
    /// The bot crashed too often.
    GaveUp,
    /// Another bot took the place of this host's.
    OtherBot,
}

/// What the host does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Start a bot at once. The last one asked for it; this is no failure.
    Respawn,
    /// Start a bot after this time. The last one failed.
    RespawnAfter(Duration),
    /// End with this exit code.
    End(u8, Ended),
}

/// What the policy remembers from one end of the bot to the next.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Failures since the bot was last up for [`UP`].
    in_a_row: usize,
    /// Restarts that the bot asked for before it had lived for [`QUICK`], in a row.
    quick: u32,
    /// Failures of the last [`WINDOW`], those of earlier hosts included.
    failures: Vec<Timestamp>,
}

/// The waits of a host that restarts crashes itself.
const LADDER: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(30),
];
/// Up for so long, the ladder starts over.
const UP: Duration = Duration::from_secs(60);
/// A bot that asks for a restart sooner than this, [`QUICK_LIMIT`] times in a row, is broken: it would spin.
const QUICK: Duration = Duration::from_secs(1);
const QUICK_LIMIT: u32 = 10;
/// launchd restarts for ever, so the host gives up itself, after this many failures in this time.
const FAILURES: usize = 10;
const WINDOW: SignedDuration = SignedDuration::from_secs(300);

impl History {
    /// The history of a host whose predecessors saw these failures.
    pub fn after(failures: Vec<Timestamp>) -> Self {
        Self { failures, ..Self::default() }
    }

    /// The failures that the next host should know of.
    pub fn failures(&self) -> &[Timestamp] {
        &self.failures
    }

    /// What to do now that the bot ended like this, after it was up for this long.
    pub fn decide(&mut self, supervision: Supervision, exit: Exit, up: Duration, now: Timestamp) -> Decision {
        if up >= UP {
            self.in_a_row = 0;
        }
        match exit {
            Exit::Code(0) => Decision::End(0, Ended::BotEnded),
            Exit::Code(RESTART) if self.may_restart(up) => Decision::Respawn,
            // launchd starts everything again that does not end with 0.
            Exit::Code(CONFIGURATION) if supervision == Supervision::Launchd => {
                Decision::End(0, Ended::Configuration)
            }
            Exit::Code(CONFIGURATION) => Decision::End(Code::Configuration as u8, Ended::Configuration),
            crash => self.failed(supervision, crash, now),
        }
    }

    fn may_restart(&mut self, up: Duration) -> bool {
        self.quick = if up < QUICK { self.quick + 1 } else { 0 };
        self.quick <= QUICK_LIMIT
    }

    fn failed(&mut self, supervision: Supervision, crash: Exit, now: Timestamp) -> Decision {
        match supervision {
            Supervision::Systemd => Decision::End(passed_on(crash), Ended::Crashed),
            Supervision::Launchd => {
                self.failures.retain(|&at| now.duration_since(at).abs() < WINDOW);
                self.failures.push(now);
                if self.failures.len() < FAILURES {
                    return Decision::End(passed_on(crash), Ended::Crashed);
                }
                self.failures.clear(); // who starts it again by hand gets as many tries
                Decision::End(0, Ended::GaveUp)
            }
            Supervision::TaskScheduler | Supervision::Foreground => {
                let wait = LADDER[self.in_a_row.min(LADDER.len() - 1)];
                self.in_a_row += 1;
                Decision::RespawnAfter(wait)
            }
        }
    }
}

/// The exit code that tells a manager how the bot ended, as shells do: 128 + N for signal N.
fn passed_on(crash: Exit) -> u8 {
    match crash {
        // A bot that spins; the code itself would mean something else to the manager.
        Exit::Code(RESTART) => Code::Failed as u8,
        Exit::Code(code) => u8::try_from(code).unwrap_or(Code::Failed as u8),
        Exit::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::Supervision::{Foreground, Launchd, Systemd, TaskScheduler};
    use super::*;

    const ALL: [Supervision; 4] = [Systemd, Launchd, TaskScheduler, Foreground];
    const LONG: Duration = Duration::from_secs(59);

    fn first(supervision: Supervision, exit: Exit) -> Decision {
        History::default().decide(supervision, exit, LONG, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn zero_ends_the_host_everywhere() {
        for supervision in ALL {
            assert_eq!(first(supervision, Exit::Code(0)), Decision::End(0, Ended::BotEnded));
        }
    }

    #[test]
    fn a_bot_that_asks_for_it_is_started_at_once_everywhere() {
        for supervision in ALL {
            assert_eq!(first(supervision, Exit::Code(42)), Decision::Respawn);
        }
    }

    #[test]
    fn a_configuration_error_is_never_tried_again() {
        assert_eq!(first(Launchd, Exit::Code(78)), Decision::End(0, Ended::Configuration));
        for supervision in [Systemd, TaskScheduler, Foreground] {
            assert_eq!(first(supervision, Exit::Code(78)), Decision::End(78, Ended::Configuration));
        }
    }

    #[test]
    fn a_crash_under_a_manager_that_restarts_is_passed_on() {
        for supervision in [Systemd, Launchd] {
            assert_eq!(first(supervision, Exit::Code(3)), Decision::End(3, Ended::Crashed));
            assert_eq!(first(supervision, Exit::Signal(9)), Decision::End(137, Ended::Crashed));
        }
    }

    #[test]
    fn launchd_would_never_give_up_so_the_host_does() {
        let mut history = History::default();
        let mut crash =
            |second| history.decide(Launchd, Exit::Code(1), LONG, Timestamp::from_second(second).unwrap());
        for second in 0..9 {
            assert_eq!(crash(second), Decision::End(1, Ended::Crashed));
        }
        assert_eq!(crash(299), Decision::End(0, Ended::GaveUp));
        assert_eq!(crash(300), Decision::End(1, Ended::Crashed), "started again by hand");
    }

    #[test]
    fn failures_long_ago_do_not_count_for_launchd() {
        let mut history = History::default();
        for second in (0..2000).step_by(40) {
            let now = Timestamp::from_second(second).unwrap();
            let decision = history.decide(Launchd, Exit::Code(1), LONG, now);
            assert_eq!(decision, Decision::End(1, Ended::Crashed), "at {second} s");
        }
    }

    #[test]
    fn the_host_itself_waits_longer_from_crash_to_crash() {
        for supervision in [Foreground, TaskScheduler] {
            let mut history = History::default();
            let mut wait = |up| match history.decide(supervision, Exit::Signal(11), up, Timestamp::UNIX_EPOCH)
            {
                Decision::RespawnAfter(wait) => wait.as_secs(),
                other => panic!("{other:?}"),
            };
            assert_eq!([(); 7].map(|()| wait(LONG)), [2, 4, 8, 16, 30, 30, 30]);
            assert_eq!(wait(UP), 2, "it was up long enough");
        }
    }

    #[test]
    fn a_bot_that_only_restarts_does_not_spin() {
        let mut history = History::default();
        let mut restart =
            |supervision, up| history.decide(supervision, Exit::Code(42), up, Timestamp::UNIX_EPOCH);
        for _ in 0..10 {
            assert_eq!(restart(Foreground, Duration::ZERO), Decision::Respawn);
        }
        assert_eq!(restart(Foreground, Duration::ZERO), Decision::RespawnAfter(LADDER[0]));
        assert_eq!(restart(Systemd, Duration::ZERO), Decision::End(1, Ended::Crashed), "never 42");
        assert_eq!(restart(Foreground, QUICK), Decision::Respawn, "it lived");
    }
}
