//! Setting the agent up, so that doing it again changes nothing: files, the switch, the job.
//!
//! One [`Transaction`] spans it all: when a step fails, files, the switch and what runs are as before.

use std::path::PathBuf;

use crate::effects::{Effects, Transaction};
use crate::error::Result;
use crate::home::Home;
use crate::service::definition::ServiceDefinition;
use crate::service::manager::{Install, Installed};
use crate::service::outdated::is_outdated;
use crate::service::render::plist;

use super::agents::{self, Agent, Folders};
use super::before::Before;
use super::domain::Domain;
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
        seen => seen.unwrap_or_default(), // a rehearsal goes on without launchd
    };
    let folders = Folders::of(home);
    folders.refuse_others(before.path())?;

    let mut transaction = Transaction::new(effects);
    before.restore_with(&mut transaction);
    let mut installed = Installed::default();
    write_logs(home, &mut transaction)?;
    write_files(home, &folders, definition, &mut transaction, &mut installed)?;
    if before.loaded.modern && before.is_off != Some(false) {
        switch::turn(true, effects)?;
        installed.switched_on.extend((before.is_off == Some(true)).then_some("the agent"));
    }
    if how.start {
        installed.started = start(&before, definition, &installed, &mut transaction)?;
    }
    transaction.commit();
    Ok(installed)
}

/// Log files of the user alone. launchd would make them for everybody to read, and follow a link.
fn write_logs(home: &Home, transaction: &mut Transaction<'_>) -> Result<()> {
    transaction.create_folder(&home.logs())?;
    let is_file = |log: &PathBuf| log.symlink_metadata().is_ok_and(|found| found.is_file());
    for log in home.service_logs().iter().filter(|log| !is_file(log)) {
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
            let wrote = transaction.write(&own, text.as_bytes(), 0o644)?;
            // Of another version, or with another PATH, it says the same to a host that runs.
            let is_current = earlier.is_some_and(|earlier| agents::is_current(earlier, definition));
            installed.changed |= wrote && !is_current;
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
    before: &Before,
    definition: &ServiceDefinition,
    installed: &Installed,
    transaction: &mut Transaction<'_>,
) -> Result<bool> {
    if let [job] = &*before.loaded.jobs {
        let here = job.domain.is_none() || job.domain == Some(Domain::here()?);
        let anew = installed.changed || is_outdated(job.pid, &definition.chosen, &installed.definition);
        if job.pid.is_some() && here && !anew {
            return Ok(false);
        }
    }
    before.touch(installed.definition.clone(), transaction);
    unload(&before.loaded, Some(&installed.definition), transaction.effects())?;
    load(&installed.definition, transaction.effects())?;
    Ok(true)
}
