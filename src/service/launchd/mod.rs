//! launchd's *agents*: the jobs of one user, on macOS.
//!
//! Everything goes through the program launchctl, by its exit codes and by what is seen afterwards: [`launchctl`]
//! reaches it, [`domain`]s are where jobs stand, [`job`] reads what launchd says about ours, [`switch`] whether it
//! starts by itself, [`agents`] knows whose a property list is, [`load`] brings the job in and out, [`install`] and
//! [`uninstall`] change things for good, with what was [`before`] kept, [`doctor`] says what is wrong.
//!
//! An agent runs from login to logout. A loaded job reads its property list only once, so every start loads anew.

pub(crate) mod agents;
mod before;
mod doctor;
pub(crate) mod domain;
mod install;
pub(crate) mod job;
mod launchctl;
mod load;
pub(crate) mod switch;
mod uninstall;

use std::path::PathBuf;

use crate::effects::{Effects, Transaction};
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::host::HostState;
use crate::service::definition::{Chosen, ServiceDefinition};

use super::manager::{Finding, Install, Installed, LAST_WORDS, Logs, Manager, Problem, Report, State};
use agents::{Agent, Folders};
use before::Before;
use domain::Domain;
use job::Loaded;

/// launchd, for the agent of one user.
pub struct Launchd {
    home: Home,
}

impl Launchd {
    /// That of the user of `home`.
    pub fn new(home: &Home) -> Self {
        Self { home: home.clone() }
    }

    fn folders(&self) -> Folders {
        Folders::of(&self.home)
    }

    /// Loads the agent anew, whatever is loaded, and switches it on: who asks for a start wants that.
    fn load_anew(&self, effects: &Effects<'_>) -> Result<()> {
        let definition = self.folders().definition().ok_or_else(|| {
            Error::new("the service", "it has no definition")
                .code(Code::NotInstalled)
                .fix("ductor service install")
        })?;
        let before = Before::look()?;
        let mut transaction = Transaction::new(effects);
        before.restore_with(&mut transaction);
        if before.loaded.modern && before.is_off != Some(false) {
            switch::turn(true, effects)?;
        }
        before.touch(definition.clone(), &mut transaction);
        // Also after a host that did not end in time: it must not stay away once it did.
        let ended = load::unload(&before.loaded, Some(&definition), effects);
        load::load(&definition, effects)?;
        transaction.commit();
        ended
    }

    fn problems(&self, loaded: &Loaded, state: State, definition: Option<&PathBuf>) -> Result<Vec<Problem>> {
        let folders = self.folders();
        let mut problems = Vec::new();
        if let Some((Agent::Foreign, path)) = definition.and_then(|path| Some((Agent::read(path)?, path))) {
            let error = Agent::refuse(path);
            let message = format!("{}: {}", error.what, error.cause);
            problems.push(Problem::new("foreign-definition", message, error.fix.unwrap_or_default()));
        }
        if definition == Some(&folders.agent()) && folders.packaged().is_some() {
            problems.push(folders.shadows_package());
        }
        if loaded.jobs.len() > 1 {
            let message = "launchd has loaded it twice: for the screen, and for sessions without one";
            problems.push(Problem::new("loaded-twice", message, "ductor service install"));
        } else if loaded.job().is_some_and(|job| job.domain == Some(Domain::User))
            && Domain::here()? == Domain::Gui
        {
            let message = "it was loaded without a session at the screen, so agents can't read the keychain";
            problems.push(Problem::new("lesser-domain", message, "ductor service install"));
        }
        if state == State::GaveUp {
            let message = "the host gave up: the bot failed too often";
            problems.push(Problem::new("start-limit", message, LAST_WORDS));
        }
        if let Some(job) = loaded.job().filter(|job| job.could_not_start()) {
            let path = job.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            let message = format!("launchd could not execute the program of {path}, or open its log files");
            problems.push(Problem::new("not-executable", message, "ductor service install"));
        }
        Ok(problems)
    }
}

impl Manager for Launchd {
    fn name(&self) -> &'static str {
        "launchd"
    }

    fn title(&self) -> &'static str {
        "launchd agent"
    }

    fn report(&self) -> Result<Report> {
        let loaded = Loaded::ask()?;
        let off = loaded.modern && switch::is_off() == Some(true);
        let folders = self.folders();
        let packaged = folders.packaged();
        // A package's agent that is switched off is what an uninstallation leaves.
        let definition = folders
            .definition()
            .filter(|path| !off || !loaded.jobs.is_empty() || Some(path) != packaged.as_ref())
            .or_else(|| loaded.job()?.path.clone());
        let said = HostState::read(&self.home);
        let state = match loaded.job() {
            Some(job) => job.state(said.as_ref()),
            None if definition.is_some() => State::Stopped,
            None => State::NotInstalled,
        };
        let mut problems = self.problems(&loaded, state, definition.as_ref())?;
        let enabled = definition.is_some() && !off;
        if definition.is_some() && off {
            let message = "it is switched off: launchd does not start it when you log in";
            problems.push(Problem::new("disabled", message, "ductor service start"));
        }
        Ok(Report {
            state,
            enabled,
            pid: loaded.job().and_then(|job| job.pid),
            restarts: loaded.job().map_or(0, |job| job.runs.saturating_sub(1)),
            packaged: definition.is_some() && definition == packaged,
            definition,
            survives_logout: false,
            survives_reboot: enabled,
            problems,
        })
    }

    fn chosen(&self) -> Chosen {
        agents::chosen(&self.folders())
    }

    fn is_current(&self, definition: &ServiceDefinition) -> bool {
        let folders = self.folders();
        match Agent::read(&folders.agent()) {
            Some(Agent::Ours(job)) => agents::is_current(&job, definition),
            Some(Agent::Python(_)) => false,
            Some(Agent::Foreign) => true, // not ours to judge
            None => definition.chosen == Chosen::default(),
        }
    }

    fn install(
        &self,
        definition: &ServiceDefinition,
        how: Install,
        effects: &Effects<'_>,
    ) -> Result<Installed> {
        install::install(&self.home, definition, how, effects)
    }

    fn uninstall(&self, effects: &Effects<'_>) -> Result<Vec<String>> {
        uninstall::uninstall(&self.home, effects)
    }

    fn start(&self, effects: &Effects<'_>) -> Result<()> {
        self.load_anew(effects)
    }

    fn stop(&self, effects: &Effects<'_>) -> Result<()> {
        load::unload(&Loaded::ask()?, self.folders().definition().as_deref(), effects)
    }

    fn restart(&self, effects: &Effects<'_>) -> Result<()> {
        self.load_anew(effects)
    }

    fn packaged(&self) -> ServiceDefinition {
        ServiceDefinition::packaged(crate::service::render::plist::PACKAGED)
    }

    fn render(&self, definition: &ServiceDefinition) -> Result<String> {
        agents::render(&self.home, definition, None)
    }

    fn logs(&self) -> Logs {
        Logs::Files(self.home.service_logs())
    }

    fn examine(&self, _: &ServiceDefinition) -> Vec<Finding> {
        doctor::examine(&self.folders())
    }
}
