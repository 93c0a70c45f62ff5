//! `loginctl` of systemd, for linger alone, and the `sudo` through which it is tried again. logind keeps who lingers as
//! a file a user (logind-user.c), and starts the manager of a user who lingers or is logged in: `runtime_folder` is
//! there while it runs.
//!
//! Settings: `session` (this user is logged in), `no-polkit` (a user may not decide on linger), `sudo` (it asks for no
//! password).

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::complain;
use crate::state::{Order, State};

/// The variable by which the fake sudo makes its child an administrator.
const AS_ROOT: &str = "FAKE_ROOTS_CHILD";

/// pam_systemd(8): the folder of this user until the last session ends.
pub fn runtime_folder(state: &State) -> PathBuf {
    state.path("root/run/user").join(rustix::process::geteuid().as_raw().to_string())
}

/// Is loginctl.
pub fn loginctl(args: &[String]) -> u8 {
    let Some(state) = State::find() else { return complain(1, "FAKE_STATE is not set") };
    let args: Vec<String> = args.iter().filter(|arg| *arg != "--no-ask-password").cloned().collect();
    match (state.call("loginctl", &args), args.as_slice()) {
        (Order::Fail, _) => complain(1, "Could not enable linger: Connection timed out"),
        (Order::Lie, _) => 0,
        (Order::Work, _) if state.has("no-polkit") && std::env::var_os(AS_ROOT).is_none() => {
            complain(1, "Could not enable linger: Interactive authentication required.")
        }
        (Order::Work, [verb, user]) if verb == "enable-linger" => linger(&state, user, true),
        (Order::Work, [verb, user]) if verb == "disable-linger" => linger(&state, user, false),
        (Order::Work, _) => complain(1, "Unknown command verb."),
    }
}

fn linger(state: &State, user: &str, on: bool) -> u8 {
    let file = format!("root/var/lib/systemd/linger/{user}");
    if on {
        let private = runtime_folder(state).join("systemd/private");
        let begun = state.set(&file, "").and_then(|()| fs::create_dir_all(private));
        return u8::from(begun.is_err());
    }
    state.remove(&file);
    if !state.has("session") {
        for unit in crate::systemctl::Definition::remembered(state) {
            crate::systemd::end(state, &unit);
        }
        let _gone = fs::remove_dir_all(runtime_folder(state));
    }
    0
}

/// Is sudo.
pub fn sudo(args: &[String]) -> u8 {
    let Some(state) = State::find() else { return complain(1, "FAKE_STATE is not set") };
    match args {
        [option, program, args @ ..] if option == "-n" && state.has("sudo") => {
            let status = Command::new(program).args(args).env(AS_ROOT, "").status();
            status.ok().and_then(|status| status.code()?.try_into().ok()).unwrap_or(1)
        }
        _ => complain(1, "sudo: a password is required"),
    }
}
