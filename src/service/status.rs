//! The *status*: the truth about the service, put together from the manager's answer, the host's lock and
//! what the host says about itself. One call to the manager; everything else is read from files.

use serde::Serialize;

use crate::error::{CONFIGURATION, Code, Result};
use crate::home::Home;
use crate::host::{self, Host, HostState, LastExit, rfc3339};
use crate::process::Process;
use crate::shell::Shell;

use super::manager::{LAST_WORDS, Manager, Problem, Report, State};
use super::other_home;

/// The object of `ductor service status --json`. Its keys are the same on every OS; unknown is null.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The manager's name.
    pub manager: &'static str,
    /// What the service is doing.
    pub state: State,
    /// The manager has a definition that it would load.
    pub installed: Option<bool>,
    /// It starts by itself.
    pub enabled: Option<bool>,
    /// The service's host runs. False when only a foreground host does.
    pub running: bool,
    /// The service's host.
    pub pid: Option<u32>,
    /// Its bot.
    pub bot_pid: Option<u32>,
    /// Start of the host, RFC 3339.
    pub since: Option<String>,
    /// Starts after failures, the manager's and the host's.
    pub restarts: u32,
    /// How the bot last ended.
    pub last_exit: Option<LastExit>,
    /// Path of the definition.
    pub definition: Option<String>,
    /// A package owns the definition.
    pub packaged: Option<bool>,
    /// Who runs the bot.
    pub owner: Owner,
    /// The running set-up runs on when its user logs out.
    pub survives_logout: Option<bool>,
    /// The running set-up runs again after a reboot.
    pub survives_reboot: Option<bool>,
    /// Everything that is wrong, with what mends it.
    pub problems: Vec<Problem>,
}

/// Who runs the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The service.
    Service,
    /// A host that somebody started by hand.
    Foreground,
    /// Nobody of ours: a bot that no host started.
    Other,
    /// No bot runs.
    None,
}

/// Looks at everything.
pub fn look(home: &Home, manager: &dyn Manager) -> Status {
    look_while(home, manager, || ()).0
}

/// The same, and does something else while the manager makes up its answer.
pub fn look_while<T>(home: &Home, manager: &dyn Manager, work: impl FnOnce() -> T) -> (Status, T) {
    let answer = manager.begin_report();
    let host = host::find(home);
    let done = work();
    (told(home, manager, answer(), host), done)
}

fn told(home: &Home, manager: &dyn Manager, report: Result<Report>, host: Option<Host>) -> Status {
    // Where the two don't agree, it may have come or gone meanwhile.
    let agrees = |report: &Report| report.pid == host.as_ref().map(|host| host.process.pid);
    let host = if report.as_ref().is_ok_and(agrees) { host } else { host::find(home) };
    // A host that ended says why in the file that it leaves.
    let said = host.as_ref().map_or_else(|| HostState::read(home), |host| host.state.clone());
    match report {
        Ok(report) => of(home, manager, report, host.as_ref(), said.as_ref()),
        Err(error) => {
            let report = Report::unknown();
            let mut status = of(home, manager, report, host.as_ref(), said.as_ref());
            status.installed = None;
            status.enabled = None;
            status.packaged = None;
            status.survives_logout = None;
            status.survives_reboot = None;
            status.problems.push(Problem::new(
                "manager-unreachable",
                format!("{}: {}", error.what, error.cause),
                error.fix.unwrap_or_else(|| "ductor service doctor".into()),
            ));
            status
        }
    }
}

