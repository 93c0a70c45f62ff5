//! The acceptance cases about launchd itself, by their numbers.

use std::time::{Duration, Instant};

use ductor::internals::Process;

use super::Mac;

/// The host of the service.
fn host(mac: &Mac) -> Process {
    Process::of(mac.status()["pid"].as_u64().unwrap().try_into().unwrap()).unwrap()
}

#[test]
fn case_25_a_restart_waits_for_the_old_job_and_tries_what_is_refused_again() {
    let mac = Mac::installed();
    let before = host(&mac);
    mac.launchd.set("drain-ms", "12000").unwrap();
    mac.launchd.set("bootstrap-codes", "5 5 37 0").unwrap();
    mac.forget_calls();
    let start = Instant::now();
    mac.ductor(&["service", "restart"]).ended(0);
    assert!(start.elapsed() > Duration::from_secs(12), "{:?}", start.elapsed());
    assert!(!before.is_alive() && host(&mac) != before);
    assert_eq!(mac.changes().iter().filter(|call| call.starts_with("bootstrap ")).count(), 4);
    mac.launchd.remove("drain-ms");
}

#[test]
fn case_25_a_restart_that_never_succeeds_says_how_to_load_it_by_hand() {
    let mac = Mac::installed();
    mac.launchd.set("bootstrap-codes", &"5 ".repeat(200)).unwrap();
    let said = mac.ductor(&["service", "restart"]).ended(1);
    let fix = "\n  fix: launchctl bootstrap gui/UID ~/Library/LaunchAgents/dev.ductor.plist ";
    assert!(mac.plain(&said.err).contains(fix), "{}", said.err);
    assert_eq!((mac.state(), mac.agent().exists()), ("stopped".into(), true));
    mac.launchd.remove("bootstrap-codes");
    mac.ductor(&["service", "restart"]).ended(0);
}

#[test]
fn case_25_what_somebody_else_loads_meanwhile_counts() {
    let mac = Mac::installed();
    mac.ductor(&["service", "stop"]).ended(0);
    // Refused once; at the second look it is there, loaded by another command.
    mac.launchd.set("bootstrap-codes", "0 37").unwrap();
    let gui = mac.job("gui").replace("/dev.ductor", "");
    assert_eq!(mac.launchctl(&["bootstrap", &gui, mac.agent().to_str().unwrap()]), Some(0));
    mac.ductor(&["service", "start"]).ended(0);
    assert_eq!(mac.state(), "running");
}

#[test]
fn case_26_stop_never_switches_off_and_start_switches_on() {
    let mac = Mac::installed();
    mac.ductor(&["service", "stop"]).ended(0);
    assert_eq!(mac.launchd.get("disabled").unwrap_or_default(), "");
    assert!(mac.changes().iter().all(|call| !call.starts_with("disable") && !call.contains("-w")));
    assert_eq!(mac.launchctl(&["disable", &mac.job("gui")]), Some(0));
    for form in ["new", "old"] {
        if form == "old" {
            mac.launchd.set("old-form", "").unwrap();
        }
        assert_eq!(
            (mac.status()["enabled"].clone(), mac.problems()),
            (false.into(), vec!["disabled".into()])
        );
    }
    mac.forget_calls();
    mac.ductor(&["service", "start"]).ended(0);
    assert_eq!(
        mac.changes(),
        ["enable gui/UID/dev.ductor", "bootstrap gui/UID ~/Library/LaunchAgents/dev.ductor.plist"]
    );
    assert_eq!((mac.state(), mac.status()["enabled"].clone()), ("running".into(), true.into()));
}

#[test]
fn case_26_install_switches_on() {
    let mac = Mac::new();
    mac.launchctl(&["disable", &mac.job("gui")]);
    mac.install().ended(0);
    assert_eq!((mac.launchd.get("disabled").as_deref(), mac.problems().len()), (Some(""), 0));
}

