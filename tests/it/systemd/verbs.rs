//! Every verb of the service, with what is seen on the screen and what the managers were asked to change.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::json;

use super::Linux;
use crate::world::{BOT, NOBODY, Said, wait_for};

#[test]
fn install_writes_the_unit_enables_it_and_sees_the_bot_up() {
    let linux = Linux::new();
    let said = linux.install(&[]).ended(0);
    assert!(said.out.starts_with("● ductor is running "), "{}", said.out);
    assert!(said.out.contains("  owner     systemd user service "), "{}", said.out);
    assert_eq!(
        linux.changes(),
        [
            "systemctl daemon-reload",
            "systemctl enable",
            &format!("loginctl enable-linger {}", linux.user()),
            "systemctl reset-failed",
            "systemctl start"
        ]
    );
    assert_eq!(linux.unit().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(linux.world.state()["supervision"], "systemd");
}

#[test]
fn case_45_status_has_the_codes_and_keys_of_every_system() {
    let linux = Linux::new();
    let code = || linux.ductor(&["service", "status"]).code;
    assert_eq!(code(), Some(4));
    linux.install(&[]).ended(0);
    assert_eq!(code(), Some(0));
    let expected = json!({
        "manager": "systemd", "state": "running", "installed": true, "enabled": true, "running": true,
        "pid": linux.world.state()["process"]["pid"], "bot_pid": linux.world.bots()[0],
        "since": linux.world.state()["since"], "restarts": 0, "last_exit": null,
        "definition": linux.unit(), "packaged": false,
        "owner": "service", "survives_logout": true, "survives_reboot": true, "problems": [],
    });
    let status = linux.status();
    assert_eq!(status, expected, "{status:#}");
    assert!(status.as_object().unwrap().keys().eq(expected.as_object().unwrap().keys()), "{status:#}");
    linux.ductor(&["service", "stop"]).ended(0);
    assert_eq!(code(), Some(3));
    linux.log_out();
    assert_eq!(code(), Some(5));
    let status = linux.status();
    assert_eq!((&status["state"], &status["installed"]), (&json!("unknown"), &json!(null)), "{status:#}");
}

#[test]
fn case_46_what_is_already_so_is_said_so() {
    let linux = Linux::new();
    linux.ductor(&["service", "start"]).ended(4).with("fix: ductor service install");
    assert_eq!(linux.ductor(&["service", "stop"]).ended(0).out, "the service is not installed\n");
    assert_eq!(linux.ductor(&["service", "uninstall"]).ended(0).out, "the service was not installed\n");
    linux.install(&["--no-start"]).ended(0).with("installed, not started");
    assert_eq!(linux.ductor(&["service", "stop"]).ended(0).out, "already stopped\n");
    linux.ductor(&["service", "start"]).ended(0);
    assert_eq!(linux.ductor(&["service", "start"]).ended(0).err, "already running\n");
    linux.forget_calls();
    linux.install(&[]).ended(0).with("already installed; nothing changed");
    assert_eq!((linux.changes().len(), linux.world.bots().len()), (0, 1));
}

#[test]
fn what_was_off_and_needs_no_new_start_is_said() {
    let linux = Linux::new();
    linux.install(&["--no-linger"]).ended(0);
    linux.install(&[]).ended(0).with("already installed; switched on: linger\n");
    linux.systemctl(&["disable", "ductor.service"]);
    linux.install(&[]).ended(0).with("already installed; switched on: the unit\n");
    assert_eq!(linux.world.bots().len(), 1);
}

#[test]
fn a_rehearsal_tells_everything_and_changes_nothing() {
    let linux = Linux::new();
    let said = linux.install(&["--dry-run"]).ended(0);
    for part in
        [".config/systemd/user/ductor.service\n", " enable ductor.service\n", " start ductor.service\n"]
    {
        assert!(said.out.contains(part), "no {part:?} in\n{}", said.out);
    }
    assert!(linux.changes().is_empty() && !linux.world.path(".config").exists());

    linux.install(&[]).ended(0);
    linux.forget_calls();
    let said = linux.ductor(&["service", "uninstall", "--dry-run"]).ended(0);
    for part in [" disable --quiet ductor.service\n", "ductor.service\n", "disable-linger "] {
        assert!(said.out.contains(part), "no {part:?} in\n{}", said.out);
    }
    assert_eq!((linux.changes().len(), linux.state()), (0, "running".into()));
}

#[test]
fn case_19_stop_ends_the_whole_tree_in_order() {
    let linux = Linux::with(&format!("(trap '' TERM; setsid sleep 1000 & sleep 1000) &\n{BOT}"));
    linux.install(&[]).ended(0);
    assert_eq!(linux.ductor(&["service", "stop"]).ended(0).out, "stopped\n");
    assert_eq!(linux.world.read("told"), "TERM\n");
    wait_for("the end of all", || linux.world.processes() == NOBODY);
    assert_eq!(linux.state(), "stopped");
}

#[test]
fn a_stop_says_when_it_starts_again() {
    let linux = Linux::installed();
    let said = linux.ductor(&["service", "stop"]).ended(0);
    assert_eq!((&*said.out, &*said.err), ("stopped\n", "it starts again at the next boot\n"));
    linux.ductor(&["service", "start"]).ended(0);
    linux.systemctl(&["disable", "ductor.service"]);
    assert_eq!(linux.ductor(&["stop"]).ended(0).out, "stopped the service\n");

    let linux = Linux::new();
    linux.install(&["--no-linger"]).ended(0);
    let said = linux.ductor(&["stop"]).ended(0);
    assert_eq!(said.out, "stopped the service; it starts again at your next login\n");
}

#[test]
fn restart_is_a_new_host_that_is_not_counted() {
    let linux = Linux::installed();
    let before = linux.status();
    linux.ductor(&["service", "restart"]).ended(0);
    let after = linux.status();
    assert!(before["pid"] != after["pid"] && after["state"] == "running", "{before:#} {after:#}");
    assert_eq!((linux.world.bots().len(), &after["restarts"]), (2, &json!(0)));
}

#[test]
fn case_23_two_restarts_at_once_are_one() {
    let linux = Linux::installed();
    let restart = || linux.command(&["service", "restart"]).stderr(Stdio::null()).spawn().unwrap();
    let both = [restart(), restart()];
    for restart in both {
        let output = restart.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(linux.world.bots().len(), 2);
}

#[test]
fn case_37_an_uninstallation_leaves_nothing_whatever_there_was() {
    let nothing = Linux::new();
    let before = files(&nothing);
    for prepare in [
        &(|linux: &Linux| drop(linux.install(&[]).ended(0))) as &dyn Fn(&Linux),
        &|linux| drop(linux.install(&["--no-start"]).ended(0)),
        &|linux| {
            linux.install(&[]).ended(0);
            linux.systemctl(&["disable", "ductor.service"]);
        },
        &|linux| {
            linux.install(&[]).ended(0);
            fs::remove_file(linux.unit()).unwrap(); // as an earlier one that was cut off
        },
    ] {
        let linux = Linux::new();
        prepare(&linux);
        linux.ductor(&["service", "uninstall"]).ended(0);
        assert_eq!((linux.state(), linux.lingers()), ("not-installed".into(), false));
        assert_eq!(files(&linux), before);
        assert_eq!(linux.ductor(&["service", "uninstall"]).ended(0).out, "the service was not installed\n");
    }
}

/// What is in the home but the bot's own files.
fn files(linux: &Linux) -> Vec<String> {
    let entries = fs::read_dir(linux.world.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let aside = [".ductor", "bots", "told"];
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !aside.contains(&name.as_str()));
    names.sort();
    names
}

#[test]
fn last_words_that_are_still_on_their_way_to_the_journal_are_shown() {
    let linux = Linux::with("echo 'out of luck'; exit 3");
    linux.machine.set("journal-ms", "200").unwrap();
    linux.install(&[]).ended(1).with("\n  | out of luck\n");
}

#[test]
fn last_words_are_of_the_bot_that_was_started_alone() {
    let linux = Linux::new();
    let bot = |name: &str, script: &str| {
        let path = linux.world.path(name);
        fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    let install = |bot: &str| linux.ductor(&["service", "install", "--bot", bot]);
    let first = bot("first", "echo 'I am first'; while :; do sleep 0.05; done");
    let second = bot("second", "echo 'I am second'; exit 2");
    install(&first).ended(0);
    let said = install(&second).ended(1).with("\n  | I am second\n");
    assert!(!said.err.contains("first"), "{}", said.err);
    // Also where the journal is none, and the bot's own log is of another.
    linux.machine.set("no-journal", "").unwrap();
    fs::create_dir_all(linux.world.home("logs")).unwrap();
    fs::write(linux.world.home("logs/agent.log"), "long ago\n").unwrap();
    let third = bot("third", "echo 'third to its log' >>~/.ductor/logs/agent.log; exit 3");
    let said = install(&third).ended(1).with("\n  | third to its log\n");
    assert!(!said.err.contains("long ago"), "{}", said.err);
}

#[test]
fn logs_take_any_number_of_lines_and_the_word_for_what_they_do_anyway() {
    let linux = Linux::installed();
    let logs = |words: &[&str]| linux.ductor(&[&["service", "logs"], words].concat());
    assert!(logs(&["--no-follow", "-n", "4294967296"]).ended(0).out.contains("Started"));
    assert_eq!(logs(&["--no-follow", "-n", "0"]).ended(0).out, "");
    logs(&["--no-follow", "-f"]).ended(2);
    let mut logs = linux.command(&["service", "logs", "-f"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(logs.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader); // while there is nothing more to print
    assert_eq!(logs.wait().unwrap().code(), Some(0));
}

#[test]
fn case_39_logs_are_shown_from_wherever_they_can_be_read() {
    let linux = Linux::with(&format!("echo 'the bot says hello'; echo 'and complains' >&2\n{BOT}"));
    linux.install(&[]).ended(0);
    let has = |line: &str| linux.machine.get("journal").is_some_and(|journal| journal.contains(line));
    wait_for("the journal", || has("Started") && has("and complains"));
    let said = linux.ductor(&["service", "logs", "--no-follow"]).ended(0);
    assert!(
        said.out.contains(": the bot says hello\n") && said.out.contains(": and complains\n"),
        "{}",
        said.out
    );
    assert!(said.out.contains("systemd[1]: Started ductor.service."), "{}", said.out);
    let said = linux.ductor(&["service", "logs", "--no-follow", "-n", "1"]).ended(0);
    assert_eq!(said.out.lines().count(), 1, "{}", said.out);

    linux.machine.set("no-journal", "").unwrap();
    fs::create_dir_all(linux.world.home("logs")).unwrap();
    fs::write(linux.world.home("logs/agent.log"), "by the bot itself\n").unwrap();
    let said = linux.ductor(&["service", "logs", "--no-follow"]).ended(0);
    assert_eq!(said.out, "by the bot itself\n");
    assert!(said.err.contains("the journal shows no lines of ductor"), "{}", said.err);
}

#[test]
fn a_host_by_an_earlier_choice_is_started_anew_once_and_for_no_touched_file() {
    for linux in [Linux::installed(), Linux::with_package()] {
        linux.install(&[]).ended(0);
        let other = format!("{} --other", linux.world.path("bot").display());
        linux.ductor(&["service", "install", "--no-start", "--bot", &other]).ended(0);
        let before = linux.status()["pid"].clone();
        linux.ductor(&["service", "install"]).ended(0);
        let host = linux.status()["pid"].clone();
        assert_ne!(host, before);
        assert_eq!(linux.world.state()["bot"]["command"][1], "--other");
        let file = if linux.unit().exists() { linux.unit() } else { linux.drop_in("ductor.conf") };
        fs::File::options()
            .append(true)
            .open(file)
            .unwrap()
            .set_modified(std::time::SystemTime::now())
            .unwrap();
        assert_eq!(linux.systemctl(&["daemon-reload"]), Some(0));
        linux.ductor(&["service", "install"]).ended(0).with("nothing changed");
        assert_eq!(linux.status()["pid"], host);
    }
}

#[test]
fn quiet_verbs_say_nothing_where_all_is_well() {
    let linux = Linux::new();
    let bot = linux.world.path("bot").display().to_string();
    let verbs: [&[&str]; 7] = [
        &["service", "install", "--bot", &bot],
        &["service", "restart"],
        &["restart"],
        &["service", "stop"],
        &["service", "start"],
        &["stop"],
        &["service", "uninstall"],
    ];
    for words in verbs {
        let said = linux.ductor(&[&["--quiet"], words].concat()).ended(0);
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""), "{words:?}");
    }
    // What is asked for is no chatter.
    assert!(linux.ductor(&["--quiet", "service", "status"]).ended(4).out.starts_with("● ductor is not"));
}

#[test]
fn the_doctor_finds_agents_by_the_variables_of_the_host_and_not_by_those_of_the_shell() {
    let linux = Linux::installed();
    let nvm = linux.world.path("tools/nvm");
    let bin = nvm.join("versions/node/v22.1.0/bin");
    fs::create_dir_all(&bin).unwrap();
    fakes::put_script(&bin.join("codex"), "#!/bin/sh\n").unwrap();
    let agents = |variable: &str| {
        let said = Said::of(linux.command(&["service", "doctor", "--json"]).env(variable, &nvm));
        let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        found["findings"].as_array().unwrap().iter().any(|it| it.to_string().contains("finds codex"))
    };
    assert!(!agents("NVM_DIR"), "the host does not see it");
    let environment = linux.machine.get("environment").unwrap();
    linux.machine.set("environment", &format!("{environment}\nNVM_DIR={}", nvm.display())).unwrap();
    linux.ductor(&["service", "restart"]).ended(0);
    assert!(agents("OTHER"), "the host has it");
}
