//! Every verb of the service, with what is seen on the screen and what launchctl was asked to change.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::Mac;

#[test]
fn a_host_by_an_earlier_choice_is_started_anew_once() {
    let mac = Mac::installed();
    let other = format!("{} --other", mac.world.path("bot").display());
    mac.ductor(&["service", "install", "--no-start", "--bot", &other]).ended(0);
    let before = mac.status()["pid"].clone();
    mac.ductor(&["service", "install"]).ended(0);
    assert_ne!(mac.status()["pid"], before);
    assert_eq!(mac.world.state()["bot"]["command"][1], "--other");
    mac.ductor(&["service", "install"]).ended(0).with("nothing changed");
}

#[test]
fn install_writes_the_agent_loads_it_and_sees_the_bot_up() {
    let mac = Mac::new();
    let said = mac.install().ended(0);
    assert!(said.out.starts_with("● ductor is running "), "{}", said.out);
    assert!(said.out.contains("  owner     launchd agent "), "{}", said.out);
    assert_eq!(mac.changes(), ["bootstrap gui/UID ~/Library/LaunchAgents/dev.ductor.plist"]);
    let status = mac.status();
    let host = mac.world.state()["process"]["pid"].clone();
    assert_eq!((&status["manager"], &status["owner"]), (&"launchd".into(), &"service".into()));
    assert_eq!((&status["pid"], &status["bot_pid"]), (&host, &mac.world.bots()[0].into()));
    assert_eq!((&status["enabled"], &status["packaged"]), (&true.into(), &false.into()));
    assert_eq!((&status["survives_logout"], &status["survives_reboot"]), (&false.into(), &true.into()));
    assert_eq!(status["definition"], mac.agent().to_str().unwrap());
    assert_eq!((&status["restarts"], mac.problems().len()), (&0.into(), 0), "{status:#}");
    assert_eq!(mac.world.state()["supervision"], "launchd");
}

#[test]
fn last_words_are_not_of_a_bot_before() {
    let mac = Mac::with("echo 'I am first'; exit 1");
    mac.install().ended(1).with("\n  | I am first\n");
    mac.ductor(&["service", "stop"]).ended(0);
    std::fs::write(mac.world.path("bot"), "#!/bin/sh\necho 'I am second'; exit 2\n").unwrap();
    let said = mac.install().ended(1).with("\n  | I am second\n");
    assert!(!said.err.contains("first"), "{}", said.err);
}

#[test]
fn what_install_makes_is_the_users_alone() {
    let mac = Mac::installed();
    let mode = |path: std::path::PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    let home = |name: &str| mac.world.home(name);
    let modes = [mode(home("logs")), mode(home("logs/service.log")), mode(home("logs/service.err"))];
    assert_eq!((modes, mode(mac.agent())), ([0o700, 0o600, 0o600], 0o644));
}

#[test]
fn a_stop_says_that_it_starts_again_at_the_next_login() {
    let mac = Mac::installed();
    assert_eq!(mac.ductor(&["service", "stop"]).ended(0).err, "it starts again at your next login\n");
    mac.ductor(&["service", "start"]).ended(0);
    mac.launchctl(&["disable", &mac.job("gui")]);
    assert_eq!(mac.ductor(&["stop"]).ended(0).out, "stopped the service\n");
}

#[test]
fn install_again_changes_nothing() {
    let mac = Mac::installed();
    let host = mac.status()["pid"].clone();
    mac.forget_calls();
    mac.install().ended(0).with("already installed; nothing changed");
    assert_eq!((mac.changes().len(), &mac.status()["pid"]), (0, &host));
    mac.launchctl(&["disable", &mac.job("gui")]);
    mac.install().ended(0).with("already installed; switched on: the agent\n");
    assert_eq!(mac.status()["pid"], host);
}

#[test]
fn install_with_another_bot_starts_the_host_anew() {
    let mac = Mac::installed();
    let host = mac.status()["pid"].clone();
    mac.forget_calls();
    let other = format!("{} --other", mac.world.path("bot").display());
    mac.ductor(&["service", "install", "--bot", &other]).ended(0);
    assert_eq!(
        mac.changes(),
        ["bootout gui/UID/dev.ductor", "bootstrap gui/UID ~/Library/LaunchAgents/dev.ductor.plist"]
    );
    assert_ne!(mac.status()["pid"], host);
    assert!(fs::read_to_string(mac.agent()).unwrap().contains("bot --other"));
}

#[test]
fn a_rehearsal_tells_everything_and_changes_nothing() {
    let mac = Mac::new();
    let said = mac.install_with(&["--dry-run"], &[]).ended(0);
    for line in ["write ~/Library/LaunchAgents/dev.ductor.plist", "run launchctl bootstrap gui/UID ~/Library"]
    {
        assert!(mac.plain(&said.out).contains(line), "no {line:?} in\n{}", said.out);
    }
    assert!(!mac.agent().exists() && !mac.world.home("").exists() && mac.changes().is_empty());

    mac.install().ended(0);
    mac.forget_calls();
    let said = mac.ductor(&["service", "uninstall", "--dry-run"]).ended(0);
    for line in ["run launchctl bootout gui/UID/dev.ductor", "remove ~/Library/LaunchAgents/dev.ductor.plist"]
    {
        assert!(mac.plain(&said.out).contains(line), "no {line:?} in\n{}", said.out);
    }
    assert_eq!((mac.changes().len(), mac.state()), (0, "running".into()));
}

