//! Taking the user service away, with everything that was made for it, whatever state it is in.
//!
//! One [`Transaction`] spans it all: when a step fails, files, settings and what runs are as before. What rests on
//! files and may be refused comes first, so that the host ends when hardly anything can fail any more.

use std::path::{Path, PathBuf};

use crate::effects::{Effects, Transaction};
use crate::error::Result;
use crate::home::Home;
use crate::service::render::unit;

use super::show::Shown;
use super::units::{Folders, Unit};
use super::{bus, linger};

/// See [`Manager::uninstall`](crate::service::manager::Manager::uninstall).
pub fn uninstall(home: &Home, effects: &Effects<'_>) -> Result<Vec<String>> {
    let (folders, unreachable) = match Folders::ask(home) {
        Ok(folders) => (folders, None),
        Err(error) => (Folders::usual(home), Some(error)),
    };
    let own = folders.unit();
    let found = Unit::read(&own);
    if found == Some(Unit::Foreign) {
        return Err(Unit::refuse(&own));
    }
    let packaged = folders.packaged();
    let mut said: Vec<String> =
        unreachable.iter().map(|error| format!("warning: {}: {}", error.what, error.cause)).collect();
    let reachable = unreachable.is_none();
    let ours = matches!(found, Some(Unit::Ours { .. } | Unit::Python { .. }));
    let runs = reachable && is_ours_and_runs(&folders, found.as_ref())?;
    let mut transaction = Transaction::new(effects);
    transaction.afterwards(bus::systemctl(&["daemon-reload"]));
    if runs {
        transaction.afterwards(bus::systemctl(&["start", unit::NAME]));
    }

    if reachable && (ours || (packaged.is_some() && found.is_none())) {
        // What an earlier install made of it; a unit enabled for everybody keeps its link, hence the mask.
        let was_enabled = folders.wanted().is_symlink();
        let enable = was_enabled.then(|| bus::systemctl(&["enable", "--quiet", unit::NAME]));
        transaction.run(&bus::systemctl(&["disable", "--quiet", unit::NAME]), enable)?;
    }
    if ours {
        transaction.remove(&own)?;
        said.push(format!("removed {}", own.display()));
    }
    if Unit::read(&folders.drop_in()).is_some_and(|drop_in| matches!(drop_in, Unit::Ours { .. })) {
        transaction.remove(&folders.drop_in())?;
        said.push(format!("removed {}", folders.drop_in().display()));
    }
    transaction.remove(&folders.wanted())?;
    if let Some(packaged) = packaged {
        if found != Some(Unit::Mask) {
            transaction.create_folder(&folders.own)?;
            transaction.link(Path::new("/dev/null"), &own)?; // as `systemctl mask` does
            said.push(format!("masked, as {} belongs to a package", packaged.display()));
        }
    }
    if runs {
        // Before the manager hears that the definition is gone, and with it how the host is to be stopped.
        super::stop(&mut transaction)?;
        said.push("stopped the service".into());
    }
    if reachable && !said.is_empty() {
        transaction.run(&bus::systemctl(&["daemon-reload"]), None)?;
        // Fails when there is nothing to reset.
        effects.run(&bus::systemctl(&["reset-failed", unit::NAME]))?;
    }
    let of_linger = linger::switch_off(home, &folders.own, &mut transaction)?;
    transaction.commit();
    let noted = if of_linger.is_some() { linger::folders_of_note(home) } else { Vec::new() };
    remove_empty_folders(&folders, noted, effects);
    said.extend(of_linger);
    Ok(said)
}

/// Whether there is a host to stop. Its files may be gone, when an earlier command was cut off.
fn is_ours_and_runs(folders: &Folders, own: Option<&Unit>) -> Result<bool> {
    let foreign = matches!(folders.for_everybody(), Some((_, Unit::Foreign | Unit::Python { .. })));
    Ok((own.is_some() || !foreign) && Shown::ask()?.state().is_active())
}

/// Folders that the installation may have made; those that hold anything else stay.
fn remove_empty_folders(folders: &Folders, mut empty: Vec<PathBuf>, effects: &Effects<'_>) {
    empty.push(folders.drop_ins());
    empty.extend(folders.wanted().ancestors().skip(1).take(4).map(PathBuf::from));
    effects.remove_if_empty(&empty);
}
