//! What the user manager says about the unit: `systemctl --user show`, one call, `KEY=VALUE` lines that no
//! locale changes (systemctl(1), org.freedesktop.systemd1(5)).

use std::collections::HashMap;
use std::path::PathBuf;

use crate::error::{CONFIGURATION, Result};
use crate::service::manager::State;
use crate::service::render::unit::NAME;

use super::bus;

const PROPERTIES: &str = "--property=LoadState,UnitFileState,ActiveState,SubState,Result,MainPID,\
ExecMainCode,ExecMainStatus,NRestarts,FragmentPath,DropInPaths,NeedDaemonReload";

/// What the user manager says about the unit.
#[derive(Default)]
pub struct Shown(HashMap<String, String>);

impl Shown {
    /// Asks the user manager.
    ///
    /// # Errors
    /// It can't be reached.
    pub fn ask() -> Result<Self> {
        Self::begin()()
    }

    /// Begins to [`ask`](Self::ask) it. The answer is waited for when it is called for.
    pub fn begin() -> impl FnOnce() -> Result<Self> {
        let answer = bus::begin_query(&["show", NAME, PROPERTIES]);
        || answer().map(|output| Self::parse(&output.stdout))
    }

    pub(crate) fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Self(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    fn number(&self, key: &str) -> u32 {
        self.get(key).parse().unwrap_or(0)
    }

    /// The unit file that the manager loaded; none when it found none, or a mask.
    pub fn definition(&self) -> Option<PathBuf> {
        let path = self.get("FragmentPath");
        (!path.is_empty() && !self.is_masked()).then(|| path.into())
    }

    /// The manager was told never to load the unit.
    pub fn is_masked(&self) -> bool {
        self.get("LoadState") == "masked"
    }

    /// The manager can't start what the unit and its drop-ins say, or can't even read one of them.
    pub fn is_broken(&self) -> bool {
        matches!(self.get("LoadState"), "bad-setting" | "error") || self.get("UnitFileState") == "bad"
    }

    /// The files that add to the unit, in the order in which they are read.
    pub fn drop_ins(&self) -> Vec<PathBuf> {
        let paths = shell_words::split(self.get("DropInPaths")).unwrap_or_default();
        paths.into_iter().map(PathBuf::from).collect()
    }

    /// It starts by itself. `enabled` also stands for a unit that is enabled for everybody.
    pub fn is_enabled(&self) -> bool {
        !self.is_broken() && matches!(self.get("UnitFileState"), "enabled" | "enabled-runtime")
    }

    /// Its file changed since the manager read it.
    pub fn needs_reload(&self) -> bool {
        self.get("NeedDaemonReload") == "yes"
    }

    /// The host, if it runs.
    pub fn pid(&self) -> Option<u32> {
        Some(self.number("MainPID")).filter(|pid| *pid != 0)
    }

    /// How often it was started again since somebody started it.
    pub fn restarts(&self) -> u32 {
        self.number("NRestarts")
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        // One that was masked or removed while it ran still runs.
        if self.definition().is_none() && self.pid().is_none() {
            return State::NotInstalled;
        }
        match (self.get("ActiveState"), self.get("SubState")) {
            ("active" | "reloading" | "refreshing", _) => State::Running,
            ("activating", "auto-restart" | "auto-restart-queued") => State::Restarting,
            ("activating", _) => State::Starting,
            ("deactivating", _) => State::Stopping,
            ("inactive", _) => State::Stopped,
            ("failed", _) if self.gave_up() => State::GaveUp,
            ("failed", _) => State::Failed,
            _ => State::Unknown,
        }
    }

    /// `Result` keeps the reason of the last failure when the start limit is hit (seen on 252 and 257), and starts
    /// by hand count against the limit but not as restarts. But `NRestarts` counts the one that was refused, and
    /// nothing else than the limit keeps `Restart=on-failure` from going on after a restart, save for 78.
    fn gave_up(&self) -> bool {
        let crashed = matches!(self.get("Result"), "exit-code" | "signal" | "core-dump");
        let configuration = self.get("ExecMainStatus") == CONFIGURATION.to_string();
        self.get("Result") == "start-limit-hit" || (crashed && !configuration && self.restarts() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Shown {
        Shown::parse(format!("FragmentPath=/u/ductor.service\nLoadState=loaded\n{text}").as_bytes())
    }

    #[test]
    fn what_is_broken_starts_never() {
        for broken in ["LoadState=bad-setting\nUnitFileState=enabled", "LoadState=error", "UnitFileState=bad"]
        {
            let shown = shown(broken);
            assert!(shown.is_broken() && !shown.is_enabled(), "{broken}");
        }
        assert!(shown("UnitFileState=enabled").is_enabled());
    }

    #[test]
    fn states_are_told_from_properties() {
        let state = |text: &str| shown(text).state();
        assert_eq!(state("ActiveState=active\nSubState=running"), State::Running);
        assert_eq!(state("ActiveState=activating\nSubState=auto-restart"), State::Restarting);
        assert_eq!(
            state("ActiveState=failed\nResult=exit-code\nExecMainStatus=78\nNRestarts=3"),
            State::Failed
        );
        assert_eq!(
            state("ActiveState=failed\nResult=exit-code\nExecMainStatus=1\nNRestarts=10"),
            State::GaveUp
        );
        let after_starts_by_hand = "ActiveState=failed\nResult=signal\nExecMainStatus=9\nNRestarts=1";
        assert_eq!(state(after_starts_by_hand), State::GaveUp);
        assert_eq!(state("ActiveState=failed\nResult=timeout\nExecMainStatus=9\nNRestarts=1"), State::Failed);
        assert_eq!(state("ActiveState=failed\nResult=start-limit-hit"), State::GaveUp);
        assert_eq!(state("LoadState=masked\nActiveState=inactive\nMainPID=0"), State::NotInstalled);
        assert_eq!(state("LoadState=masked\nActiveState=active\nMainPID=7"), State::Running);
        assert_eq!(Shown::parse(b"LoadState=not-found\nFragmentPath=\n").state(), State::NotInstalled);
    }
}
