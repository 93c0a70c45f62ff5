//! Setting the user service up, so that doing it again changes nothing: files, enablement, linger, the host.
//!
//! One [`Transaction`] spans it all: when a step fails, files, settings and what runs are as before.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::effects::{self, Effects, Transaction, file};
use crate::error::{Context, Error, Result};
use crate::home::Home;
use crate::service::definition::ServiceDefinition;
use crate::service::folder;
use crate::service::manager::{Install, Installed, State};
use crate::service::outdated::is_outdated;
use crate::service::render::unit;

use super::show::Shown;
use super::units::{self, Folders, Unit};
use super::{bus, keep, linger};

/// See [`Manager::install`](crate::service::manager::Manager::install).
pub fn install(
    home: &Home,
    definition: &ServiceDefinition,
    how: Install,
    effects: &Effects<'_>,
) -> Result<Installed> {
    unit::render(definition)?; // what no unit can carry is refused before anything else
    let lingered = linger::is_on();
    let mut transaction = Transaction::new(effects);
    let reached = wait_for_manager(home, how, &mut transaction)?;
    let ask = || if reached.is_some() { Shown::ask() } else { Ok(Shown::default()) };
    let folders = reached.clone().unwrap_or_else(|| Folders::usual(home));
    refuse_others(&folders)?;
    let definition = &folders.without_others(definition, home);
    transaction.afterwards(bus::systemctl(&["daemon-reload"]));

    let mut installed = Installed::default();
    write_files(&folders, definition, &mut transaction, &mut installed)?;
    if installed.changed || ask()?.needs_reload() {
        transaction.run(&bus::systemctl(&["daemon-reload"]), None)?;
    }
    let mut now = ask()?;
    if effects.is_real() {
        super::refuse_broken(&now)?;
    }
    if !now.is_enabled() {
        let back = bus::systemctl(&["disable", unit::NAME]);
        let enable = bus::systemctl(&["enable", unit::NAME]);
        transaction.run(&enable, Some(back))?;
        now = ask()?;
        if effects.is_real() && !now.is_enabled() {
            return Err(Error::new(enable, "it says that it is done, but the unit is not enabled"));
        }
        installed.switched_on.push("the unit");
    }
    if how.linger && !linger::switch_on(home, &mut transaction)? {
        installed.problems.push(linger::problem());
    }
    if !lingered && linger::is_on() {
        installed.switched_on.push("linger");
    }
    if how.start {
        let own = folders.unit();
        let carrier = if installed.definition == own { own } else { folders.drop_in() };
        let anew = installed.changed || is_outdated(now.pid(), &definition.chosen, &carrier);
        installed.started = start(&now, anew, &mut transaction)?;
    }
    transaction.commit();
    Ok(installed)
}

