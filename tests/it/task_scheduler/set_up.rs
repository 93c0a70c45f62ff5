//! Setting the task up and taking it away.

use std::fs;

use serde_json::json;

use super::machine::Machine;
use crate::world::{NOBODY, wait_for};

#[test]
fn case_16_a_user_without_rights_installs_it_and_nothing_is_left_but_the_task() {
    let machine = Machine::new();
    let said = machine.install(&[]).ok();
    assert!(said.out.starts_with("● ductor is running          since "), "{said:#?}");
    assert!(said.out.contains("\n  owner     scheduled task "), "{said:#?}");
    assert!(said.out.ends_with("\n  survives  logout no      reboot yes\n"), "{said:#?}");
    assert_eq!(said.err, "the bot runs only while you are logged on; it starts 10 s after you log on\n");
    let task = machine.task("ductor", "definition.xml");
    let user = "<UserId>S-1-5-21-1111111111-2222222222-3333333333-1001</UserId>";
    assert_eq!(task.matches(user).count(), 2, "{task}");
    assert!(task.contains(&format!("<Command>{}</Command>", machine.world.path("bin/ductorw").display())));
    for part in ["<Interval>PT1M</Interval>", "<Count>3</Count>", "<Delay>PT10S</Delay>", "InteractiveToken"]
    {
        assert!(task.contains(part), "{part}: {task}");
    }
    assert!(!machine.home().task().exists());
    assert_eq!(machine.tasks(), ["ductor"]);
}

#[test]
fn again_changes_nothing() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let (before, bots) = (machine.everything(), machine.world.bots());
    machine.calls();
    let said = machine.install(&[]).ok();
    assert_eq!(said.err, "already installed; nothing changed\n");
    let changes = ["/Create", "/Run", "/End", "/Delete", "/Change"];
    let calls = machine.calls();
    assert!(calls.iter().all(|call| changes.iter().all(|change| !call.contains(change))), "{calls:#?}");
    assert_eq!((machine.everything(), machine.world.bots()), (before, bots.clone()));
    machine.schtasks(&["/Change", "/TN", "ductor", "/DISABLE"]).ok();
    assert_eq!(machine.install(&[]).ok().err, "already installed; switched on: the task\n");
    assert_eq!((machine.world.bots(), machine.status()["problems"].clone()), (bots, json!([])));
}

#[test]
fn a_new_bot_is_run_by_a_new_host_and_what_people_set_is_kept() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let edited = machine.task("ductor", "definition.xml").replacen(
        "<Settings>",
        "<Settings><DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter>",
        1,
    );
    machine.set("tasks/ductor/definition.xml", &edited);
    assert_eq!(machine.status()["problems"], json!([]));
    fakes::copy_program(&machine.world.path("bot"), &machine.world.path("other bot")).unwrap();
    let other = format!("'{}' --x", machine.world.path("other bot").display());
    machine.service(&["install", "--bot", &other]).ok();
    let task = machine.task("ductor", "definition.xml");
    assert!(task.contains("<DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter>"), "{task}");
    machine.world.wait_for_bots(2);
    let command = machine.world.state()["bot"]["command"].clone();
    assert_eq!(command[1], "--x");
    assert_eq!(machine.world.read("told"), "TERM\n");
    // What was chosen is kept.
    let said = machine.service(&["install"]).ok();
    assert_eq!(said.err, "already installed; nothing changed\n");
    assert_eq!(machine.world.bots().len(), 2);
}

#[test]
fn a_host_by_an_earlier_choice_is_started_anew_once() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let other = format!("{} --other", machine.world.path("bot").display());
    machine.service(&["install", "--no-start", "--bot", &other]).ok();
    assert_eq!(machine.world.bots().len(), 1);
    machine.service(&["install"]).ok();
    machine.world.wait_for_bots(2);
    assert_eq!(machine.world.state()["bot"]["command"][1], "--other");
    assert_eq!(machine.service(&["install"]).ok().err, "already installed; nothing changed\n");
    assert_eq!(machine.world.bots().len(), 2);
}

#[test]
fn a_task_that_ends_on_battery_is_stale_and_mended() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    for (good, bad) in [
        ("<StopIfGoingOnBatteries>false", "<StopIfGoingOnBatteries>true"),
        ("<StopOnIdleEnd>false", "<StopOnIdleEnd>true"),
        ("<ExecutionTimeLimit>PT0S", "<ExecutionTimeLimit>PT72H"),
    ] {
        let task = machine.task("ductor", "definition.xml");
        machine.set("tasks/ductor/definition.xml", &task.replace(good, bad));
        let problems = machine.status()["problems"].clone();
        assert_eq!(problems[0]["id"], "definition-stale", "{bad}: {problems:#}");
        machine.install(&[]).ok();
        assert_eq!(machine.status()["problems"], json!([]), "{bad}");
    }
}

