//! Other languages, other users, other makers, and what only an administrator may.

use std::fs;

use serde_json::{Value, json};

use super::machine::Machine;
use crate::world::{BOT, wait_for};

/// The task of the Python ductor 0.20.1 (`infra/service_windows.py`).
fn pythons_task(machine: &Machine) -> String {
    let python = machine.world.path(".local/bin/pythonw");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n\
         <Task version=\"1.4\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\
         <RegistrationInfo><Description>ductor - Telegram bot powered by AI CLIs</Description></RegistrationInfo>\
         <Triggers><LogonTrigger><Enabled>true</Enabled><Delay>PT10S</Delay></LogonTrigger></Triggers>\
         <Settings><RunOnlyIfNetworkAvailable>true</RunOnlyIfNetworkAvailable><UseUnifiedSchedulingEngine>true</UseUnifiedSchedulingEngine></Settings>\
         <Principals><Principal id=\"Author\"><LogonType>InteractiveToken</LogonType>\
         <RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\
         <Actions Context=\"Author\"><Exec><Command>{}</Command><Arguments>-m ductor_bot</Arguments></Exec></Actions>\
         </Task>",
        python.display()
    )
}

/// A bot of its own, that notes its pid as the real one does.
fn noting() -> String {
    BOT.replace("echo $$ >>bots", "mkdir -p .ductor; echo $$ >.ductor/bot.pid; echo $$ >>bots")
}

fn foreign_task() -> &'static str {
    "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n\
     <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\
     <RegistrationInfo><Description>mine</Description></RegistrationInfo><Settings/>\
     <Principals><Principal id=\"Author\"><LogonType>InteractiveToken</LogonType></Principal></Principals>\
     <Actions Context=\"Author\"><Exec><Command>/bin/true</Command></Exec></Actions></Task>"
}

#[test]
fn case_17_whatever_language_windows_speaks_the_answers_are_the_same() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let look = || (machine.status(), machine.service(&["doctor", "--json"]).json());
    let running = look();
    let mut compared = 0;
    for language in ["de", "fr", "zh"] {
        for xml in ["utf16", "utf16-bare", ""] {
            machine.set("language", language);
            machine.set("xml", xml);
            assert_eq!(without_room(look()), without_room(running.clone()), "{language} {xml}");
            compared += 1;
        }
    }
    println!("compared in {compared} combinations of language and encoding");
    machine.service(&["restart"]).ok();
    machine.service(&["stop"]).ok();
    assert_eq!(machine.status()["state"], "stopped");
    machine.service(&["uninstall"]).ok();
}

/// What changes by itself: the free space of the disk.
fn without_room((status, mut doctor): (Value, Value)) -> (Value, Value) {
    let findings = doctor["findings"].as_array_mut().unwrap();
    findings.retain(|finding| finding["id"] != "disk");
    (status, doctor)
}

#[test]
fn case_17_access_denied_is_recognised_without_reading_a_word() {
    for language in ["", "de", "fr", "zh"] {
        let machine = Machine::new();
        machine.set("language", language);
        machine.set("denied", "");
        let before = machine.everything();
        let said = machine.install(&[]);
        assert_eq!(said.code, Some(77), "{language}: {said:#?}");
        assert!(said.err.contains("\n  fix: right-click \"Terminal\""), "{language}: {said:#?}");
        assert!(
            said.err.ends_with("\"Run as administrator\", and type there: ductor service install\n"),
            "{said:#?}"
        );
        assert_eq!(machine.everything(), before, "{language}");
        machine.set("elevated", "");
        machine.install(&[]).ok();
    }
}

