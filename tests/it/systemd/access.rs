//! How the manager is reached, and what is said where it is not: sessions, linger, machines without systemd.

use std::fs;

use super::Linux;
use crate::world::Said;

#[test]
fn case_06_without_the_variables_of_a_session_the_service_is_found_all_the_same() {
    let linux = Linux::installed();
    assert_eq!(linux.state(), "running"); // no test gives ductor these variables
    let other = tempfile::tempdir().unwrap();
    for folder in [other.path().join("nobody's"), "relative".into(), linux.runtime()] {
        let said = Said::of(linux.command(&["service", "status"]).env("XDG_RUNTIME_DIR", &folder));
        assert_eq!(said.code, Some(0), "{}: {}", folder.display(), said.err);
    }
    // A bus that is not there would keep systemctl from the manager's own socket, so it is not named.
    assert!(!linux.runtime().join("bus").exists());
}

#[test]
fn case_08_where_no_systemd_runs_it_says_so_and_touches_nothing() {
    let linux = Linux::new();
    linux.log_out();
    fs::remove_dir_all(linux.root("run/systemd")).unwrap();
    linux.install(&[]).ended(5).with("error: the systemd user manager: this machine does not run systemd\n");
    fs::create_dir_all(linux.root("run/openrc")).unwrap();
    linux.install(&[]).ended(5).with("this machine runs OpenRC, not systemd\n  fix: ductor run");
    assert!(!linux.world.path(".config").exists() && !linux.world.path(".local").exists());
    assert!(linux.changes().is_empty(), "{:?}", linux.changes());
}

#[test]
fn a_manager_that_refuses_or_whose_program_is_not_found_leads_on() {
    let linux = Linux::installed();
    linux.forget_calls();
    linux.machine.set("fail-at", "1").unwrap();
    let said = linux.ductor(&["service", "stop"]).ended(5);
    assert!(said.err.contains("\n  fix: systemctl status user@"), "{}", said.err);
    linux.machine.remove("fail-at");
    let said = Said::of(linux.command(&["service", "stop"]).env("PATH", "/nowhere"));
    assert_eq!(said.code, Some(5), "{}", said.err);
    assert!(said.err.contains("systemctl was not found in PATH\n  fix: export PATH="), "{}", said.err);
}

#[test]
fn uninstall_without_a_manager_removes_the_files() {
    let linux = Linux::new();
    linux.install(&["--no-start"]).ended(0);
    linux.log_out();
    linux
        .ductor(&["service", "uninstall"])
        .ended(0)
        .with("warning: the systemd user manager: none runs for ");
    assert!(!linux.world.path(".config").exists());
}

#[test]
fn without_a_session_linger_brings_the_manager_and_the_service_stays() {
    let linux = Linux::new();
    linux.log_out();
    linux.install(&["--no-linger"]).ended(5).with("there is no login session, and no lingering");
    linux.install(&[]).ended(0);
    assert_eq!((linux.state(), linux.lingers()), ("running".into(), true));
    linux.ductor(&["service", "uninstall"]).ended(0).with("linger is off again");
    assert!(!linux.runtime().exists() && !linux.lingers());
}

#[test]
fn case_10_without_linger_the_service_runs_and_the_command_for_it_is_said() {
    let linux = Linux::new();
    linux.machine.set("no-polkit", "").unwrap();
    let said = linux.install(&[]).ended(0);
    assert!(said.err.contains("sudo loginctl enable-linger "), "{}", said.err);
    let status = linux.status();
    assert_eq!((&status["survives_logout"], &status["state"]), (&false.into(), &"running".into()));
    assert_eq!(linux.problems(), ["linger-off"]);
    assert!(!linux.world.path(".local").exists(), "there is nothing to remember");
    let asked = linux.changes().iter().filter(|call| call.starts_with("loginctl")).count();
    assert_eq!(asked, 1, "once, and by a sudo that would ask for a password not at all");
}

#[test]
fn linger_that_was_on_before_stays_on() {
    let linux = Linux::new();
    linux.machine.set(&format!("root/var/lib/systemd/linger/{}", linux.user()), "").unwrap();
    linux.install(&[]).ended(0);
    linux.ductor(&["service", "uninstall"]).ended(0);
    assert!(linux.lingers());
}
