//! Taking the agent away, with everything that was made for it, whatever state it is in.
//!
//! One [`Transaction`] spans it all: when a step fails, files, the switch and what runs are as before.

use std::path::PathBuf;

use crate::effects::{Effects, Transaction};
use crate::error::Result;
use crate::home::Home;
use crate::host::{self, log_files};

use super::agents::{Agent, Folders};
use super::before::Before;
use super::load::unload;
use super::switch;

/// See [`Manager::uninstall`](crate::service::manager::Manager::uninstall).
pub fn uninstall(home: &Home, effects: &Effects<'_>) -> Result<Vec<String>> {
    let folders = Folders::of(home);
    let (own, packaged) = (folders.agent(), folders.packaged());
    let (before, unreachable) = match Before::look() {
        Ok(before) => (before, None),
        // What runs could not be ended, and would be left without a definition.
        Err(error) if runs(home) => return Err(error),
        Err(error) => (Before::default(), Some(error)),
    };
    folders.refuse_others(before.path())?;
    let mut said: Vec<String> =
        unreachable.iter().map(|error| format!("warning: {}: {}", error.what, error.cause)).collect();

    let mut transaction = Transaction::new(effects);
    before.restore_with(&mut transaction);
    if !before.loaded.jobs.is_empty() {
        before.touch(own.clone(), &mut transaction);
        unload(&before.loaded, Some(&own), effects)?;
        said.push("stopped the service".into());
    }
    if matches!(Agent::read(&own), Some(Agent::Ours(_) | Agent::Python(_))) {
        transaction.remove(&own)?;
        said.push(format!("removed {}", own.display()));
    }
    for log in log_files::all(home) {
        transaction.remove(&log)?;
    }
    if before.loaded.modern {
        said.extend(turn_switch(packaged, before.is_off, effects)?);
    }
    transaction.commit();
    effects.remove_if_empty(&[home.logs(), folders.own]);
    Ok(said)
}

fn runs(home: &Home) -> bool {
    host::find(home).and_then(|host| host.state).is_some_and(|said| said.is_supervised())
}

/// An agent of a package stays, so it is switched off; otherwise nothing is left of a switch.
fn turn_switch(
    packaged: Option<PathBuf>,
    is_off: Option<bool>,
    effects: &Effects<'_>,
) -> Result<Option<String>> {
    match (packaged, is_off) {
        (Some(packaged), Some(false) | None) => {
            switch::turn(false, effects)?;
            Ok(Some(format!("switched off, as {} belongs to a package", packaged.display())))
        }
        (None, Some(true)) => switch::turn(true, effects).map(|()| None),
        _ => Ok(None),
    }
}
