//! The host under systemd, which starts what ended badly again, and gives up.

use ductor::internals::{Process, Signal};
use serde_json::{Value, json};

use super::Linux;
use crate::world::{BOT, wait_for};

fn process(pid: &Value) -> Process {
    Process::of(pid.as_u64().unwrap().try_into().unwrap()).unwrap()
}

#[test]
fn case_12_after_42_the_host_stays_and_nothing_is_counted() {
    let linux = Linux::installed();
    let host = linux.status()["pid"].clone();
    process(&host).signal(Signal::User2).unwrap();
    linux.world.wait_for_bots(2);
    let status = linux.status();
    assert_eq!(
        (&status["pid"], &status["restarts"], &status["last_exit"]["code"]),
        (&host, &json!(0), &json!(42))
    );
}

#[test]
fn case_13_a_bot_that_ends_with_78_is_started_once_and_again_when_it_is_mended() {
    let linux = Linux::with(&format!("[ -e mended ] || {{ echo $$ >>bots; exit 78; }}\n{BOT}"));
    linux.install(&[]).ended(78).with("the bot: ended with code 78");
    wait_for("end of the host", || linux.state() == "failed");
    assert_eq!((linux.problems(), linux.world.bots().len()), (vec!["not-configured".into()], 1));
    assert_eq!(linux.ductor(&["service", "status"]).code, Some(3));
    std::fs::write(linux.world.path("mended"), "").unwrap();
    linux.ductor(&["service", "start"]).ended(0);
    assert_eq!((linux.state(), linux.world.bots().len()), ("running".into(), 2));
}

#[test]
fn how_the_bot_of_an_earlier_host_ended_is_no_fault_of_the_one_that_found_none() {
    let linux = Linux::with("echo $$ >>bots; exit 78");
    linux.install(&[]).ended(78).with("the bot: ended with code 78");
    wait_for("end of the host", || linux.problems() == ["not-configured"]);
    let first = linux.world.state()["process"].clone();
    std::fs::remove_file(linux.world.path("bot")).unwrap();
    linux.systemctl(&["start", "ductor.service"]);
    let last = || linux.world.state();
    wait_for("end of the next host", || last()["process"] != first && last()["ended"].is_string());
    wait_for("word of it", || linux.state() == "failed");
    let status = linux.status();
    assert!(!linux.problems().contains(&"not-configured".into()), "{status:#}");
    assert_eq!((&last()["ended"], &status["last_exit"]["code"]), (&json!("configuration"), &json!(78)));
}

#[test]
fn case_14_a_bot_that_always_crashes_is_given_up_after_10_starts_and_a_start_clears_it() {
    let linux = Linux::with(&format!("[ -e mended ] || {{ echo $$ >>bots; exit 3; }}\n{BOT}"));
    linux.install(&[]).ended(1).with("ended with code 3");
    wait_for("end of the tries", || linux.state() == "gave-up");
    assert_eq!((linux.world.bots().len(), linux.problems()), (10, vec!["start-limit".into()]));
    assert_eq!(linux.ductor(&["service", "status"]).code, Some(3));
    std::fs::write(linux.world.path("mended"), "").unwrap();
    linux.ductor(&["service", "start"]).ended(0);
    assert_eq!((linux.state(), linux.status()["restarts"].clone()), ("running".into(), json!(0)));
}

#[test]
fn a_killed_host_is_back_and_counted_and_leaves_no_bot_behind() {
    let linux = Linux::installed();
    let bot = Process::of(linux.world.bots()[0]).unwrap();
    let host = linux.status()["pid"].clone();
    process(&host).signal(Signal::Kill).unwrap();
    linux.world.wait_for_bots(2);
    let status = linux.status();
    assert!(!bot.is_alive() && status["pid"] != host, "{status:#}");
    assert_eq!((&status["restarts"], &status["state"]), (&json!(1), &json!("running")));
}

#[test]
fn case_24_an_agent_in_the_bot_asks_the_host_and_not_the_manager() {
    let linux = Linux::with(&format!(
        "trap 'wait $agent; exit 0' TERM
        [ -e ask ] && {{ rm ask; $DUCTOR restart >answer 2>&1 & agent=$!; wait; sleep 100 & wait; }}\n{BOT}"
    ));
    let environment = linux.machine.get("environment").unwrap();
    let environment = format!("{environment}\nDUCTOR={}", env!("CARGO_BIN_EXE_ductor"));
    linux.machine.set("environment", &environment).unwrap();
    linux.install(&[]).ended(0);
    let before = linux.status();
    std::fs::write(linux.world.path("ask"), "").unwrap();
    process(&before["pid"]).signal(Signal::User2).unwrap();
    wait_for("the bot after the one that asked", || linux.world.bots().len() == 2);
    assert_eq!(linux.world.read("answer"), "scheduled\n");
    let after = linux.status();
    assert_eq!((&after["pid"], &after["restarts"]), (&before["pid"], &json!(0)));
}

#[test]
fn case_22_a_second_host_is_refused_while_the_service_runs() {
    let linux = Linux::installed();
    let pid = linux.status()["pid"].clone();
    let mut run = linux.command(&["run"]);
    let said = crate::world::Said::of(run.env("DUCTOR_BOT", linux.world.path("bot"))).ended(1);
    assert!(said.err.contains(&format!("it runs already, as the service (host pid {pid})")), "{}", said.err);
    assert_eq!(linux.status()["pid"], pid);
}

#[test]
fn a_host_of_a_manager_that_does_not_answer_is_still_the_services() {
    let linux = Linux::installed();
    let pid = linux.status()["pid"].clone();
    linux.log_out();
    let status = linux.status();
    assert_eq!(
        (&status["state"], &status["owner"], &status["pid"]),
        (&json!("unknown"), &json!("service"), &pid),
        "{status:#}"
    );
    assert_eq!(linux.problems(), ["manager-unreachable"]);
    let said = linux.ductor(&["restart"]).ended(0);
    assert_eq!(said.out, format!("restarted the bot of the service's host (pid {pid})\n"));
    linux.log_in();
    linux.ductor(&["service", "stop"]).ended(0);
}