#[test]
fn install_without_a_start_leaves_it_to_the_next_login() {
    let mac = Mac::new();
    mac.install_with(&["--no-start"], &[]).ended(0).with("installed, not started");
    assert_eq!((mac.changes().len(), mac.state(), mac.agent().exists()), (0, "stopped".into(), true));
    mac.ductor(&["service", "start"]).ended(0);
    assert_eq!(mac.state(), "running");
}

#[test]
fn stop_ends_the_host_and_start_brings_it_back() {
    let mac = Mac::installed();
    mac.forget_calls();
    assert_eq!(mac.ductor(&["service", "stop"]).ended(0).out, "stopped\n");
    assert_eq!(
        (mac.changes(), mac.world.read("told").as_str()),
        (vec!["bootout gui/UID/dev.ductor".into()], "TERM\n")
    );
    assert_eq!(mac.ductor(&["service", "status"]).code, Some(3));
    assert_eq!((mac.state(), mac.status()["enabled"].clone()), ("stopped".into(), true.into()));
    mac.ductor(&["service", "start"]).ended(0);
    assert_eq!(mac.ductor(&["service", "status"]).code, Some(0));
}

#[test]
fn case_46_already_so_is_said_and_no_failure() {
    let mac = Mac::installed();
    mac.forget_calls();
    mac.ductor(&["service", "start"]).ended(0).with("already running");
    mac.ductor(&["service", "stop"]).ended(0);
    mac.ductor(&["service", "stop"]).ended(0).with("already stopped");
    mac.ductor(&["stop"]).ended(0).with("nothing runs");
    assert_eq!(mac.changes().len(), 1);
}

#[test]
fn restart_ends_the_old_host_before_the_new_one() {
    let mac = Mac::installed();
    let host = mac.status()["pid"].clone();
    mac.ductor(&["restart"]).ended(0);
    assert_ne!(mac.status()["pid"], host);
    assert_eq!((mac.world.bots().len(), mac.status()["restarts"].clone()), (2, 0.into()));
}

#[test]
fn what_is_not_installed_is_said_with_its_code() {
    let mac = Mac::new();
    mac.ductor(&["service", "status"]).ended(4).with("not installed");
    mac.ductor(&["service", "start"]).ended(4).with("fix: ductor service install");
    mac.ductor(&["service", "restart"]).ended(4);
    mac.ductor(&["service", "stop"]).ended(0).with("not installed");
    mac.ductor(&["service", "uninstall"]).ended(0).with("was not installed");
    assert_eq!(mac.changes().len(), 0);
}

#[test]
fn without_launchctl_the_manager_is_unavailable() {
    let mac = Mac::new();
    fs::remove_file(mac.world.path("bin/launchctl")).unwrap();
    mac.install().ended(5).with("launchctl was not found");
    assert!(!mac.agent().exists());
    mac.ductor(&["service", "status"]).ended(5);
    mac.install_with(&["--dry-run"], &[]).ended(0);
}

#[test]
fn the_doctor_tells_where_it_is_loaded_and_what_is_wrong() {
    let mac = Mac::installed();
    let findings = |mac: &Mac| {
        let said = mac.ductor(&["service", "doctor", "--json"]);
        let all: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let list = all["findings"].as_array().unwrap().clone();
        move |id: &str| {
            list.iter().find(|it| it["id"] == id).map(|it| (it["ok"] == true, it["fix"].to_string()))
        }
    };
    let found = findings(&mac);
    for id in ["manager", "loaded", "enabled", "domain", "path", "definition"] {
        assert_eq!(found(id), Some((true, "null".into())), "{id}");
    }
    mac.ductor(&["service", "stop"]).ended(0);
    mac.launchctl(&["disable", &mac.job("gui")]);
    let stale =
        fs::read_to_string(mac.agent()).unwrap().replace("/usr/bin:", "/Users/u/.nvm/v1/bin:/usr/bin:");
    fs::write(mac.agent(), stale).unwrap();
    let found = findings(&mac);
    assert_eq!(found("not-loaded"), Some((false, "\"ductor service start\"".into())));
    assert_eq!(found("disabled"), Some((false, "\"ductor service start\"".into())));
    assert_eq!(found("path-stale"), Some((false, "\"ductor service install\"".into())));
    assert_eq!(found("enabled"), None);
}

#[test]
fn an_agent_that_asks_inside_the_bot_is_answered_as_everywhere() {
    let mac = Mac::with(
        "trap 'exit 0' TERM
        echo $$ >>bots
        if [ ! -e answers ]; then $DUCTOR service uninstall 2>>answers; echo $? >>answers; fi
        while :; do sleep 100 & wait $!; done",
    );
    let path = mac.world.path("bin").display().to_string();
    let extra = format!(
        "\nDUCTOR={}\nDUCTOR_MANAGER=launchd\nFAKE_STATE={}",
        env!("CARGO_BIN_EXE_ductor"),
        mac.launchd.path("").display()
    );
    mac.launchd.set("setenv", &(mac.launchd.get("setenv").unwrap() + &extra)).unwrap();
    mac.install_with(&[], &[("X", &path)]).ended(0);
    crate::world::wait_for("answer", || mac.world.read("answers").ends_with("\n1\n"));
    assert!(mac.world.read("answers").contains("runs inside the bot"), "{}", mac.world.read("answers"));
    assert_eq!(mac.state(), "running");
}
