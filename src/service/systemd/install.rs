//! Setting the user service up, so that doing it again changes nothing: files, enablement, linger.

use std::time::{Duration, Instant};

use crate::effects::{Effects, Transaction};
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::service::definition::ServiceDefinition;
use crate::service::manager::{Install, Installed, Problem};
use crate::service::render::unit;

use super::units::{Folders, Unit, check_folder};
use super::{bus, keep, linger, show};

/// See [`Manager::install`](crate::service::manager::Manager::install).
pub fn install(
    home: &Home,
    definition: &ServiceDefinition,
    how: Install,
    effects: &Effects<'_>,
) -> Result<Installed> {
    wait_for_manager(home, how, effects)?;
    let folders = Folders::ask(home)?;
    check_folder(&folders.own)?;
    let before = show::show()?;

    let mut transaction = Transaction::new(effects);
    let mut installed = Installed::default();
    write_files(&folders, definition, &mut transaction, &mut installed)?;
    enable(&before, &mut transaction, &installed)?;
    if how.linger && !linger::switch_on(home, effects)? {
        installed.problems.push(linger::problem());
    }
    transaction.commit();
    Ok(installed)
}

/// Without a login session there is no user manager until the user lingers: cron, `su`, a fresh server.
fn wait_for_manager(home: &Home, how: Install, effects: &Effects<'_>) -> Result<()> {
    let Err(error) = bus::query(&["show", "--property=Version"]) else { return Ok(()) };
    if !how.linger || !bus::machine_runs_systemd() || !effects.is_real() || !linger::switch_on(home, effects)?
    {
        return Err(error);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if bus::query(&["show", "--property=Version"]).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(error)
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
    let added = match &found {
        Some(Unit::Foreign) => return Err(Unit::refuse(&own)),
        Some(Unit::Ours { text } | Unit::Python { text }) => keep::additions(text),
        Some(Unit::Mask) | None => None,
    };
    if matches!(found, Some(Unit::Python { .. })) {
        installed.notes.push(format!("took over the unit of the Python ductor: {}", own.display()));
    }
    match folders.packaged() {
        Some(packaged) if !(added.is_some() && matches!(found, Some(Unit::Ours { .. }))) => {
            installed.changed |= transaction.remove(&own)?;
            transaction.remove(&folders.wanted())?;
            match unit::render_drop_in(&definition.chosen)? {
                Some(text) => {
                    transaction.create_folder(&folders.drop_ins())?;
                    installed.changed |= transaction.write(&folders.drop_in(), text.as_bytes(), 0o600)?;
                }
                None => installed.changed |= transaction.remove(&folders.drop_in())?,
            }
            installed.definition = packaged;
        }
        packaged => {
            installed.problems.extend(packaged.map(|_| shadows_package(folders)));
            transaction.create_folder(&folders.own)?;
            let text = unit::render(definition)?;
            installed.changed |= transaction.write(&own, text.as_bytes(), 0o600)?;
            installed.changed |= transaction.remove(&folders.drop_in())?;
            installed.definition = own;
        }
    }
    if let Some(added) = added.filter(|_| installed.changed) {
        let kept = folders.drop_ins().join("kept.conf");
        transaction.create_folder(&folders.drop_ins())?;
        transaction.write(&kept, added.as_bytes(), 0o600)?;
        installed.notes.push(format!("kept the lines you had added: {}", kept.display()));
    }
    Ok(())
}

/// A unit of ours with lines of the user's, before the one of the package.
pub fn shadows_package(folders: &Folders) -> Problem {
    let unit = folders.unit();
    Problem::new(
        "shadows-package",
        format!("{} has lines of your own, so the package's unit is not used", unit.display()),
        format!("systemctl --user edit ductor, then: rm {} && ductor service install", unit.display()),
    )
}

fn enable(before: &show::Shown, transaction: &mut Transaction<'_>, installed: &Installed) -> Result<()> {
    let reload = || bus::systemctl(&["daemon-reload"]);
    if installed.changed || before.needs_reload() {
        transaction.run(&reload(), Some(reload()))?;
    }
    let now = show::show()?;
    if now.is_masked() && before.is_masked() && !installed.changed {
        return Err(Error::new(unit::NAME, "an administrator has masked it for every user")
            .fix("ask for: sudo systemctl --global unmask ductor.service")
            .code(Code::Failed));
    }
    if !now.is_enabled() {
        let back = bus::systemctl(&["disable", unit::NAME]);
        transaction.run(&bus::systemctl(&["enable", unit::NAME]), Some(back))?;
    }
    Ok(())
}