/// Without a login session there is no user manager until the user lingers: cron, `su`, a fresh server.
/// The folders that it reads, once it can be reached; a rehearsal goes on without it.
fn wait_for_manager(home: &Home, how: Install, transaction: &mut Transaction<'_>) -> Result<Option<Folders>> {
    let error = match Folders::ask(home) {
        Ok(folders) => return Ok(Some(folders)),
        Err(error) => error,
    };
    if !transaction.effects().is_real() {
        return Ok(None);
    }
    if !how.linger || !bus::machine_runs_systemd() || !linger::switch_on(home, transaction)? {
        return Err(error);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if let Ok(folders) = Folders::ask(home) {
            return Ok(Some(folders));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(error)
}

/// A unit of this name that is somebody else's, a mask by an administrator, a folder that others can write.
fn refuse_others(folders: &Folders) -> Result<()> {
    folder::check(&folders.own)?;
    folder::check(&folders.drop_ins())?;
    let own = folders.unit();
    if Unit::read(&own) == Some(Unit::Foreign) {
        return Err(Unit::refuse(&own));
    }
    match folders.for_everybody() {
        Some((path, Unit::Mask)) => Err(Error::new(
            unit::NAME,
            format!("an administrator has masked it for every user ({})", path.display()),
        )
        .fix(units::UNMASK_FOR_EVERYBODY)),
        Some((path, Unit::Foreign | Unit::Python { .. })) => Err(Unit::refuse(&path)),
        _ => Ok(()),
    }
}

/// Brings the unit folder into the state in which the manager loads our definition.
fn write_files(
    folders: &Folders,
    definition: &ServiceDefinition,
    transaction: &mut Transaction<'_>,
    installed: &mut Installed,
) -> Result<()> {
    let own = folders.unit();
    let found = Unit::read(&own);
    let is_ours = matches!(found, Some(Unit::Ours { .. }));
    let added = match &found {
        Some(Unit::Ours { text } | Unit::Python { text }) => keep::additions(text),
        _ => None,
    };
    if matches!(found, Some(Unit::Python { .. })) {
        installed.notes.push(format!("took over the unit of the Python ductor: {}", own.display()));
    }
    if let Some(mask) = folders.runtime_mask() {
        installed.changed |= transaction.remove(&mask)?;
    }
    match (folders.packaged(), added) {
        // It shadows the package's, but who wrote into it wants what it says.
        (Some(_), Some(added)) if is_ours => {
            let text = keep::in_place(&unit::render(definition)?, &added);
            installed.changed |= write(&own, text, transaction)?;
            installed.problems.push(folders.shadows_package(true));
            installed.definition = own;
        }
        (Some(packaged), added) => {
            installed.changed |= transaction.remove(&own)?;
            transaction.remove(&folders.wanted())?;
            match unit::render_drop_in(&definition.chosen)? {
                Some(text) => {
                    transaction.create_folder(&folders.drop_ins())?;
                    installed.changed |= write(&folders.drop_in(), text, transaction)?;
                }
                None => installed.changed |= transaction.remove(&folders.drop_in())?,
            }
            keep_added(folders, added, transaction, installed)?;
            installed.definition = packaged;
        }
        (None, added) => {
            transaction.create_folder(&folders.own)?;
            keep_added(folders, added, transaction, installed)?;
            let text = unit::render(definition)?;
            installed.changed |= write(&own, text, transaction)?;
            installed.changed |= transaction.remove(&folders.drop_in())?;
            installed.definition = own;
        }
    }
    Ok(())
}

/// Writes a unit or drop-in. One of another version that says the same stays: nothing is restarted for a comment.
fn write(path: &Path, text: String, transaction: &mut Transaction<'_>) -> Result<bool> {
    let text = match Unit::read(path) {
        Some(Unit::Ours { text: found }) if unit::say_the_same(&found, &text) => found,
        _ => text,
    };
    transaction.write(path, text.as_bytes(), 0o600)
}

/// Gives the lines that people had added to a unit a drop-in, with those that it has already.
fn keep_added(
    folders: &Folders,
    added: Option<String>,
    transaction: &mut Transaction<'_>,
    installed: &mut Installed,
) -> Result<()> {
    let Some(added) = added else { return Ok(()) };
    let kept = folders.drop_ins().join("kept.conf");
    transaction.create_folder(&folders.drop_ins())?;
    let before = match file::read_bounded(&kept, units::LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        read => Some(effects::text(&read.about(format!("read {}", kept.display()))?)),
    };
    transaction.write(&kept, keep::drop_in(before.as_deref(), &added).as_bytes(), 0o600)?;
    installed.notes.push(format!("kept the lines you had added: {}", kept.display()));
    Ok(())
}

/// Starts the host, anew where it runs by another definition. Whether it did.
fn start(now: &Shown, anew: bool, transaction: &mut Transaction<'_>) -> Result<bool> {
    let runs = now.state() == State::Running;
    if runs && !anew {
        return Ok(false);
    }
    // Who asks for it has seen to the cause of earlier failures. Fails when there is nothing to reset.
    transaction.effects().run(&bus::systemctl(&["reset-failed", unit::NAME]))?;
    let start = bus::systemctl(&["start", unit::NAME]);
    if runs {
        transaction.afterwards(start);
        transaction.run(&bus::systemctl(&["restart", unit::NAME]), None)
    } else {
        transaction.run(&start, Some(bus::systemctl(&["stop", unit::NAME])))
    }
    .map_err(super::why_not_started)?;
    Ok(true)
}
