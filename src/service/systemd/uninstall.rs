//! Taking the user service away, with everything that was made for it, whatever state it is in.

use std::path::Path;

use crate::effects::Effects;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::service::render::unit;

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
    let mut said: Vec<String> = unreachable.iter().map(|error| format!("warning: {}", error.cause)).collect();
    let reachable = unreachable.is_none();
    let ours = matches!(found, Some(Unit::Ours { .. } | Unit::Python { .. }));

    if reachable && (ours || (packaged.is_some() && found.is_none())) {
        must(effects, &["stop", unit::NAME])?;
        // What an earlier install made of it; a unit enabled for everybody keeps its link, hence the mask.
        must(effects, &["disable", "--quiet", unit::NAME])?;
    }
    if ours {
        effects.remove(&own)?;
        said.push(format!("removed {}", own.display()));
    }
    if Unit::read(&folders.drop_in()).is_some_and(|drop_in| matches!(drop_in, Unit::Ours { .. })) {
        effects.remove(&folders.drop_in())?;
        said.push(format!("removed {}", folders.drop_in().display()));
    }
    effects.remove(&folders.wanted())?;
    if let Some(packaged) = packaged {
        if found != Some(Unit::Mask) {
            effects.create_folder(&folders.own)?;
            effects.link(Path::new("/dev/null"), &own)?; // as `systemctl mask` does
            said.push(format!("masked, as {} belongs to a package", packaged.display()));
        }
    }
    if reachable && !said.is_empty() {
        must(effects, &["daemon-reload"])?;
        // Fails when there is nothing to reset.
        effects.run(&bus::systemctl(&["reset-failed", unit::NAME]))?;
    }
    said.extend(linger::switch_off(home, &folders.own, effects)?);
    remove_empty_folders(&folders, effects);
    Ok(said)
}

fn must(effects: &Effects<'_>, args: &[&str]) -> Result<()> {
    let command = bus::systemctl(args);
    let output = effects.run(&command)?;
    if output.success() { Ok(()) } else { Err::<(), Error>(command.failed(&output)) }
}

/// Folders that the installation may have made; those that hold anything else stay.
fn remove_empty_folders(folders: &Folders, effects: &Effects<'_>) {
    let mut empty = vec![folders.drop_ins()];
    empty.extend(folders.wanted().ancestors().skip(1).take(4).map(Into::into));
    effects.remove_if_empty(&empty);
}