fn of(
    home: &Home,
    manager: &dyn Manager,
    report: Report,
    host: Option<&Host>,
    said: Option<&HostState>,
) -> Status {
    // Without the manager's word the host's own is what there is.
    let is_services = |host: &Host| match report.state {
        State::Unknown => host.state.as_ref().is_some_and(HostState::is_supervised),
        _ => report.pid == Some(host.process.pid),
    };
    let elsewhere = report.pid.and_then(|pid| other_home::of(pid, home));
    let owner = match host {
        Some(host) if is_services(host) => Owner::Service,
        Some(_) => Owner::Foreground,
        None if elsewhere.is_some() => Owner::Service,
        None => match host::other_bot(home) {
            Some(bot) if report.pid == Some(bot.pid) => Owner::Service, // without a host (`--direct`)
            Some(_) => Owner::Other,
            None => Owner::None,
        },
    };
    let running = report.pid.is_some() && matches!(report.state, State::Running | State::Stopping);
    let services = host.filter(|host| is_services(host)).or(elsewhere.as_ref().map(|it| &it.host));
    let bot = services.and_then(|host| host.state.as_ref()?.bot.as_ref()).map(|bot| bot.process.pid);
    let alone = Some(()).filter(|()| services.is_none() && owner == Owner::Service).and(report.pid);
    let since = services.and_then(|host| Some(host.state.as_ref()?.since.clone()));
    let started = alone.and_then(Process::of).map(|bot| rfc3339(bot.started_at()));
    let own = said.filter(|said| said.is_supervised());
    let mut status = Status {
        manager: manager.name(),
        state: report.state,
        installed: Some(report.definition.is_some()),
        enabled: Some(report.enabled),
        running: running || (report.state == State::Unknown && services.is_some()),
        pid: report.pid.or(services.map(|host| host.process.pid)),
        bot_pid: bot.or(alone),
        since: since.or(started),
        restarts: report.restarts + own.map_or(0, |said| said.restarts),
        last_exit: said.and_then(|said| said.seen_exit().cloned()),
        definition: report.definition.as_ref().map(|path| path.display().to_string()),
        packaged: Some(report.packaged),
        owner,
        survives_logout: Some(report.survives_logout && owner != Owner::Foreground),
        survives_reboot: Some(report.survives_reboot),
        problems: report.problems,
    };
    status.problems.extend(elsewhere.map(|it| it.problem()));
    status.problems.extend(explain(home, &status, host, said));
    status
}

/// What the host and the processes tell that the manager can't know.
fn explain(home: &Home, status: &Status, host: Option<&Host>, said: Option<&HostState>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let handed_over = || Shell::here().then("ductor stop", "ductor service start");
    let exit = said.and_then(HostState::own_exit);
    match status.state {
        State::Failed if exit.is_some_and(|exit| exit.code == Some(CONFIGURATION)) => {
            let message = "the bot ended with 78: it says that its configuration is wrong";
            problems.push(Problem::new("not-configured", message, LAST_WORDS));
        }
        State::Failed if status.owner == Owner::None => {
            let configuration = said.is_some_and(HostState::ended_by_configuration);
            problems.push(if configuration {
                let message = "the service found no configured bot when it started last";
                Problem::new("failed", message, "ductor service start")
            } else {
                Problem::new("failed", "the service ended badly, and nothing starts it again", LAST_WORDS)
            });
        }
        State::Restarting if status.restarts > 0 => {
            let how = exit.map_or_else(
                || "the service ended badly".into(),
                |exit| format!("the bot ended with {exit}"),
            );
            problems.push(Problem::new("crashing", format!("{how}, and is started again"), LAST_WORDS));
        }
        _ => {}
    }
    match (status.owner, host) {
        (Owner::Foreground, Some(host)) if status.installed == Some(true) => {
            let message =
                format!("a foreground host (pid {}) runs the bot, not the service", host.process.pid);
            problems.push(Problem::new("foreground", message, handed_over()));
        }
        (Owner::Other, _) => {
            let pid = host::other_bot(home).map_or(0, |bot| bot.pid);
            let message = format!("a bot that ductor did not start runs (pid {pid})");
            problems.push(Problem::new("other-bot", message, handed_over()));
        }
        (Owner::None, _) if said.is_some_and(HostState::was_replaced) && status.state == State::Stopped => {
            let message = "the bot ended because another bot took its place";
            problems.push(Problem::new("other-bot", message, "ductor service start"));
        }
        _ => {}
    }
    problems
}

impl Status {
    /// The exit code of `service status`.
    pub fn code(&self) -> Code {
        match self.state {
            State::Running => Code::Done,
            State::NotInstalled => Code::NotInstalled,
            State::Unknown => Code::Unavailable,
            _ => Code::NotRunning,
        }
    }
}
