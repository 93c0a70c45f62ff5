//! The service while it lives: status, stop, start, restart, crashes.

use std::time::{Duration, Instant};

use ductor::internals::{Process, Signal};
use serde_json::json;

use super::machine::Machine;
use crate::world::{BOT, NOBODY, Said, wait_for};

fn process(pid: &serde_json::Value) -> Process {
    Process::of(u32::try_from(pid.as_u64().unwrap()).unwrap()).unwrap()
}

#[test]
fn case_45_status_has_the_codes_and_keys_of_every_system() {
    let machine = Machine::new();
    let code = || machine.service(&["status"]).code;
    assert_eq!(code(), Some(4));
    machine.install(&[]).ok();
    assert_eq!(code(), Some(0));
    let status = machine.status();
    let keys: Vec<&str> = status.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys.join(" "),
        "manager state installed enabled running pid bot_pid since restarts last_exit definition packaged \
         owner survives_logout survives_reboot problems"
    );
    let expected = json!({
        "manager": "task-scheduler", "state": "running", "installed": true, "enabled": true, "running": true,
        "pid": machine.world.state()["process"]["pid"], "bot_pid": machine.world.bots()[0],
        "since": machine.world.state()["since"], "restarts": 0, "last_exit": null, "definition": "\\ductor",
        "packaged": false, "owner": "service", "survives_logout": false, "survives_reboot": true, "problems": [],
    });
    assert_eq!(status, expected, "{status:#}");
    machine.service(&["stop"]).ok();
    assert_eq!(code(), Some(3));
    machine.set("down", "");
    assert_eq!(code(), Some(5));
}

#[test]
fn case_46_what_is_already_so_is_said_so() {
    let machine = Machine::new();
    assert_eq!(machine.service(&["start"]).code, Some(4), "{:#?}", machine.service(&["start"]));
    assert_eq!(machine.service(&["stop"]).ok().out, "the service is not installed\n");
    machine.install(&["--no-start"]).ok();
    assert_eq!(machine.world.bots().len(), 0);
    assert_eq!(machine.service(&["stop"]).ok().out, "already stopped\n");
    machine.service(&["start"]).ok();
    assert_eq!(machine.service(&["start"]).ok().err, "already running\n");
    assert_eq!(machine.world.bots().len(), 1);
}

#[test]
fn case_19_stop_ends_the_whole_tree_in_order() {
    let machine = Machine::with_bot(&format!("(trap '' TERM; setsid sleep 1000 & sleep 1000) &\n{BOT}"));
    machine.install(&[]).ok();
    assert_eq!(machine.service(&["stop"]).ok().out, "stopped\n");
    assert_eq!(machine.world.read("told"), "TERM\n");
    wait_for("the end of all", || machine.world.processes() == NOBODY);
    assert_eq!(machine.task("ductor", "result"), "0");
    assert_eq!(machine.status()["state"], "stopped");
}

#[test]
fn a_stop_says_that_it_starts_again_at_the_next_login() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    assert_eq!(machine.service(&["stop"]).ok().err, "it starts again at your next login\n");
    machine.service(&["start"]).ok();
    machine.schtasks(&["/Change", "/TN", "ductor", "/DISABLE"]).ok();
    assert_eq!(machine.ductor(&["stop"]).ok().out, "stopped the service\n");
}

#[test]
fn restart_is_a_new_host() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let before = machine.status();
    machine.service(&["restart"]).ok();
    let after = machine.status();
    assert!(before["pid"] != after["pid"] && after["state"] == "running", "{before:#} {after:#}");
    assert_eq!((machine.world.bots().len(), &after["restarts"]), (2, &json!(0)));
}

#[test]
fn case_23_two_restarts_at_once_are_one() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let both = [0; 2].map(|_| machine.command(&["service", "restart"]).spawn().unwrap());
    for restart in both {
        let output = restart.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(machine.world.bots().len(), 2);
}

#[test]
fn case_15_a_bot_that_is_killed_is_back_within_5_s_by_the_same_host() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let before = machine.status();
    process(&before["bot_pid"]).signal(Signal::Kill).unwrap();
    let killed = Instant::now();
    machine.world.wait_for_bots(2);
    assert!(killed.elapsed() < Duration::from_secs(5), "{:?}", killed.elapsed());
    let after = machine.status();
    assert_eq!(
        (&after["pid"], &after["restarts"], &after["state"]),
        (&before["pid"], &json!(1), &json!("running"))
    );
    assert_eq!(machine.task("ductor", "result"), "267009");
}

#[test]
fn while_the_host_waits_before_the_next_bot_the_service_is_restarting() {
    let machine = Machine::with_bot(&format!("[ -e bad ] && exit 3\n{BOT}"));
    machine.install(&[]).ok();
    std::fs::write(machine.world.path("bad"), "").unwrap();
    let status = machine.status();
    process(&status["bot_pid"]).signal(Signal::Kill).unwrap();
    // Each wait is longer than the one before; the fourth is 16 s.
    for restarts in 1..4 {
        wait_for("a wait", || machine.world.state()["restarts"] == restarts);
        process(&status["pid"]).signal(Signal::User1).unwrap();
    }
    wait_for("the long wait", || machine.world.state()["restarts"] == 4);
    let said = machine.service(&["status", "--json"]).ended(3);
    assert_eq!((&said.json()["state"], &said.json()["pid"]), (&json!("restarting"), &status["pid"]));
}

