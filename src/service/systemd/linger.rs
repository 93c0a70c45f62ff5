//! *Linger*: that a user's manager, and so the service, runs without a login session: from boot, past logout.
//!
//! logind keeps it as a file a user, and its own property `Linger` is the answer to "does that file exist"
//! (logind-user.c, `user_check_linger_file`). So looking costs no call. That ductor switched it on is kept in
//! the user's data folder, so that `service uninstall` can take back what `service install` did.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::effects::{Command, Effects, Transaction};
use crate::error::Result;
use crate::home::Home;
use crate::service::manager::Problem;
use crate::user;

use super::{bus, root};

const FOLDER: &str = "/var/lib/systemd/linger";

/// How long one way may take, with a home, a login manager or a sudo that waits for a network.
const PATIENCE: Duration = Duration::from_secs(9);

/// Whether this user lingers.
pub fn is_on() -> bool {
    root::at(FOLDER).join(bus::user_name()).exists()
}

/// The problem that the service ends at logout and does not start with the machine.
pub fn problem() -> Problem {
    Problem::new(
        "linger-off",
        "the service ends when you log out, and does not start with the machine",
        format!("sudo loginctl enable-linger {}", shell_words::quote(&bus::user_name())),
    )
}

/// Asks for linger: as the user, then through a sudo that does not ask. Whether it is on then. Taken back with
/// the transaction.
///
/// # Errors
/// That it was ductor that switched it on could not be noted.
pub fn switch_on(home: &Home, transaction: &mut Transaction<'_>) -> Result<bool> {
    if is_on() {
        return Ok(true);
    }
    // First: what can't be remembered can't be taken back.
    transaction.create_folder(&home.data())?;
    transaction.write(&note(home), b"Switched on by `ductor service install`.\n", 0o600)?;
    if turn(true, transaction) {
        return Ok(true);
    }
    forget(home, transaction.effects())?;
    Ok(false)
}

/// Asks for it in each way until one works. Whether it is so then.
fn turn(on: bool, transaction: &mut Transaction<'_>) -> bool {
    let (verb, back) =
        if on { ("enable-linger", "disable-linger") } else { ("disable-linger", "enable-linger") };
    ways(verb).into_iter().zip(ways(back)).any(|(way, back)| {
        transaction.attempt(&way, back) && (is_on() == on || !transaction.effects().is_real())
    })
}

/// `loginctl VERB` as the user, and through a sudo that does not ask. Neither waits for an answer.
fn ways(verb: &str) -> Vec<Command> {
    let user = bus::user_name();
    let plain = ["loginctl", "--no-ask-password", verb, &user];
    let through_sudo = [&["sudo", "-n"], &plain[..]].concat();
    let ways = if user::number() == 0 { vec![&plain[..]] } else { vec![&plain[..], &through_sudo[..]] };
    ways.into_iter().map(|way| Command::new(way[0], &way[1..]).timeout(PATIENCE)).collect()
}

/// Switches linger off again where ductor switched it on and nothing else of the user needs it.
/// Says what happened; nothing to say when ductor never switched it on. Taken back with the transaction.
///
/// # Errors
/// The note can't be removed.
pub fn switch_off(home: &Home, units: &Path, transaction: &mut Transaction<'_>) -> Result<Option<String>> {
    if !note(home).exists() {
        return Ok(None);
    }
    let user = bus::user_name();
    let said = match other_enabled_unit(units) {
        Some(other) => format!("linger stays on: {other} needs it"),
        None if turn(false, transaction) => "linger is off again".into(),
        None => format!(
            "linger stays on, as this needs an administrator: sudo loginctl disable-linger {}",
            shell_words::quote(&user)
        ),
    };
    transaction.remove(&note(home))?; // last: what is still noted can be taken back the next time
    Ok(Some(said))
}

fn note(home: &Home) -> PathBuf {
    home.data().join("linger")
}

fn forget(home: &Home, effects: &Effects<'_>) -> Result<()> {
    effects.remove(&note(home))?;
    effects.remove_if_empty(&folders_of_note(home));
    Ok(())
}

/// The data folder, and `.local/share` and `.local`, which may have been made for the note.
pub fn folders_of_note(home: &Home) -> Vec<PathBuf> {
    home.data().ancestors().take(3).map(Path::to_owned).collect()
}

/// A unit other than ours that this user enabled.
fn other_enabled_unit(units: &Path) -> Option<String> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let wants = entries(units).filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.ends_with(".wants") || name.ends_with(".requires")
    });
    let enabled = wants.flat_map(|folder| entries(&folder.path()).map(|entry| entry.file_name()));
    enabled
        .map(|name| name.to_string_lossy().into_owned())
        .find(|name| name != crate::service::render::unit::NAME)
}
