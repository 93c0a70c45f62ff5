//! Taking the agent away, with everything that was made for it, whatever state it is in.

use std::fs;
use std::path::PathBuf;

use crate::effects::Effects;
use crate::error::Result;
use crate::home::Home;

use super::agents::{Agent, Folders};
use super::job::Loaded;
use super::load::unload;
use super::switch;

/// See [`Manager::uninstall`](crate::service::manager::Manager::uninstall).
pub fn uninstall(home: &Home, effects: &Effects<'_>) -> Result<Vec<String>> {
    let folders = Folders::of(home);
    let (own, packaged) = (folders.agent(), folders.packaged());
    let (loaded, unreachable) = match Loaded::ask() {
        Ok(loaded) => (loaded, None),
        Err(error) => (Loaded::default(), Some(error)),
    };
    folders.refuse_others(loaded.job().and_then(|job| job.path.as_deref()))?;
    let mut said: Vec<String> = unreachable.iter().map(|error| format!("warning: {}", error.cause)).collect();

    // A host that does not end keeps no file in place.
    let ended = unload(&loaded, Some(&own), effects);
    if !loaded.jobs.is_empty() && ended.is_ok() {
        said.push("stopped the service".into());
    }
    if matches!(Agent::read(&own), Some(Agent::Ours(_) | Agent::Python(_))) {
        effects.remove(&own)?;
        said.push(format!("removed {}", own.display()));
    }
    for log in logs(home) {
        effects.remove(&log)?;
    }
    if loaded.modern {
        said.extend(turn_switch(packaged, effects)?);
    }
    effects.remove_if_empty(&[home.logs(), folders.own]);
    ended.map(|()| said)
}

/// An agent of a package stays, so it is switched off; otherwise nothing is left of a switch.
fn turn_switch(packaged: Option<PathBuf>, effects: &Effects<'_>) -> Result<Option<String>> {
    match (packaged, switch::is_off()) {
        (Some(packaged), Some(false) | None) => {
            switch::turn(false, effects)?;
            Ok(Some(format!("switched off, as {} belongs to a package", packaged.display())))
        }
        (None, Some(true)) => switch::turn(true, effects).map(|()| None),
        _ => Ok(None),
    }
}

/// The files of the service's log, those that were rotated out too.
fn logs(home: &Home) -> Vec<PathBuf> {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("service.log") || name.starts_with("service.err")
    };
    let files = fs::read_dir(home.logs()).into_iter().flatten().flatten();
    files.map(|file| file.path()).filter(is_ours).collect()
}
