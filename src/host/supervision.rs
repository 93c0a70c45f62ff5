//! *Supervision*: who looks after the host itself. It decides who restarts a bot that crashed.

use std::ffi::OsString;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::process::Process;

/// Who looks after the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Supervision {
    /// systemd restarts the host, with the bot's exit code as its own.
    Systemd,
    /// launchd restarts a host that does not end with 0, for ever.
    Launchd,
    /// The Task Scheduler only starts the host; the host restarts the bot.
    TaskScheduler,
    /// A person started the host; the host restarts the bot.
    Foreground,
}

impl Supervision {
    /// The supervision of this process.
    pub fn detect() -> Self {
        let process = Process::current();
        let parent = process.parent().map(|parent| parent.pid);
        let program = std::env::current_exe().ok().and_then(|path| Some(path.file_stem()?.to_owned()));
        Self::told(|name| std::env::var_os(name), process.pid, parent, program)
    }

    /// The supervision of another host, as far as it can be seen.
    pub fn of(host: &Process) -> Self {
        let parent = host.parent().map(|parent| parent.pid);
        let program = host.command().first().and_then(|path| Some(Path::new(path).file_stem()?.to_owned()));
        Self::told(|name| host.environment(name), host.pid, parent, program)
    }

    /// All the variables are inherited by everything that the bot starts, so each needs a witness: systemd
    /// names the pid it started (`SYSTEMD_EXEC_PID`, systemd.exec(5), since version 248), before that only itself
    /// (`MANAGERPID`), launchd is pid 1.
    fn told(
        variable: impl Fn(&str) -> Option<OsString>,
        pid: u32,
        parent: Option<u32>,
        program: Option<OsString>,
    ) -> Self {
        let is = |name: &str, value: &str| variable(name).is_some_and(|it| it == value);
        let is_of_systemd = || match variable("SYSTEMD_EXEC_PID") {
            Some(started) => started == *pid.to_string(),
            None => parent.is_some_and(|parent| is("MANAGERPID", &parent.to_string())),
        };
        if is("DUCTOR_SUPERVISOR", "1") && is_of_systemd() {
            Self::Systemd
        } else if parent == Some(launchd(&variable)) && is("XPC_SERVICE_NAME", "dev.ductor") {
            Self::Launchd
        } else if program.is_some_and(|name| name == "ductorw") {
            Self::TaskScheduler
        } else {
            Self::Foreground
        }
    }

    /// What the host and its bot say is kept by the manager, or read by a person; else the host keeps it, in
    /// [`log_files`](super::log_files).
    pub fn has_journal(self) -> bool {
        matches!(self, Self::Systemd | Self::Foreground)
    }

    /// A manager started the host.
    pub fn is_manager(self) -> bool {
        self != Self::Foreground
    }
}

/// The pid of launchd. In a build for tests a fake one may name itself, as only the kernel can be pid 1.
fn launchd(variable: &impl Fn(&str) -> Option<OsString>) -> u32 {
    let fake = if cfg!(debug_assertions) { variable("FAKE_LAUNCHD") } else { None };
    fake.and_then(|pid| pid.to_str()?.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], parent: u32, program: &str) -> Supervision {
        let variable = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, it)| it.into());
        Supervision::told(variable, 7, Some(parent), Some(program.into()))
    }

    #[test]
    fn inherited_variables_alone_prove_nothing() {
        let systemd = |pid| of(&[("DUCTOR_SUPERVISOR", "1"), ("SYSTEMD_EXEC_PID", pid)], 2, "ductor");
        assert_eq!(systemd("7"), Supervision::Systemd);
        assert_eq!(systemd("8"), Supervision::Foreground);
        assert_eq!(of(&[("SYSTEMD_EXEC_PID", "7")], 2, "ductor"), Supervision::Foreground);
        let before_248 = |more: &[(&str, &str)]| {
            of(&[&[("DUCTOR_SUPERVISOR", "1"), ("MANAGERPID", "2")], more].concat(), 2, "ductor")
        };
        assert_eq!(before_248(&[]), Supervision::Systemd);
        assert_eq!(before_248(&[("SYSTEMD_EXEC_PID", "8")]), Supervision::Foreground);
        let child = [("DUCTOR_SUPERVISOR", "1"), ("MANAGERPID", "3")];
        assert_eq!(of(&child, 2, "ductor"), Supervision::Foreground);
        let launchd = |parent| of(&[("XPC_SERVICE_NAME", "dev.ductor")], parent, "ductor");
        assert_eq!(launchd(1), Supervision::Launchd);
        assert_eq!(launchd(2), Supervision::Foreground);
        assert_eq!(of(&[], 2, "ductorw"), Supervision::TaskScheduler);
    }
}
