//! What drop-ins of the user and the manager's own environment say, which is not ours and counts all the same.

use std::fs;

use super::Linux;
use crate::world::Said;

#[test]
fn a_drop_in_that_the_manager_does_not_take_is_told_and_install_refuses() {
    let linux = Linux::installed();
    linux.ductor(&["service", "stop"]).ended(0);
    linux.add("x.conf", "[Service]\nExecStart=/bin/a\n");
    let status = linux.status();
    assert_eq!(linux.problems(), ["definition-broken"], "{status:#}");
    assert_eq!((&status["enabled"], &status["survives_reboot"]), (&false.into(), &false.into()));
    let problem = &status["problems"][0];
    assert!(problem["message"].as_str().unwrap().contains("ductor.service.d/x.conf"), "{problem}");
    assert_eq!(problem["fix"], "systemd-analyze --user verify ductor.service");
    for verb in [&["service", "start"][..], &["service", "restart"], &["service", "install"]] {
        let said = linux.ductor(verb).ended(1).with("fix: systemd-analyze --user verify ductor.service\n");
        assert!(said.err.contains("x.conf"), "{}", said.err);
    }
    fs::remove_file(linux.drop_in("x.conf")).unwrap();
    assert_eq!(linux.status()["problems"][0]["fix"], "ductor service install");
    linux.ductor(&["service", "install"]).ended(0);
    assert_eq!((linux.state(), linux.problems()), ("running".into(), vec![]));
}

#[test]
fn status_costs_one_call_of_the_manager() {
    let linux = Linux::installed();
    linux.forget_calls();
    linux.status();
    let calls = linux.machine.get("calls").unwrap();
    assert_eq!(calls.lines().filter(|call| call.starts_with("systemctl")).count(), 1, "{calls}");
}

#[test]
fn a_bot_that_only_a_drop_in_of_the_user_names_is_the_chosen_one() {
    let linux = Linux::with_package();
    let bot = linux.world.path("bot");
    let chosen =
        format!("[Unit]\nConditionPathExists=\n[Service]\nEnvironment=DUCTOR_BOT={}\n", bot.display());
    linux.add("override.conf", &chosen);
    linux.ductor(&["service", "start"]).ended(0);
    assert_eq!(linux.problems(), ["linger-off"]);
    linux.ductor(&["service", "restart"]).ended(0);
    let host = linux.status()["pid"].clone();
    linux.ductor(&["service", "install"]).ended(0);
    assert_eq!((linux.status()["pid"].clone(), linux.problems().len()), (host, 0));
    assert!(!linux.drop_in("ductor.conf").exists(), "the drop-in of the user says it");
}

#[test]
fn a_bot_of_our_drop_in_counts_beside_a_copy_of_the_packaged_unit() {
    let linux = Linux::with_package();
    linux.install(&[]).ended(0);
    linux.give(&fs::read_to_string(linux.packaged()).unwrap());
    assert_eq!(linux.problems()[0], "shadows-package");
    linux.ductor(&["service", "restart"]).ended(0);
    linux.ductor(&["service", "install"]).ended(0);
    assert_eq!((linux.state(), linux.problems()), ("running".into(), vec![]));
}

#[test]
fn a_home_that_only_a_drop_in_of_the_user_names_is_the_chosen_one() {
    let linux = Linux::installed();
    linux.ductor(&["service", "stop"]).ended(0);
    let other = linux.world.path("other");
    linux.add("override.conf", &format!("[Service]\nEnvironment=DUCTOR_HOME={}\n", other.display()));
    linux.ductor(&["service", "start"]).ended(0);
    let status = linux.status();
    assert_eq!((&status["owner"], &status["problems"]), (&"service".into(), &serde_json::json!([])));
    assert!(status["bot_pid"].is_u64() && other.join("host.json").exists(), "{status:#}");
}

#[test]
fn a_service_that_runs_the_bot_of_another_home_is_told_as_that() {
    let linux = Linux::installed();
    linux.ductor(&["service", "stop"]).ended(0);
    let other = linux.world.path("other");
    let variable = format!("DUCTOR_HOME={}", other.display());
    let environment = linux.machine.get("environment").unwrap();
    linux.machine.set("environment", &format!("{environment}\n{variable}")).unwrap();
    let said = linux.ductor(&["service", "start"]).ended(1);
    assert!(said.err.contains(&format!("the service runs the bot of {}", other.display())), "{}", said.err);
    let status = linux.status();
    assert_eq!((&status["state"], &status["owner"]), (&"running".into(), &"service".into()), "{status:#}");
    assert_eq!(linux.problems(), ["other-home"]);
    assert_eq!(status["problems"][0]["fix"], format!("{variable} ductor service status"));
    assert!(status["bot_pid"].is_u64(), "{status:#}");
    let there = Said::of(linux.command(&["service", "status", "--json"]).env("DUCTOR_HOME", &other)).json();
    assert_eq!((&there["owner"], &there["pid"]), (&"service".into(), &status["pid"]));
}

#[test]
fn a_home_of_the_callers_shell_alone_is_told_as_that() {
    let linux = Linux::installed();
    let mut command = linux.command(&["service", "status", "--json"]);
    let status = Said::of(command.env("DUCTOR_HOME", linux.world.path("elsewhere"))).json();
    assert_eq!((&status["state"], &status["owner"]), (&"running".into(), &"service".into()), "{status:#}");
    assert_eq!(crate::world::problems_of(&status), ["other-home"]);
}
