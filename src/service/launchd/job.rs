//! What launchd says about the *job*: the agent as it is loaded.
//!
//! `print` is asked in both domains. Its text is no interface, says launchctl(1), but no locale changes it, and
//! the keys that are read here have been the same since 10.10; one that is missing is unknown. Where there is no
//! `print`, `list` tells less.

use std::path::PathBuf;

use crate::error::{CONFIGURATION, Code, Result};
use crate::host::{Ended, HostState};
use crate::service::manager::State;
use crate::service::render::plist::LABEL;

use super::domain::Domain;
use super::launchctl::{
    NO_DOMAIN, NO_PROCESS, NO_SERVICE, UNKNOWN_VERB, UNSUPPORTED, is_modern, launchctl, query,
};

/// The agent, loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Where it is loaded; none where launchctl knows no domains.
    pub domain: Option<Domain>,
    /// The property list that it was loaded from.
    pub path: Option<PathBuf>,
    /// The host.
    pub pid: Option<u32>,
    /// How often it was started since it was loaded.
    pub runs: u32,
    /// With what its last host ended; none when none did.
    pub last_exit: Option<i32>,
    state: String,
}

/// What launchd has loaded under our label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// launchctl knows domains: `print`, `bootstrap` and their kin.
    pub modern: bool,
    /// The job in each domain that has it.
    pub jobs: Vec<Job>,
}

impl Loaded {
    /// Asks launchd.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: it can't be asked, or answers what nobody understands.
    pub fn ask() -> Result<Self> {
        let mut loaded = Self { modern: true, jobs: Vec::new() };
        for domain in Domain::ALL {
            let words = ["print", &domain.job()];
            let output = query(&words)?;
            match output.code() {
                Some(0) => loaded.jobs.push(Job::printed(domain, &String::from_utf8_lossy(&output.stdout))),
                Some(NO_SERVICE | NO_DOMAIN | UNSUPPORTED | NO_PROCESS) => {}
                Some(code) if UNKNOWN_VERB.contains(&code) && !is_modern()? => return Self::ask_as_of_old(),
                _ => return Err(launchctl(&words).failed(&output).code(Code::Unavailable)),
            }
        }
        Ok(loaded)
    }

    fn ask_as_of_old() -> Result<Self> {
        let output = query(&["list", LABEL])?;
        let job = output.success().then(|| Job::listed(&String::from_utf8_lossy(&output.stdout)));
        Ok(Self { modern: false, jobs: job.into_iter().collect() })
    }

    /// The job that runs, or else one that could.
    pub fn job(&self) -> Option<&Job> {
        self.jobs.iter().find(|job| job.pid.is_some()).or_else(|| self.jobs.first())
    }
}

impl Job {
    /// From `launchctl print`: `key = value`, one tab deep; deeper ones belong to sections.
    pub(crate) fn printed(domain: Domain, text: &str) -> Self {
        let mut job = Self { domain: Some(domain), ..Self::default() };
        for line in text.lines() {
            let Some((key, value)) = line.strip_prefix('\t').and_then(|line| line.split_once(" = ")) else {
                continue;
            };
            match key {
                "state" => job.state = value.into(),
                "path" => job.path = Some(value.into()),
                "pid" => job.pid = value.parse().ok(),
                "runs" => job.runs = value.parse().unwrap_or(0),
                // `78: EX_CONFIG`, or `(never exited)`.
                "last exit code" | "last exit status" => {
                    job.last_exit = value.split(':').next().and_then(|code| code.parse().ok());
                }
                "last terminating signal" => job.last_exit = job.last_exit.or(Some(-1)),
                _ => {}
            }
        }
        job
    }

    /// From `launchctl list LABEL`: `"Key" = value;`. The status is that of wait(2).
    pub(crate) fn listed(text: &str) -> Self {
        let value = |key: &str| {
            let pairs = text.lines().filter_map(|line| line.trim().trim_end_matches(';').split_once(" = "));
            pairs
                .filter(|(found, _)| found.trim_matches('"') == key)
                .find_map(|(_, value)| value.parse().ok())
        };
        let pid: Option<u32> = value("PID").and_then(|pid: i32| pid.try_into().ok());
        let ended = |status: i32| if status & 0x7f == 0 { status >> 8 } else { -1 };
        let last_exit = value("LastExitStatus").filter(|status| pid.is_none() || *status != 0).map(ended);
        Self { pid, last_exit, ..Self::default() }
    }