#[test]
fn a_task_of_another_version_that_says_the_same_is_no_stale_one() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let task = machine.task("ductor", "definition.xml");
    machine.set("tasks/ductor/definition.xml", &task.replacen("Made by ductor ", "Made by ductor 0.0.", 1));
    let before = machine.status();
    assert_eq!(before["problems"], json!([]));
    assert_eq!(machine.install(&[]).ok().err, "already installed; nothing changed\n");
    assert_eq!(machine.status()["pid"], before["pid"]);
}

#[test]
fn a_rehearsal_prints_everything_and_changes_nothing_even_without_a_scheduler() {
    let machine = Machine::new();
    let before = machine.everything();
    for setting in ["language", "down"] {
        machine.set(setting, "de");
        let said = machine.install(&["--dry-run"]).ok();
        let file = machine.home().task().display().to_string();
        for line in [
            format!(
                "write {file}\n    <?xml version=\"1.0\" encoding=\"UTF-16\"?>\n    <Task version=\"1.2\""
            ),
            format!("\nrun schtasks.exe /Create /TN ductor /XML {file}\n"),
            "\nrun schtasks.exe /Run /TN ductor\n".into(),
        ] {
            assert!(said.out.contains(&line), "{line}: {said:#?}");
        }
        assert_eq!(machine.everything(), before);
    }
}

#[test]
fn case_37_uninstall_leaves_nothing_whatever_there_was() {
    let machine = Machine::new();
    let said = machine.service(&["uninstall"]).ok();
    assert_eq!(said.out, "the service was not installed\n");
    machine.install(&[]).ok();
    let rehearsal = machine.service(&["uninstall", "--dry-run"]).ok();
    assert!(rehearsal.out.contains("run schtasks.exe /Delete /TN ductor /F\n"), "{rehearsal:#?}");
    assert_eq!((machine.tasks().len(), machine.status()["running"].as_bool()), (1, Some(true)));
    fs::write(machine.home().task(), "left by one that was cut off").unwrap();
    fs::create_dir_all(machine.home().logs()).unwrap();
    for log in ["service.log", "service.err.3"] {
        fs::write(machine.home().logs().join(log), "what the bot said").unwrap();
    }
    let said = machine.service(&["uninstall"]).ok();
    assert_eq!(
        (said.err.as_str(), said.out.as_str()),
        ("removed the task ductor\n", "the service is uninstalled\n")
    );
    assert!(machine.tasks().is_empty() && !machine.home().task().exists() && !machine.home().logs().exists());
    wait_for("the end of the scheduler's own", || machine.world.processes() == NOBODY);
    assert_eq!(machine.service(&["uninstall"]).ok().out, "the service was not installed\n");
}

#[test]
fn without_a_scheduler_uninstall_warns_and_ends_with_0() {
    let machine = Machine::new();
    machine.set("down", "");
    let said = machine.service(&["uninstall"]).ok();
    assert!(said.err.starts_with("warning: "), "{said:#?}");
    for words in [&["status"][..], &["start"], &["stop"], &["restart"]] {
        assert_eq!(machine.service(words).code, Some(5), "{words:?}");
    }
    assert_eq!(machine.install(&[]).code, Some(5));
}

#[test]
fn case_33_no_secret_is_written_anywhere() {
    let machine = Machine::new();
    let secret = "123456:SECRET";
    fs::create_dir_all(machine.world.home("config")).unwrap();
    let config = format!("{{\"telegram_token\": \"{secret}\", \"allowed_user_ids\": [1]}}");
    fs::write(machine.world.home("config/config.json"), config).unwrap();
    machine.install(&[]).ok();
    assert!(!machine.task("ductor", "definition.xml").contains(secret));
    assert!(machine.calls().iter().all(|call| !call.contains(secret)));
}

#[test]
fn case_04_what_no_task_can_carry_is_refused_before_anything_is_written() {
    let machine = Machine::new();
    let before = machine.everything();
    let bot = machine.world.path("bot").display().to_string();
    for bad in [format!("'{bot}' 'a\nb'"), format!("'{bot}' %PATH%")] {
        let said = machine.service(&["install", "--bot", &bad]);
        assert_eq!(said.code, Some(2), "{said:#?}");
        assert!(said.err.contains("in a scheduled task"), "{said:#?}");
    }
    assert_eq!(machine.everything(), before);
}
