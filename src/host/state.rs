//! The *state* of a host: what it says about itself in `host.json`, for `status` and for people.
//!
//! It informs and never decides: the bot's sandbox may write it. So it is read with a bound, garbage reads
//! as nothing, and a process named in it counts only as far as the lock says so
//! ([`find`](super::find)). A home that can't be written costs the information, never the bot.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

use super::policy::{Ended, Exit};
use super::supervision::Supervision;
use crate::effects::file;
use crate::home::Home;
use crate::process::Process;

/// A host says something when it starts its bot. One that said nothing for so long can't.
const SILENCE: Duration = Duration::from_secs(5);

/// No state that a host writes comes near this.
const LIMIT: u64 = 64 * 1024;

/// What a host says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// The version of the program.
    pub version: String,
    /// The host.
    pub process: Process,
    /// Start of the host, RFC 3339.
    pub since: String,
    /// Who looks after the host.
    pub supervision: Supervision,
    /// Its bot, while there is one.
    pub bot: Option<BotState>,
    /// Starts of a bot because the one before had failed.
    pub restarts: u32,
    /// How the bot last ended, under this host or an earlier one.
    pub last_exit: Option<LastExit>,
    /// Why the host ended, once it did.
    pub ended: Option<Ended>,
    /// When the bot failed lately, RFC 3339; kept where the host itself counts over its own restarts (launchd).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
}

/// A bot that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotState {
    /// The bot.
    pub process: Process,
    /// Its start, RFC 3339.
    pub since: String,
    /// Its command line.
    pub command: Vec<String>,
}

/// How a bot ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExit {
    /// Its exit code, if it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// When, RFC 3339.
    pub at: String,
}

impl HostState {
    /// The state of a host that begins: this process. What outlives hosts is taken over from the last one.
    pub fn begin(home: &Home, supervision: Supervision) -> Self {
        let last = Self::read(home);
        let (last_exit, failures) =
            last.map(|last| (last.seen_exit().cloned(), last.failures)).unwrap_or_default();
        Self { last_exit, failures, ..Self::new(Process::current(), supervision) }
    }

    fn new(process: Process, supervision: Supervision) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            process,
            since: rfc3339(process.started_at()),
            supervision,
            bot: None,
            restarts: 0,
            last_exit: None,
            ended: None,
            failures: Vec::new(),
        }
    }

    /// What the last host of this home said, whether it runs or not.
    pub fn read(home: &Home) -> Option<Self> {
        serde_json::from_slice(&file::read_bounded(&home.state(), LIMIT).ok()?).ok()
    }

    /// What is known of a host that holds the lock: what it says, or what can be seen of one that can't say it,
    /// as its home is full or may not be written.
    pub fn of(home: &Home, host: Process) -> Option<Self> {
        Self::read(home).filter(|said| said.process == host).or_else(|| Self::seen(host, SILENCE))
    }

    fn seen(host: Process, silence: Duration) -> Option<Self> {
        if host.age() < silence {
            return None;
        }
        let mut children = host.descendants(&HashSet::new());
        children.retain(|child| child.parent() == Some(host));
        // Others are orphans that the host adopted since it started the bot.
        let bot = children.into_iter().min_by_key(|child| child.start);
        let bot = bot
            .map(|bot| BotState { since: rfc3339(bot.started_at()), ..BotState::new(bot, &bot.command()) });
        Some(Self { bot, ..Self::new(host, Supervision::of(&host)) })
    }

    /// Says it. The disk may take its time: nobody waits for it, as nothing is decided by this file.
    ///
    /// # Errors
    /// The home is gone, can't be written, or is full; what stood there still does.
    pub fn write(&self, home: &Home) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let (path, temporary) = (home.state(), home.root().join(".host.json.tmp"));
        let _left_by_a_host_that_was_killed = std::fs::remove_file(&temporary);
        let written = file::create_private(&temporary)
            .and_then(|mut file| file.write_all(&text))
            .and_then(|()| file::rename(&temporary, &path));
        written.inspect_err(|_| drop(std::fs::remove_file(&temporary)))
    }

    /// How a bot last ended, where it was seen: a host that was killed did not see the end of its own.
    pub fn seen_exit(&self) -> Option<&LastExit> {
        self.last_exit.as_ref().filter(|_| self.bot.is_none() || self.process.is_alive())
    }

    /// How its own bot last ended; what it took over from an earlier host is none of that.
    pub fn own_exit(&self) -> Option<&LastExit> {
        let since: Timestamp = self.since.parse().ok()?;
        self.last_exit.as_ref().filter(|exit| exit.at.parse().is_ok_and(|at: Timestamp| at >= since))
    }

    /// A manager started this host.
    pub fn is_supervised(&self) -> bool {
        self.supervision.is_manager()
    }

    /// This host ended because another bot took the place of its own.
    pub fn was_replaced(&self) -> bool {
        self.ended == Some(Ended::OtherBot)
    }

    /// This host had a bot, or one before it had, and did not end for want of one.
    pub fn had_bot(&self) -> bool {
        (self.bot.is_some() || self.last_exit.is_some()) && !self.ended_by_configuration()
    }

    /// This host ended because there is no bot, or it is not configured.
    pub fn ended_by_configuration(&self) -> bool {
        self.ended == Some(Ended::Configuration)
    }
}