#[test]
fn a_task_that_an_administrator_made_is_not_mended_without_one() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    machine.set("denied", "");
    let before = machine.everything();
    let other = format!("{} --other", machine.world.path("bot").display());
    let said = machine.service(&["install", "--bot", &other]);
    assert_eq!((said.code, machine.everything()), (Some(77), before), "{said:#?}");
    assert_eq!(machine.service(&["stop"]).ok().out, "stopped\n"); // our own processes take no rights
    for verb in ["start", "uninstall"] {
        let said = machine.service(&[verb]);
        assert_eq!(said.code, Some(77), "{verb}: {said:#?}");
        assert!(said.err.ends_with(&format!("ductor service {verb}\n")), "{said:#?}");
    }
}

#[test]
fn case_18_two_users_of_one_machine_both_have_their_own() {
    let bob = Machine::new();
    bob.set("user", "bob 1002");
    bob.install(&["--no-start"]).ok();
    let bobs = bob.task("ductor", "definition.xml");
    bob.set("user", "alice 1001");
    let said = bob.install(&[]).ok();
    assert!(!said.err.contains("denied"), "{said:#?}");
    assert_eq!(bob.tasks(), ["ductor", "ductor-alice"]);
    assert_eq!(bob.task("ductor", "definition.xml"), bobs);
    let status = bob.status();
    assert_eq!((&status["definition"], &status["state"]), (&json!("\\ductor-alice"), &json!("running")));
    bob.service(&["restart"]).ok();
    bob.service(&["uninstall"]).ok();
    assert_eq!(bob.tasks(), ["ductor"]);
    assert_eq!(bob.task("ductor", "definition.xml"), bobs);
}

#[test]
fn case_18_an_administrator_who_sees_all_tasks_takes_none_of_them() {
    let machine = Machine::new();
    machine.set("user", "bob 1002");
    machine.install(&["--no-start"]).ok();
    let bobs = machine.task("ductor", "definition.xml");
    machine.set("user", "alice 1001");
    machine.set("elevated", "");
    machine.install(&["--no-start"]).ok();
    assert_eq!(machine.tasks(), ["ductor", "ductor-alice"]);
    assert_eq!(machine.task("ductor", "definition.xml"), bobs);
}

#[test]
fn case_49_the_task_of_the_python_ductor_is_taken_over_in_place() {
    let machine = Machine::new();
    machine.world.python(&noting());
    machine.has_task("ductor", &pythons_task(&machine));
    machine.schtasks(&["/Run", "/TN", "ductor"]).ok();
    wait_for("the bot", || machine.world.bots().len() == 1 && machine.world.home("bot.pid").exists());
    assert_eq!(machine.status()["problems"][0]["id"], "definition-stale");
    let said = machine.install(&[]).ok();
    assert!(said.err.contains("took over the task of the Python ductor: ductor\n"), "{said:#?}");
    assert_eq!(machine.tasks(), ["ductor"]);
    let task = machine.task("ductor", "definition.xml");
    assert!(task.contains("ductorw</Command>") && !task.contains("ductor_bot"), "{task}");
    assert_eq!(machine.status()["state"], "running");
    assert_eq!(machine.world.read("told"), "TERM\n", "the Python bot ended in order");
    assert!(
        task.contains("<UseUnifiedSchedulingEngine>true</UseUnifiedSchedulingEngine>"),
        "what people set is kept: {task}"
    );

    // And back, as docs/migrating.md says.
    machine.service(&["uninstall"]).ok();
    assert!(machine.tasks().is_empty());
    machine.has_task("ductor", &pythons_task(&machine));
    machine.schtasks(&["/Run", "/TN", "ductor"]).ok();
    wait_for("its bot", || machine.world.bots().len() == 3);
    assert!(machine.install(&[]).ok().err.contains("took over the task of the Python ductor"));
}

#[test]
fn case_49_the_task_of_the_python_ductor_is_removed() {
    let machine = Machine::new();
    machine.has_task("ductor", &pythons_task(&machine));
    machine.service(&["uninstall"]).ok();
    assert!(machine.tasks().is_empty());
}

