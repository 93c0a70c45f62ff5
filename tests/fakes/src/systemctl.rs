//! `systemctl --user` of systemd, as far as ductor and its users use it. It changes files and what stands in the state
//! folder; that a service runs is the business of [`systemd`], which files make a unit that of
//! `definition`.
//!
//! # Sources
//!
//! systemctl(1), systemd.unit(5), systemd.service(5) and org.freedesktop.systemd1(5); the lab runs the same commands on
//! booted machines with systemd 252 and 257, and what it saw there (`NRestarts` counts the start that the limit
//! refused, `Result` keeps the failure before it, an unknown unit is 5) is so here. Where they say nothing, the simplest
//! behaviour was taken: there are no jobs and no control groups, and a unit that is not enabled is forgotten when it
//! ends.
//!
//! # Settings
//!
//! | file in the state folder | meaning |
//! |---|---|
//! | `home` | the home folder of the user, as the manager knows it |
//! | `environment` | `NAME=VALUE` lines that every service gets, as by `systemctl --user set-environment` |
//! | `restart-ms` | instead of `RestartSec` |
//! | `journal-ms` | so long each line is on its way to the journal |
//! | `root/` | the machine's files, as `/`: `run/systemd/system` where systemd is the init, units of packages and of administrators, who lingers |
//!
//! The manager is there while `root/run/user/UID/systemd/private` is, which stands for its socket.

mod definition;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread::sleep;

pub use definition::{Definition, Folders};

use crate::child::LOOK_EVERY;
use crate::state::{Order, State};
use crate::systemd::{self, Service};
use crate::{complain, say};

const OK: u8 = 0;
const FAILED: u8 = 1;
/// systemctl(1), "Exit status", by the LSB: not installed.
const NOT_INSTALLED: u8 = 5;

/// Options that change nothing of what is modelled.
const WITHOUT_MEANING: [&str; 4] = ["--user", "--no-pager", "--no-ask-password", "--quiet"];

