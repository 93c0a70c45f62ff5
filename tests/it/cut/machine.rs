//! A *machine* with one of the three managers.

use std::path::Path;
use std::process::Command;

use fakes::state::State;

use crate::launchd::Mac;
use crate::systemd::Linux;
use crate::task_scheduler::machine::Machine as Windows;
use crate::world::World;

pub const MACHINES: [fn() -> Box<dyn Machine>; 3] =
    [|| Box::new(Linux::new()), || Box::new(Mac::new()), || Box::new(Windows::new())];

/// With a package that brings a definition for everybody.
pub const PACKAGED: [fn() -> Box<dyn Machine>; 1] = [|| Box::new(Linux::with_package())];

pub trait Machine {
    fn world(&self) -> &World;

    /// `ductor WORDS` on this machine.
    fn ductor(&self, words: &[&str]) -> Command;

    /// What its manager has beside files of the user: for each thing a line.
    fn known(&self) -> Vec<String>;

    /// Of the fake programs.
    fn state(&self) -> &State;

    /// Switches the service off, as its user or an administrator would.
    fn switch_off(&self);
}

impl Machine for Linux {
    fn world(&self) -> &World {
        &self.world
    }

    fn ductor(&self, words: &[&str]) -> Command {
        self.command(words)
    }

    fn known(&self) -> Vec<String> {
        vec![format!("lingers: {}", self.lingers())]
    }

    fn state(&self) -> &State {
        &self.machine
    }

    fn switch_off(&self) {
        assert_eq!(self.systemctl(&["disable", "ductor.service"]), Some(0));
    }
}

impl Machine for Mac {
    fn world(&self) -> &World {
        &self.world
    }

    fn ductor(&self, words: &[&str]) -> Command {
        self.command(words)
    }

    fn known(&self) -> Vec<String> {
        let jobs = ["gui", "user"].map(|domain| format!("loaded in {domain}: {}", self.is_loaded(domain)));
        let off = self.launchd.get("disabled").unwrap_or_default();
        [&jobs[..], &[format!("switched off: {off}")]].concat()
    }

    fn state(&self) -> &State {
        &self.launchd
    }

    fn switch_off(&self) {
        assert_eq!(self.launchctl(&["disable", &self.job("gui")]), Some(0));
    }
}

impl Machine for Windows {
    fn world(&self) -> &World {
        &self.world
    }

    fn ductor(&self, words: &[&str]) -> Command {
        self.command(words)
    }

    fn known(&self) -> Vec<String> {
        self.tasks().iter().map(|name| self.task(name, "definition.xml")).collect()
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn switch_off(&self) {
        self.schtasks(&["/Change", "/TN", "ductor", "/DISABLE"]).ok();
    }
}

/// The same as `command` by another program.
pub fn through(program: &Path, command: &Command) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args()).env_clear();
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        other.current_dir(folder);
    }
    other
}