    /// launchd could not execute the program, or open its log files: `EX_CONFIG`. Our host never ends so under it.
    pub fn could_not_start(&self) -> bool {
        self.pid.is_none() && self.last_exit == Some(CONFIGURATION)
    }

    /// What it is doing. Why a host ended with 0, so that launchd leaves it alone, is what it `said`.
    pub fn state(&self, said: Option<&HostState>) -> State {
        match (self.pid, self.state.as_str(), self.last_exit) {
            (Some(_), "running" | "", _) => State::Running,
            (Some(_), "xpcproxy" | "spawn scheduled", _) => State::Starting, // it is being executed
            (Some(_), ..) => State::Stopping,
            (None, ..) if self.could_not_start() => State::Failed,
            (None, _, None) => State::Starting,
            (None, _, Some(0)) => match said.and_then(|said| said.ended) {
                Some(Ended::GaveUp) => State::GaveUp,
                Some(Ended::Configuration) => State::Failed,
                _ => State::Stopped,
            },
            (None, ..) => State::Restarting, // launchd starts again whatever ended badly
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "gui/501/dev.ductor = {\n\tactive count = 1\n\tpath = /Users/u/Library/LaunchAgents/dev.ductor.plist\n\ttype = LaunchAgent\n\tstate = running\n\n\tprogram = /usr/local/bin/ductor\n\targuments = {\n\t\tpid = 1\n\t}\n\n\truns = 3\n\tpid = 4711\n\timmediate reason = speculative\n\tlast exit code = (never exited)\n}\n";

    fn job(lines: &str) -> Job {
        Job::printed(Domain::Gui, lines)
    }

    #[test]
    fn the_keys_of_the_first_level_are_read_and_no_others() {
        let job = job(PRINTED);
        assert_eq!((job.pid, job.runs, job.last_exit), (Some(4711), 3, None));
        assert_eq!(job.path, Some("/Users/u/Library/LaunchAgents/dev.ductor.plist".into()));
        assert_eq!(job.state(None), State::Running);
    }

    #[test]
    fn states_are_told_from_pid_state_and_last_exit() {
        let state = |lines: &str| job(lines).state(None);
        assert_eq!(state("\tstate = xpcproxy\n\tpid = 7\n"), State::Starting);
        assert_eq!(state("\tstate = SIGTERMed\n\tpid = 7\n"), State::Stopping);
        assert_eq!(state("\tstate = spawn scheduled\n\tlast exit code = 1\n"), State::Restarting);
        assert_eq!(
            state("\tstate = not running\n\tlast terminating signal = Killed: 9\n"),
            State::Restarting
        );
        assert_eq!(state("\tstate = not running\n\tlast exit code = (never exited)\n"), State::Starting);
        assert_eq!(state("\tstate = not running\n\tlast exit code = 0\n"), State::Stopped);
        assert_eq!(state("\tstate = spawn scheduled\n\tlast exit code = 78: EX_CONFIG\n"), State::Failed);
        assert_eq!(state("\tstate = spawn scheduled\n\tlast exit status = 78\n"), State::Failed);
        assert_eq!(state(""), State::Starting);
    }

    #[test]
    fn the_list_of_old_tells_pid_and_last_exit() {
        let list =
            "{\n\t\"Label\" = \"dev.ductor\";\n\t\"LastExitStatus\" = 256;\n\t\"OnDemand\" = false;\n};\n";
        assert_eq!((Job::listed(list).pid, Job::listed(list).last_exit), (None, Some(1)));
        let running = list.replace("\"OnDemand\"", "\"PID\" = 12;\n\t\"OnDemand\"").replace("256", "0");
        assert_eq!((Job::listed(&running).pid, Job::listed(&running).last_exit), (Some(12), None));
        assert_eq!(Job::listed(&running).state(None), State::Running);
        assert_eq!(Job::listed(&list.replace("256", "9")).state(None), State::Restarting);
        assert_eq!(Job::listed(&list.replace("256", "0")).state(None), State::Stopped);
    }
}