#[test]
fn case_12_after_42_a_new_bot_starts_at_once_under_the_same_host() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let before = machine.status();
    process(&before["pid"]).signal(Signal::User2).unwrap();
    machine.world.wait_for_bots(2);
    let after = machine.status(); // a wait would be counted
    assert_eq!(
        (&after["pid"], &after["restarts"], &after["last_exit"]["code"]),
        (&before["pid"], &json!(0), &json!(42))
    );
}

#[test]
fn case_13_after_78_nothing_is_started_again_and_start_after_mending_works() {
    let machine = Machine::with_bot(&format!("[ -e mended ] || {{ echo $$ >>bots; exit 78; }}\n{BOT}"));
    let said = machine.install(&[]);
    assert_eq!(said.code, Some(78), "{said:#?}");
    wait_for("the scheduler to notice", || machine.task("ductor", "result") == "78");
    let status = machine.status();
    assert_eq!(
        (&status["state"], &status["problems"][0]["id"]),
        (&json!("failed"), &json!("not-configured"))
    );
    assert_eq!(machine.world.bots().len(), 1);
    std::fs::write(machine.world.path("mended"), "").unwrap();
    machine.service(&["start"]).ok();
    assert_eq!(machine.status()["state"], "running");
}

#[test]
fn a_bot_that_crashes_at_once_is_told_at_once() {
    let machine = Machine::with_bot("echo $$ >>bots; exit 3");
    let start = Instant::now();
    let said = machine.install(&[]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.err.contains("error: the bot: ended with code 3"), "{said:#?}");
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "so long a bot would be waited for: {:?}",
        start.elapsed()
    );
    wait_for("the wait", || machine.status()["state"] == "restarting");
    machine.service(&["stop"]).ok();
}

#[test]
fn a_host_that_was_killed_is_seen_to_have_failed() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    process(&machine.status()["pid"]).signal(Signal::Kill).unwrap();
    wait_for("the scheduler to notice", || machine.task("ductor", "result") == "1");
    let status = machine.status();
    assert_eq!((&status["state"], &status["running"]), (&json!("failed"), &json!(false)), "{status:#}");
    machine.service(&["start"]).ok();
    assert_eq!(machine.status()["state"], "running");
}

#[test]
fn a_task_that_somebody_switched_off_is_told_and_switched_on_again() {
    let machine = Machine::new();
    machine.install(&["--no-start"]).ok();
    machine.schtasks(&["/Change", "/TN", "ductor", "/DISABLE"]).ok();
    let status = machine.status();
    assert_eq!((&status["enabled"], &status["survives_reboot"]), (&json!(false), &json!(false)));
    assert_eq!(status["problems"][0]["id"], "disabled", "{status:#}");
    machine.service(&["start"]).ok();
    let status = machine.status();
    assert_eq!((&status["enabled"], &status["problems"]), (&json!(true), &json!([])), "{status:#}");
}

#[test]
fn case_22_a_second_host_is_refused_while_the_service_runs() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let pid = machine.status()["pid"].clone();
    let said = Said::of(machine.command(&["run"]).env("DUCTOR_BOT", machine.world.path("bot")));
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.err.contains(&format!("it runs already, as the service (host pid {pid})")), "{said:#?}");
    assert_eq!(machine.status()["pid"], pid);
}

#[test]
fn the_service_does_not_take_over_from_a_host_in_the_foreground() {
    let machine = Machine::new();
    let mut run = machine.command(&["run"]);
    let mut host = run.env("DUCTOR_BOT", machine.world.path("bot")).spawn().unwrap();
    machine.world.wait_for_bots(1);
    let said = machine.install(&[]);
    assert_eq!((said.code, machine.tasks()), (Some(1), vec![]), "{said:#?}");
    machine.ductor(&["stop"]).ok();
    host.wait().unwrap();
    machine.install(&[]).ok();
}

#[test]
fn an_agent_in_the_bot_asks_the_host_and_not_the_scheduler() {
    let machine = Machine::with_bot(&format!(
        "trap 'wait $agent; exit 0' TERM
        [ -e ask ] && {{ rm ask; ductor restart >answer 2>&1 & agent=$!; wait; sleep 100 & wait; }}\n{BOT}"
    ));
    machine.install(&[]).ok();
    let before = machine.status();
    std::fs::write(machine.world.path("ask"), "").unwrap();
    machine.service(&["restart"]).ok();
    wait_for("the bot after the one that asked", || machine.world.bots().len() == 2);
    assert_eq!(machine.world.read("answer"), "scheduled\n");
    let after = machine.status();
    assert!(after["pid"] != before["pid"] && after["restarts"] == 0, "{after:#}");
}

#[test]
fn what_the_bot_writes_is_found() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    machine.service(&["logs", "--no-follow"]).ok();
}