#[test]
fn a_task_that_is_not_ours_is_never_touched() {
    let machine = Machine::new();
    machine.has_task("ductor", foreign_task());
    let before = machine.everything();
    for said in [machine.install(&[]), machine.service(&["uninstall"])] {
        assert_eq!(said.code, Some(1), "{said:#?}");
        assert!(said.err.contains("error: the task ductor: it was not made by ductor"), "{said:#?}");
    }
    assert_eq!(machine.everything(), before);
    let status = machine.status();
    assert_eq!(
        (&status["state"], &status["problems"][0]["id"]),
        (&json!("not-installed"), &json!("foreign-definition"))
    );
}

#[test]
fn case_15_direct_runs_the_bot_itself_and_says_what_that_costs() {
    let machine = Machine::new();
    machine.world.python(&noting());
    configure(&machine);
    let said = machine.service(&["install", "--direct"]).ok();
    assert!(said.err.contains("nothing starts it again after a crash"), "{said:#?}");
    let task = machine.task("ductor", "definition.xml");
    assert!(
        task.contains("pythonw</Command>") && task.contains("<Arguments>-m ductor_bot</Arguments>"),
        "{task}"
    );
    let status = machine.status();
    assert_eq!(
        (&status["state"], &status["owner"], &status["pid"], &status["bot_pid"]),
        (
            &json!("running"),
            &json!("service"),
            &json!(machine.world.bots()[0]),
            &json!(machine.world.bots()[0])
        )
    );
    let ids: Vec<&Value> = status["problems"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, ["direct"], "{status:#}");
    machine.service(&["restart"]).ok();
    assert_eq!(machine.world.bots().len(), 2);
    machine.service(&["stop"]).ok();
    assert_eq!(
        (machine.world.read("told"), machine.status()["state"].clone()),
        ("TERM\nTERM\n".into(), json!("stopped"))
    );
    // Without the option a host runs it again.
    machine.service(&["install"]).ok();
    assert!(machine.task("ductor", "definition.xml").contains("ductorw</Command>"));
    assert_eq!(machine.status()["problems"], json!([]));
}

#[test]
fn direct_is_refused_where_it_can_not_be() {
    let machine = Machine::new();
    configure(&machine);
    let said = machine.install(&["--direct"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    for manager in ["systemd", "launchd"] {
        let mut command = machine.command(&["service", "install", "--direct"]);
        let output = command.env("DUCTOR_MANAGER", manager).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{manager}: {output:?}");
    }
    machine.world.python(&noting());
    fs::remove_file(machine.world.path(".local/bin/pythonw")).unwrap();
    let said = machine.service(&["install", "--direct"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.err.contains("has no pythonw beside it"), "{said:#?}");
    assert!(machine.tasks().is_empty());
}

fn configure(machine: &Machine) {
    fs::create_dir_all(machine.world.home("config")).unwrap();
    let config = "{\"telegram_token\": \"123:abc\", \"allowed_user_ids\": [1]}";
    fs::write(machine.world.home("config/config.json"), config).unwrap();
}

#[test]
fn the_doctor_knows_who_made_the_task_and_whose_rights_it_takes() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let finding = |id: &str| {
        let doctor = machine.service(&["doctor", "--json"]).json();
        let all = doctor["findings"].as_array().unwrap().clone();
        all.into_iter().find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("{id}: {doctor:#}"))
    };
    assert_eq!(finding("task-maker")["what"], "ductor made the task ductor, for you");
    let what = "the task runs with the rights of alice; no administrator is needed";
    assert_eq!(finding("permissions")["what"], what);
    let task = machine.task("ductor", "definition.xml").replace("LeastPrivilege", "HighestAvailable");
    machine.set("tasks/ductor/definition.xml", &task);
    let permissions = finding("permissions");
    assert_eq!(permissions["ok"], false, "{permissions:#}");
    assert!(
        permissions["fix"].as_str().unwrap().contains("schtasks.exe /Delete /TN ductor"),
        "{permissions:#}"
    );
    fs::remove_file(machine.world.path("bin/ductorw")).unwrap();
    assert_eq!(finding("no-program")["fix"], "ductor service install");
}
