//! How the user manager is reached, also without a login session: over ssh, `su`, `su -`, cron.

use std::env;
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{absent, root};
use crate::effects::command::{Asked, begin};
use crate::effects::file::Owner;
use crate::effects::{Command, Output, ask};
use crate::error::{Code, Error, Result};
use crate::service::definition::STOP_TIMEOUT;
use crate::user;

/// `systemctl --user ARGS`, with the environment that finds this user's manager.
pub fn systemctl(args: &[&str]) -> Command {
    let arguments = ["--user", "--no-pager", "--no-ask-password"].iter().chain(args);
    let mut command =
        Command::new("systemctl", arguments).timeout(Duration::from_secs(u64::from(STOP_TIMEOUT) + 15));
    // What it says has no characters of a locale, and it would read a dozen files to have one.
    command = command.env("LC_ALL", "C");
    for (name, value) in environment() {
        command = command.env(name, value);
    }
    command
}

/// How long a question may take. It is a file or two and one call; who waits for the answer is a person.
const ANSWER: Duration = Duration::from_secs(10);

/// `systemctl --user ARGS`, whose failure means that the manager can't be reached.
///
/// # Errors
/// [`Code::Unavailable`], with the reason that applies and what to do about it.
pub fn query(args: &[&str]) -> Result<Output> {
    begin_query(args)()
}

/// Begins a [`query`], whose answer is waited for when it is called for.
pub fn begin_query(args: &[&str]) -> impl FnOnce() -> Result<Output> + use<> {
    let command = systemctl(args).timeout(ANSWER);
    let asked = begin(&command);
    move || {
        let unreachable = |error: Error| why_unreachable().unwrap_or_else(|| error.code(Code::Unavailable));
        let output = asked.and_then(Asked::answer).map_err(unreachable)?;
        if output.success() {
            return Ok(output);
        }
        let state_of_manager = format!("systemctl status user@{}.service", user::number());
        Err(unreachable(command.failed(&output).fix(state_of_manager)))
    }
}

/// What journalctl and systemctl need to find this user's manager.
pub fn environment() -> Vec<(&'static str, OsString)> {
    let Some(folder) = runtime_folder() else { return Vec::new() };
    let mut environment = vec![("XDG_RUNTIME_DIR", folder.clone().into_os_string())];
    // Without a bus socket systemctl takes the manager's own, `systemd/private`: naming a bus that is not
    // there would keep it from that.
    if env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none() && folder.join("bus").exists() {
        let mut address = OsString::from("unix:path=");
        address.push(folder.join("bus"));
        environment.push(("DBUS_SESSION_BUS_ADDRESS", address));
    }
    environment
}

/// The user's runtime folder: the one of the environment if it is ours (`su` leaves the other user's), else
/// where pam_systemd(8) puts it.
fn runtime_folder() -> Option<PathBuf> {
    let given = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let usual = root::at(&format!("/run/user/{}", user::number()));
    given.into_iter().chain([usual]).find(|folder| folder.is_absolute() && is_ours(folder))
}

/// The reason why a user manager can't be reached, from facts rather than from localised text.
fn why_unreachable() -> Option<Error> {
    let user = user_name();
    let error = |cause: &str, fix: String| {
        Some(Error::new("the systemd user manager", cause).code(Code::Unavailable).fix(fix))
    };
    if !machine_runs_systemd() {
        let (cause, fix) = absent::explain(&root::at("/"));
        return error(cause, fix);
    }
    if runtime_folder().is_none() {
        return error(
            &format!("none runs for {user}: there is no login session, and no lingering"),
            format!("sudo loginctl enable-linger {}", shell_words::quote(&user)),
        );
    }
    None
}

/// Whether systemd is this machine's init: sd_booted(3).
pub fn machine_runs_systemd() -> bool {
    root::at("/run/systemd/system").is_dir()
}

/// The name of the effective user, as the user database has it; `USER` may be another's.
pub fn user_name() -> String {
    let uid = user::number().to_string();
    let local = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = local
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|entry| entry.get(2) == Some(&&*uid));
    if let Some(name) = entry.and_then(|entry| entry.first().copied()) {
        return name.to_owned();
    }
    // Users of a directory service: id(1) asks it, which a static binary can't.
    let asked = ask(&Command::new("id", ["-un"])).ok().filter(Output::success);
    asked
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or(uid)
}

fn is_ours(folder: &Path) -> bool {
    let meta = folder.symlink_metadata().ok().filter(Metadata::is_dir);
    meta.and_then(|meta| Owner::of(&meta)).is_some_and(|owner| owner.user == user::number())
}
