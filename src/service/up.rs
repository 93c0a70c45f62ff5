//! *Up*: a new host holds the lock, the manager says that it runs, and its bot has lived for a second. Nothing
//! less counts as started: managers answer 0 for programs that die at once.

use std::io;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::error::{CONFIGURATION, Code, Error, Result};
use crate::home::Home;
use crate::host::{self, Host, HostState};
use crate::process::Process;

use super::logs::Lines;
use super::manager::{LAST_WORDS, Logs, Manager, State};
use super::other_home;

/// How long the bot has to live.
const LIFE: SignedDuration = SignedDuration::from_secs(1);
/// How long a host may take to appear: managers wait between two tries.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Without a host the manager is asked, but not at every look.
const ASK_EVERY: Duration = Duration::from_millis(300);

/// What there was before somebody started the service: none of it counts.
pub struct Before {
    /// The host that ran.
    pub host: Option<Host>,
    /// What the last host said of itself.
    said: Option<HostState>,
    /// When it was looked.
    at: Timestamp,
    /// The files where the bot's lines are, read to their end; none if they can't be.
    pub files: Option<Lines>,
}

impl Before {
    /// Looks now.
    pub fn look(home: &Home, manager: &dyn Manager) -> Self {
        let files = match manager.logs() {
            Logs::Journal(_) => vec![home.agent_log()],
            Logs::Files(files) => files.to_vec(),
        };
        let files = Lines::last(&files, 0, &mut io::sink()).ok();
        Self { host: host::find(home), said: HostState::read(home), at: Timestamp::now(), files }
    }

    /// Since when lines are news: the start of the new host, if there was one, as an old one may have said a last word
    /// after it was looked. On Linux that is known to a hundredth of a second.
    pub fn news_since(&self, home: &Home) -> Timestamp {
        let new = HostState::read(home).filter(|said| self.is_news(said));
        new.map_or(self.at, |new| self.at.max(new.process.started_at()))
    }

    fn is(&self, process: &Process) -> bool {
        self.host.as_ref().is_some_and(|host| host.process == *process)
    }

    /// What a host says that was not there before, if this is of one.
    fn is_news(&self, said: &HostState) -> bool {
        !self.is(&said.process) && Some(said) != self.said.as_ref()
    }
}

/// Waits until the service is up.
///
/// # Errors
/// The bot or its host died before: [`Code::Configuration`] when it ended with 78, else [`Code::Failed`]. The
/// manager goes on by its own rules.
pub fn wait(home: &Home, manager: &dyn Manager, before: &Before) -> Result<()> {
    if manager.chosen().direct.is_some() {
        return wait_without_host(manager);
    }
    let start = Instant::now();
    let mut asked = start;
    while start.elapsed() < PATIENCE {
        match host::find(home).filter(|host| !before.is(&host.process)) {
            Some(host) if has_lived(&host) => return confirmed(manager, &host),
            // Where the host itself restarts its bot, it lives on when the bot dies at once.
            Some(Host { state: Some(said), .. }) if said.restarts > 0 => return Err(ended_with(&said)),
            Some(_) => {}
            None => {
                if let Some(said) = HostState::read(home).filter(|said| before.is_news(said)) {
                    if let Some(error) = died(&said) {
                        return Err(error);
                    }
                }
                if asked.elapsed() > ASK_EVERY {
                    asked = Instant::now();
                    refuse_dead(home, manager)?;
                }
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err(Error::new("the service", format!("no bot was up after {} s", PATIENCE.as_secs())).fix(LAST_WORDS))
}

/// The same where the manager runs the bot itself (`--direct`): no lock tells of it, only the bot's own note.
fn wait_without_host(manager: &dyn Manager) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let bot = manager.report()?.pid.and_then(Process::of);
        if bot.is_some_and(|bot| Timestamp::now().duration_since(bot.started_at()) >= LIFE) {
            return Ok(());
        }
        std::thread::sleep(ASK_EVERY);
    }
    Err(Error::new("the service", format!("no bot was up after {} s", PATIENCE.as_secs())).fix(LAST_WORDS))
}

/// Waits until a host that was asked to restart its bot has a new one that lived for a second.
///
/// # Errors
/// The host ended, or the new bot died at once.
pub fn wait_for_new_bot(home: &Home, host: &Host) -> Result<()> {
    let before = bot_of(host);
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match host::find(home) {
            Some(now) if now.process != host.process => break,
            Some(now) if bot_of(&now) != before && has_lived(&now) => return Ok(()),
            Some(_) => {}
            None => break,
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Err(Error::new("the bot", "it did not come back").fix("ductor status"))
}

fn has_lived(host: &Host) -> bool {
    bot_of(host).is_some_and(|bot| {
        let age = Timestamp::now().duration_since(bot.started_at());
        bot.is_alive() && age >= LIFE
    })
}

fn bot_of(host: &Host) -> Option<Process> {
    host.state.as_ref()?.bot.as_ref().map(|bot| bot.process)
}

/// The lock is held; now the manager's word, that it is its own host.
fn confirmed(manager: &dyn Manager, host: &Host) -> Result<()> {
    let report = manager.report()?;
    if report.pid == Some(host.process.pid) {
        return Ok(());
    }
    let pid = host.process.pid;
    Err(Error::new("the service", format!("another host (pid {pid}) runs the bot"))
        .fix("ductor service install"))
}

/// What the host said when it ended.
fn died(said: &HostState) -> Option<Error> {
    said.ended.as_ref().map(|_| ended_with(said))
}

fn ended_with(said: &HostState) -> Error {
    let exit = said.own_exit();
    let how =
        exit.map_or_else(|| "ended before it had a bot".to_owned(), |exit| format!("ended with {exit}"));
    let configuration =
        said.ended_by_configuration() || exit.is_some_and(|exit| exit.code == Some(CONFIGURATION));
    let code = if configuration { Code::Configuration } else { Code::Failed };
    Error::new("the bot", how).code(code).fix(LAST_WORDS)
}

/// No host, and the manager does not expect one.
fn refuse_dead(home: &Home, manager: &dyn Manager) -> Result<()> {
    let report = manager.report()?;
    if let Some(elsewhere) = report.pid.and_then(|pid| other_home::of(pid, home)) {
        return Err(elsewhere.error());
    }
    match report.state {
        State::Running | State::Starting => Ok(()),
        state => {
            Err(Error::new("the service", format!("its host did not start; it is {state}")).fix(LAST_WORDS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{LastExit, Supervision};

    #[test]
    fn how_the_bot_of_an_earlier_host_ended_is_not_told_of_one_that_had_none() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::of(dir.path().into(), Some(dir.path().into())).unwrap();
        let told = |at: &str| {
            let mut said = HostState::begin(&home, Supervision::Systemd);
            said.ended = Some(host::Ended::Configuration);
            said.last_exit = Some(LastExit { code: Some(3), signal: None, at: at.into() });
            died(&said).unwrap().cause
        };
        assert_eq!(told("2001-01-01T00:00:00Z"), "ended before it had a bot");
        assert_eq!(told(&host::rfc3339(Timestamp::now())), "ended with code 3");
    }
}