/// Is systemctl.
pub fn main(args: &[String]) -> u8 {
    let Some(state) = State::find() else { return complain(FAILED, "FAKE_STATE is not set") };
    let is_meant = |arg: &&String| !WITHOUT_MEANING.contains(&arg.as_str());
    let args: Vec<String> = args.iter().filter(is_meant).cloned().collect();
    match state.call("systemctl", &args) {
        Order::Fail => return complain(FAILED, "Failed to do that: Access denied"),
        Order::Lie => return OK,
        Order::Work => {}
    }
    if !is_reached() {
        return complain(FAILED, "Failed to connect to bus: No medium found");
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    run(&state, &words)
}

/// By the manager's own socket, or by the one of the bus.
fn is_reached() -> bool {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").unwrap_or_default();
    runtime.is_some_and(|runtime| runtime.join("systemd/private").exists())
        || bus.strip_prefix("unix:path=").is_some_and(|bus| Path::new(bus).exists())
}

fn run(state: &State, words: &[&str]) -> u8 {
    match words {
        ["show", "--property=Version"] => say("Version=252 (a fake one)"),
        ["show", "--property=UnitPath"] => say(&format!("UnitPath={}", Folders::of(state).joined())),
        ["show", name, properties] if properties.starts_with("--property=") => show(state, name, properties),
        ["daemon-reload"] => reload(state),
        ["start", name] => start(state, name),
        ["stop", name] => stop(state, name),
        ["restart", name] => match stop(state, name) {
            OK => start(state, name),
            NOT_INSTALLED if Definition::read(state, name).is_some() => start(state, name),
            code => code,
        },
        ["reset-failed", name] => reset_failed(state, name),
        ["enable", name] => enable(state, name),
        ["disable", name] => disable(state, name),
        ["mask", name] => mask(state, &Folders::of(state).own, name),
        ["mask", "--runtime", name] => mask(state, &Folders::of(state).runtime, name),
        _ => complain(FAILED, &format!("Unknown command verb '{}'.", words.join(" "))),
    }
}

/// systemctl(1): a property that is not known is left out, and a unit that is not there is no failure.
fn show(state: &State, name: &str, properties: &str) -> u8 {
    let definition = Definition::read(state, name);
    let service = Service::read(state, name);
    let masked = definition.as_ref().is_some_and(|it| it.masked);
    let value = |property: &str| match property {
        "LoadState" if masked => "masked".into(),
        "LoadState" if definition.as_ref().is_some_and(Definition::is_broken) => "bad-setting".into(),
        "LoadState" if definition.as_ref().is_some_and(|it| it.fragment.is_some()) => "loaded".into(),
        "LoadState" => "not-found".into(),
        "UnitFileState" => Folders::of(state).state_of(name).into(),
        "ActiveState" => service.active.clone(),
        "SubState" => service.sub.clone(),
        "Result" => service.result.clone(),
        "MainPID" => service.pid.to_string(),
        "ExecMainCode" => service.code.to_string(),
        "ExecMainStatus" => service.status.to_string(),
        "NRestarts" => service.restarts.to_string(),
        "FragmentPath" => {
            let fragment = definition.as_ref().and_then(|it| it.fragment.as_ref());
            fragment.map(|it| it.display().to_string()).unwrap_or_default()
        }
        "DropInPaths" => {
            let paths = definition.iter().flat_map(|it| &it.drop_ins);
            paths.map(|it| it.display().to_string()).collect::<Vec<_>>().join(" ")
        }
        "NeedDaemonReload" => {
            let stale = definition.as_ref().is_some_and(|it| it.is_stale(state, name));
            if stale { "yes" } else { "no" }.into()
        }
        _ => String::new(),
    };
    let properties = properties.trim_start_matches("--property=").split(',');
    say(&properties.map(|it| format!("{it}={}", value(it))).collect::<Vec<_>>().join("\n"))
}

fn reload(state: &State) -> u8 {
    for name in Definition::remembered(state) {
        let stays = !Service::read(state, &name).is_idle() || Folders::of(state).state_of(&name) == "enabled";
        Definition::forget(state, &name);
        let remembered = !stays || Definition::find(state, &name).remember(state, &name).is_ok();
        if !remembered {
            return complain(FAILED, "Failed to reload daemon: No space left on device");
        }
    }
    OK
}

fn start(state: &State, name: &str) -> u8 {
    let definition = match Definition::read(state, name) {
        Some(definition) if definition.masked => {
            return complain(FAILED, &format!("Failed to start {name}: Unit {name} is masked."));
        }
        Some(definition) if definition.is_broken() => {
            return complain(
                FAILED,
                &format!("Failed to start {name}: Unit {name} has a bad unit file setting."),
            );
        }
        Some(definition) if definition.fragment.is_some() => definition,
        _ => {
            return complain(NOT_INSTALLED, &format!("Failed to start {name}: Unit {name} not found."));
        }
    };
    let before = Service::read(state, name);
    if before.is_idle() {
        let begun = definition.remember(state, name).and_then(|()| systemd::begin(state, name, &definition));
        if let Err(error) = begun {
            return complain(FAILED, &format!("Failed to start {name}: {error}"));
        }
    }
    // One that waits for its next try is started by that: systemd has no other answer to it.
    while ["activating", "deactivating"].contains(&Service::read(state, name).active.as_str()) {
        sleep(LOOK_EVERY);
    }
    match Service::read(state, name).active.as_str() {
        "failed" => complain(
            FAILED,
            &format!("Job for {name} failed.\nSee \"systemctl --user status {name}\" for details."),
        ),
        _ => OK, // also where a condition was not met
    }
}

fn stop(state: &State, name: &str) -> u8 {
    let service = Service::read(state, name);
    let is_known = Definition::read(state, name).is_some_and(|it| it.fragment.is_some() || it.masked);
    if service.is_idle() && !is_known {
        return complain(NOT_INSTALLED, &format!("Failed to stop {name}: Unit {name} not loaded."));
    }
    systemd::end(state, name);
    OK
}

/// The counters too, also of a unit that has not failed; it has to be loaded.
fn reset_failed(state: &State, name: &str) -> u8 {
    let is_loaded = Definition::read(state, name).is_some_and(|it| it.fragment.is_some());
    if !is_loaded {
        return complain(
            FAILED,
            &format!("Failed to reset failed state of unit {name}: Unit {name} not loaded."),
        );
    }
    systemd::reset(state, name);
    OK
}

/// With the reload that `enable` and its like do at their end.
fn enable(state: &State, name: &str) -> u8 {
    let folders = Folders::of(state);
    let found = Definition::find(state, name);
    let Some(fragment) = found.fragment.filter(|_| !found.masked) else {
        let why = if found.masked { "is masked" } else { "does not exist" };
        return complain(FAILED, &format!("Failed to enable unit: Unit file {name} {why}."));
    };
    let link = folders.own.join("default.target.wants").join(name);
    let _old = fs::remove_file(&link);
    let made = link.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| symlink(&fragment, &link));
    match made {
        Ok(()) => {
            // What its target wants is loaded from now on.
            let _full_disk = Definition::find(state, name).remember(state, name);
            reload(state)
        }
        Err(error) => complain(FAILED, &format!("Failed to enable unit: {error}")),
    }
}

fn disable(state: &State, name: &str) -> u8 {
    if Definition::find(state, name).fragment.is_none() {
        return complain(FAILED, &format!("Failed to disable unit: Unit file {name} does not exist."));
    }
    let folder = Folders::of(state).own.join("default.target.wants");
    let _gone = fs::remove_file(folder.join(name));
    let _others = fs::remove_dir(folder);
    reload(state)
}

fn mask(state: &State, folder: &Path, name: &str) -> u8 {
    let path = folder.join(name);
    let made = fs::create_dir_all(folder).and_then(|()| symlink("/dev/null", &path));
    match made {
        Ok(()) => reload(state),
        Err(error) => complain(FAILED, &format!("Failed to mask unit: File {}: {error}", path.display())),
    }
}