impl BotState {
    /// A bot that was just started with this command line.
    pub fn new(process: Process, command: &[OsString]) -> Self {
        let command = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Self { process, since: rfc3339(Timestamp::now()), command }
    }
}

impl LastExit {
    /// A bot ended like this, now.
    pub fn now(exit: Exit) -> Self {
        let (code, signal) = match exit {
            Exit::Code(code) => (Some(code), None),
            Exit::Signal(signal) => (None, Some(signal)),
        };
        Self { code, signal, at: rfc3339(Timestamp::now()) }
    }
}

impl fmt::Display for LastExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => Exit::Code(code).fmt(f),
            (None, Some(signal)) => Exit::Signal(signal).fmt(f),
            (None, None) => f.write_str("an unknown code"),
        }
    }
}

/// A time for people and scripts, to the millisecond.
pub fn rfc3339(time: Timestamp) -> String {
    time.round(Unit::Millisecond).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under Windows nobody may put another file in the place of one that is open.
    #[test]
    fn a_state_that_others_look_at_again_and_again_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::of(dir.path().into(), None).unwrap();
        std::fs::create_dir_all(home.root()).unwrap();
        let (done, is_done) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let home = &home;
            scope.spawn(move || {
                while is_done.recv_timeout(Duration::from_millis(1)).is_err() {
                    let _read = HostState::read(home);
                }
            });
            let state = HostState::seen(Process::current(), Duration::ZERO).unwrap();
            let written: Vec<_> = (0..200).map(|_| state.write(home)).collect();
            done.send(()).unwrap();
            let failed: Vec<_> = written.into_iter().filter_map(Result::err).collect();
            assert!(failed.is_empty(), "{} times: {:?}", failed.len(), failed.first());
        });
    }

    #[test]
    #[cfg(unix)]
    fn a_host_that_can_not_say_anything_is_seen_with_its_bot() {
        let (mut host, _) =
            crate::process::tests::start(std::process::Command::new("sh").args(["-c", "cat; exit"]));
        let process = Process::of(host.id()).unwrap();
        assert_eq!(HostState::seen(process, Duration::from_secs(3600)), None, "it may still say it");
        let seen = HostState::seen(process, Duration::ZERO).unwrap();
        assert_eq!((seen.process, seen.supervision), (process, Supervision::Foreground));
        assert_eq!(seen.bot.unwrap().command, ["cat"]);
        drop(host.stdin.take());
        host.wait().unwrap();
    }

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::of(dir.path().into(), Some(dir.path().into())).unwrap();
        (dir, home)
    }

    #[test]
    fn what_a_host_says_is_read_again_and_its_last_exit_outlives_it() {
        let (_dir, home) = home();
        let mut state = HostState::begin(&home, Supervision::Launchd);
        assert_eq!((&state.last_exit, state.process), (&None, Process::current()));
        state.bot = Some(BotState::new(Process::current(), &["python3".into(), "-m".into(), "b".into()]));
        state.last_exit = Some(LastExit::now(Exit::Signal(9)));
        state.failures = vec!["2026-11-22T14:03:00Z".into()];
        state.ended = Some(Ended::OtherBot);
        state.write(&home).unwrap();
        assert_eq!(HostState::read(&home).as_ref(), Some(&state));
        let next = HostState::begin(&home, Supervision::Systemd);
        assert_eq!((next.last_exit, next.failures), (state.last_exit, state.failures));
        assert_eq!((next.ended, next.bot, next.restarts), (None, None, 0));
    }

    #[test]
    fn what_was_taken_over_from_an_earlier_host_is_no_exit_of_its_own() {
        let (_dir, home) = home();
        let mut state = HostState::begin(&home, Supervision::Systemd);
        let since = state.since.parse::<Timestamp>().unwrap();
        let mut is_own = |at: &str| {
            state.last_exit = Some(LastExit { code: Some(78), signal: None, at: at.into() });
            state.own_exit().is_some()
        };
        let before = rfc3339(since - Duration::from_millis(1));
        let told = [rfc3339(since), rfc3339(Timestamp::now()), before, "garbage".into()];
        assert_eq!(told.map(|at| is_own(&at)), [true, true, false, false]);
    }

    #[test]
    fn garbage_reads_as_nothing() {
        let (_dir, home) = home();
        for garbage in ["", "{}", "[1]", "{\"version\":3}", &"[".repeat(60_000), &" ".repeat(70_000)] {
            std::fs::write(home.state(), garbage).unwrap();
            assert_eq!(HostState::read(&home), None);
        }
        HostState::begin(&home, Supervision::Foreground).write(&home).unwrap();
        let ours = std::fs::read_to_string(home.state()).unwrap();
        std::fs::write(home.state(), ours.replace("\"foreground\"", "\"who knows\"")).unwrap();
        assert_eq!(HostState::read(&home), None);
    }

    #[test]
    fn a_home_that_can_not_be_written_keeps_what_it_has() {
        let (dir, home) = home();
        std::fs::create_dir_all(home.state().join("in the way")).unwrap();
        HostState::begin(&home, Supervision::Foreground).write(&home).unwrap_err();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