#[test]
fn case_27_without_a_screen_it_stands_in_user_and_a_later_install_moves_it() {
    let mac = Mac::new();
    mac.launchd.remove("screen");
    mac.install().ended(0);
    assert_eq!(mac.changes(), ["bootstrap user/UID ~/Library/LaunchAgents/dev.ductor.plist"]);
    assert_eq!((mac.state(), mac.problems().len()), ("running".into(), 0));
    mac.ductor(&["service", "doctor"]).with("agents can't read the keychain");

    mac.launchd.set("screen", "").unwrap();
    assert_eq!((mac.state(), mac.problems()), ("running".into(), vec!["lesser-domain".into()]));
    mac.ductor(&["service", "stop"]).ended(0);
    assert!(!mac.is_loaded("user"));
    mac.launchd.remove("screen");
    mac.ductor(&["service", "start"]).ended(0);
    assert!(mac.is_loaded("user"));

    mac.launchd.set("screen", "").unwrap();
    mac.install().ended(0);
    assert_eq!((mac.is_loaded("user"), mac.is_loaded("gui"), mac.problems().len()), (false, true, 0));
}

#[test]
fn case_27_a_job_that_is_loaded_twice_is_named_and_mended() {
    let mac = Mac::installed();
    let user = mac.job("user").replace("/dev.ductor", "");
    assert_eq!(mac.launchctl(&["bootstrap", &user, mac.agent().to_str().unwrap()]), Some(0));
    assert_eq!(mac.problems(), ["loaded-twice"]);
    mac.install().ended(0);
    assert_eq!((mac.is_loaded("user"), mac.is_loaded("gui"), mac.state()), (false, true, "running".into()));
}

/// What launchctl of 10.9 does not know.
const NEW_VERBS: &str = "version print print-disabled bootstrap bootout enable disable kickstart";

#[test]
fn case_28_where_launchctl_knows_no_bootstrap_load_does_it_and_list_tells() {
    for unknown in ["bootstrap", NEW_VERBS] {
        let mac = Mac::new();
        mac.launchd.set("unknown-verbs", unknown).unwrap();
        mac.install().ended(0);
        assert_eq!(mac.changes().last().unwrap(), "load -w ~/Library/LaunchAgents/dev.ductor.plist");
        assert_eq!((mac.state(), mac.problems().len()), ("running".into(), 0), "{unknown}");
        mac.ductor(&["service", "restart"]).ended(0);
        mac.ductor(&["service", "stop"]).ended(0);
        assert_eq!(mac.state(), "stopped");
        assert!(mac.changes().iter().all(|call| !call.starts_with("unload -w")), "{:?}", mac.changes());
        mac.ductor(&["service", "start"]).ended(0);
        mac.ductor(&["service", "uninstall"]).ended(0);
        assert_eq!((mac.state(), mac.agent().exists()), ("not-installed".into(), false));
    }
}

#[test]
fn case_28_a_load_that_says_0_and_fails_is_a_failure() {
    for (setting, text) in [("load-fails", "Load failed: 5: Input/output error"), ("lie-at", "7")] {
        let mac = Mac::new();
        mac.launchd.set("unknown-verbs", NEW_VERBS).unwrap();
        mac.launchd.set(setting, text).unwrap();
        let said = mac.install().ended(1);
        let cause = if setting == "lie-at" { "launchd does not know the job" } else { text };
        assert!(said.err.contains(cause), "{}\n{:?}", said.err, mac.launchd.get("calls"));
        assert!(!mac.agent().exists());
    }
}

#[test]
fn case_28_where_bootstrap_is_known_load_is_never_called() {
    let mac = Mac::installed();
    mac.launchd.set("bootstrap-codes", "5 37 5 0").unwrap();
    mac.ductor(&["service", "restart"]).ended(0);
    mac.ductor(&["service", "uninstall"]).ended(0);
    assert!(mac.changes().iter().all(|call| !call.contains("load ")), "{:?}", mac.changes());
}

#[test]
fn case_29_a_program_that_launchd_can_not_execute_is_named_with_78() {
    let mac = Mac::new();
    mac.launchd.set("no-exec", "").unwrap();
    mac.install().ended(78).with("launchd could not execute its program");
    assert_eq!((mac.agent().exists(), mac.is_loaded("gui")), (false, false));

    mac.launchd.remove("no-exec");
    mac.install().ended(0);
    mac.launchd.set("no-exec", "").unwrap();
    mac.ductor(&["service", "restart"]).ended(78).with("launchd could not execute its program");
    assert_eq!((mac.state(), mac.is_loaded("gui")), ("failed".into(), true));
    assert!(mac.problems().contains(&"not-executable".into()), "{:?}", mac.problems());
}
