//! A *manager* is the program of the operating system that runs services for one user.
//!
//! [`Manager`] is the seam between what people ask for (`commands/`) and how one manager does it:
//! [`systemd`](super::systemd), [`launchd`](super::launchd), [`task_scheduler`](super::task_scheduler). Its operations take and give data; none of them prints. What is true for all managers,
//! such as when a service counts as *up*, is built on top, in `super::up` and `super::status`.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::effects::Effects;
use crate::error::Result;
use crate::service::definition::{Chosen, ServiceDefinition};

/// What the service is doing, as its manager says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The host runs.
    Running,
    /// The host is about to run for the first time.
    Starting,
    /// The host ended badly and is about to run again.
    Restarting,
    /// The host has been asked to end.
    Stopping,
    /// Nobody wants it to run.
    Stopped,
    /// It ended badly, and a new start would not help.
    Failed,
    /// It ended badly so often that the manager stopped trying.
    GaveUp,
    /// There is no definition that the manager would load.
    NotInstalled,
    /// The manager can't be asked.
    Unknown,
}

impl State {
    /// There is a host, or there is about to be one.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Starting | Self::Restarting | Self::Stopping)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Restarting => "restarting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::GaveUp => "gave-up",
            Self::NotInstalled => "not-installed",
            Self::Unknown => "unknown",
        })
    }
}

/// What one manager knows about the service.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is doing.
    pub state: State,
    /// Whether it starts by itself, with the machine or with its user.
    pub enabled: bool,
    /// The host, if it runs.
    pub pid: Option<u32>,
    /// How often the manager started it again.
    pub restarts: u32,
    /// The definition that the manager loaded.
    pub definition: Option<PathBuf>,
    /// Whether a package owns that definition.
    pub packaged: bool,
    /// Whether it runs on when its user logs out.
    pub survives_logout: bool,
    /// Whether it runs again after a reboot.
    pub survives_reboot: bool,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl Serialize for State {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Report {
    /// When it starts by itself, if it does: a manager that no login needs is there from boot.
    pub fn starts_again(&self) -> Option<&'static str> {
        match (self.enabled, self.survives_logout) {
            (true, true) => Some("at the next boot"),
            (true, false) => Some("at your next login"),
            (false, _) => None,
        }
    }

    /// What is known when the manager can't be asked.
    pub fn unknown() -> Self {
        Self {
            state: State::Unknown,
            enabled: false,
            pid: None,
            restarts: 0,
            definition: None,
            packaged: false,
            survives_logout: false,
            survives_reboot: false,
            problems: Vec::new(),
        }
    }
}

/// What to type to see why a bot ended.
pub const LAST_WORDS: &str = "ductor service logs --no-follow -n 50";

/// Something that is wrong, and what to type to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable: lower case with dashes.
    pub id: &'static str,
    /// One sentence.
    pub message: String,
    /// A command to paste, or what to do.
    pub fix: String,
}

impl Problem {
    /// A problem.
    pub fn new(id: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { id, message: message.into(), fix: fix.into() }
    }
}

/// One thing that the service rests on, and how it is.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Stable: lower case with dashes. A bad finding has the id of its problem.
    pub id: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// One sentence.
    pub what: String,
    /// What mends it.
    pub fix: Option<String>,
}

impl Finding {
    /// One that is as it should be.
    pub fn good(id: &'static str, what: impl Into<String>) -> Self {
        Self { id, ok: true, what: what.into(), fix: None }
    }
}

impl From<Problem> for Finding {
    fn from(problem: Problem) -> Self {
        Self { id: problem.id, ok: false, what: problem.message, fix: Some(problem.fix) }
    }
}

/// How `service install` shall go about it.
#[derive(Clone, Copy, Debug)]
pub struct Install {
    /// Whether the service shall run on after logout.
    pub linger: bool,
    /// Whether the host shall run then, by this definition.
    pub start: bool,
}

/// What an installation found and did.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    /// The definition that the manager now reads.
    pub definition: PathBuf,
    /// Whether anything changed that a running host has to be restarted for.
    pub changed: bool,
    /// Whether the host was started, or started anew.
    pub started: bool,
    /// What was off and is on now, without a new start of the host: the definition, linger.
    pub switched_on: Vec<&'static str>,
    /// What people should know, a line each.
    pub notes: Vec<String>,
    /// What could not be done, and what to type instead.
    pub problems: Vec<Problem>,
}

/// Where the lines are that the bot writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logs {
    /// In the journal, under this user unit.
    Journal(&'static str),
    /// In files that the host writes: the bot's stdout and its stderr.
    Files([PathBuf; 2]),
}

/// The managers by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ManagerName {
    /// The user manager of systemd
    Systemd,
    /// launchd, of macOS
    Launchd,
    /// The Task Scheduler, of Windows
    TaskScheduler,
}

/// One service manager.
pub trait Manager {
    /// Its name in `--json` and in `DUCTOR_MANAGER`.
    fn name(&self) -> &'static str;

    /// How people call its entry: `systemd user service`.
    fn title(&self) -> &'static str;

    /// What it knows about the service, with one question.
    ///
    /// # Errors
    /// [`Code::Unavailable`](crate::error::Code::Unavailable): it is not there or can't be reached.
    fn report(&self) -> Result<Report>;

    /// Asks for the [`report`](Self::report), which is waited for when it is called for: what else is looked at
    /// meanwhile takes no time of its own.
    fn begin_report(&self) -> Box<dyn FnOnce() -> Result<Report> + '_> {
        Box::new(|| self.report())
    }

    /// What the user chose at the last installation, read from the definition itself.
    fn chosen(&self) -> Chosen;

    /// Whether what it reads is what [`install`](Self::install) would write now.
    fn is_current(&self, definition: &ServiceDefinition) -> bool;

    /// Makes it know the definition, start it with the machine, and, if asked for, now; where the host runs by
    /// this definition already, it is left alone. All or nothing: after an error, files, settings and what
    /// runs are as before. Whether the bot comes up is another matter.
    ///
    /// # Errors
    /// A definition of the same name that is not ours; a file or command that failed.
    fn install(
        &self,
        definition: &ServiceDefinition,
        how: Install,
        effects: &Effects<'_>,
    ) -> Result<Installed>;

    /// Stops the service and removes everything that was made for it. Says what was done, a line each. After
    /// an error it is as before, or trying again does the rest.
    ///
    /// # Errors
    /// The definition is not ours, or can't be removed.
    fn uninstall(&self, effects: &Effects<'_>) -> Result<Vec<String>>;

    /// Starts the host, also when the manager had given up.
    ///
    /// # Errors
    /// The manager refused.
    fn start(&self, effects: &Effects<'_>) -> Result<()>;

    /// Ends the host and waits for its end.
    ///
    /// # Errors
    /// The manager refused, or the host did not end.
    fn stop(&self, effects: &Effects<'_>) -> Result<()>;

    /// Ends the host if it runs, and starts it.
    ///
    /// # Errors
    /// The manager refused.
    fn restart(&self, effects: &Effects<'_>) -> Result<()>;

    /// The definition that the packages of its system ship.
    fn packaged(&self) -> ServiceDefinition;

    /// The text that [`install`](Self::install) would have the manager read.
    ///
    /// # Errors
    /// A value that no definition can carry.
    fn render(&self, definition: &ServiceDefinition) -> Result<String>;

    /// Where the lines are that the bot writes.
    fn logs(&self) -> Logs;

    /// What the doctor finds that only this manager knows, beyond the problems of [`report`](Self::report).
    fn examine(&self, _: &ServiceDefinition) -> Vec<Finding> {
        Vec::new()
    }
}
