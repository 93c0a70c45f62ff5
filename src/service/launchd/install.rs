//! Setting the agent up, so that doing it again changes nothing: files, the switch, the job.
//!
//! One [`Transaction`] spans it all: when a step fails, files, the switch and what runs are as before.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use crate::effects::{Effects, Transaction};
use crate::error::Result;
use crate::home::Home;
use crate::service::definition::ServiceDefinition;
use crate::service::manager::{Install, Installed};
use crate::service::render::plist;

use super::agents::{self, Agent, Folders};
use super::domain::Domain;
use super::job::Loaded;
use super::load::{load, unload};
use super::switch;

/// See [`Manager::install`](crate::service::manager::Manager::install).
pub fn install(
    home: &Home,
    definition: &ServiceDefinition,
    how: Install,
    effects: &Effects<'_>,
) -> Result<Installed> {
    plist::render(definition, &[])?; // what no property list can carry is refused before anything else
    let before = match Before::look() {
        Err(error) if effects.is_real() => return Err(error),
        seen => seen.ok(), // a rehearsal goes on without launchd
    };
    let loaded = before.as_ref().map(|before| before.loaded.clone()).unwrap_or_default();
    let folders = Folders::of(home);
    folders.refuse_others(loaded.job().and_then(|job| job.path.as_deref()))?;

    let mut transaction = Transaction::new(effects);
    let is_on = before.as_ref().is_none_or(|before| before.is_off == Some(false));
    let touched = Rc::new(Cell::new(false));
    if let Some(before) = before {
        let touched = Rc::clone(&touched);
        transaction.back(move || before.restore(touched.get())); // noted first, so done last: the files are back
    }
    let mut installed = Installed::default();
    write_logs(home, &mut transaction)?;
    write_files(home, &folders, definition, &mut transaction, &mut installed)?;
    if !is_on {
        switch::turn(true, effects)?;
    }
    if how.start {
        installed.started = start(&loaded, &installed, &touched, &mut transaction)?;
    }
    transaction.commit();
    Ok(installed)
}

/// Log files of the user alone. launchd would make them for everybody to read.
fn write_logs(home: &Home, transaction: &mut Transaction<'_>) -> Result<()> {
    transaction.create_folder(&home.logs())?;
    for log in home.service_logs().iter().filter(|log| !log.exists()) {
        transaction.write(log, b"", 0o600)?;
    }
    Ok(())
}

/// Brings the folder of agents into the state in which launchd loads our definition at login.
fn write_files(
    home: &Home,
    folders: &Folders,
    definition: &ServiceDefinition,
    transaction: &mut Transaction<'_>,
    installed: &mut Installed,
) -> Result<()> {
    let own = folders.agent();
    let found = Agent::read(&own);
    if matches!(found, Some(Agent::Python(_))) {
        installed.notes.push(format!("took over the agent of the Python ductor: {}", own.display()));
    }
    let earlier = found.as_ref().and_then(Agent::job);
    match folders.packaged() {
        Some(packaged) if is_packages(definition, earlier) => {
            installed.changed |= transaction.remove(&own)?;
            installed.definition = packaged;
        }
        packaged => {
            transaction.create_folder(&folders.own)?;
            let text = agents::render(home, definition, earlier)?;
            installed.changed |= transaction.write(&own, text.as_bytes(), 0o644)?;
            if packaged.is_some() {
                installed.problems.push(folders.shadows_package());
            }
            installed.definition = own;
        }
    }
    Ok(())
}

/// Whether the agent of a package says all that this user wants: nothing was chosen, nothing added by hand.
fn is_packages(definition: &ServiceDefinition, earlier: Option<&::plist::Dictionary>) -> bool {
    let keeps = |earlier| {
        let with = plist::render_keeping(definition, &[], Some(earlier));
        with != plist::render(definition, &[])
    };
    definition.chosen == Default::default() && !earlier.is_some_and(keeps)
}

/// Starts the host, anew where it runs by another definition or in the lesser domain. Whether it did.
fn start(
    loaded: &Loaded,
    installed: &Installed,
    touched: &Cell<bool>,
    transaction: &mut Transaction<'_>,
) -> Result<bool> {
    if let [job] = &*loaded.jobs {
        let here = job.domain.is_none() || job.domain == Some(Domain::here()?);
        if job.pid.is_some() && here && !installed.changed {
            return Ok(false);
        }
    }
    touched.set(true);
    let definition = installed.definition.clone();
    transaction.back(move || end(&definition)); // noted last, so done first: a host that runs writes files
    unload(loaded, Some(&installed.definition), transaction.effects())?;
    load(&installed.definition, transaction.effects())?;
    Ok(true)
}

/// Takes back what was loaded, whatever became of it.
fn end(definition: &Path) {
    if let Ok(now) = Loaded::ask() {
        let _best_effort = unload(&now, Some(definition), &Effects::real(&|_| {}));
    }
}

/// How launchd was before.
struct Before {
    loaded: Loaded,
    is_off: Option<bool>,
}

impl Before {
    fn look() -> Result<Self> {
        let loaded = Loaded::ask()?;
        let is_off = if loaded.modern { switch::is_off() } else { Some(false) };
        Ok(Self { loaded, is_off })
    }

    /// Makes launchd so again; the files are as before already, and a job that was `touched` is not loaded.
    fn restore(&self, touched: bool) {
        let effects = Effects::real(&|_| {});
        // The error that people see is the one that led here.
        if let Some(path) = self.path().filter(|_| touched && self.ran()) {
            let _best_effort = load(path, &effects);
        }
        if self.is_off == Some(true) {
            let _best_effort = switch::turn(false, &effects);
        }
    }

    fn path(&self) -> Option<&Path> {
        self.loaded.job()?.path.as_deref()
    }

    /// It ran, or launchd was about to start it again.
    fn ran(&self) -> bool {
        self.loaded.jobs.iter().any(|job| job.pid.is_some() || job.last_exit != Some(0))
    }
}
