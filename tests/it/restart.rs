//! A new bot: after 42, after a crash, on request; and the end of the host where a manager restarts it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::time::{Duration, Instant};

use ductor::internals::Signal;
use serde_json::Value;

use crate::world::{BOT, World, wait_for};

#[test]
fn after_42_a_new_bot_starts_at_once_under_the_same_host() {
    let world = World::new(BOT);
    let host = world.host();
    let mut times = Vec::new();
    for count in 2..=4 {
        let asked = Instant::now();
        host.signal(Signal::User2); // the host passes it on
        world.wait_for_bots(count);
        times.push(asked.elapsed());
    }
    assert!(times.iter().min().unwrap() < &Duration::from_secs(2), "the shortest wait there is: {times:?}");
    let state = world.state();
    assert_eq!((&state["process"]["pid"], &state["restarts"]), (&host.process.pid.into(), &0.into()));
    assert_eq!(state["last_exit"]["code"], 42);
    host.signal(Signal::Terminate);
    assert_eq!(host.end().1, "", "it never said that it waits");
}

#[test]
fn what_a_bot_leaves_behind_is_gone_before_the_next_one_starts() {
    // Other worlds have such a bot too.
    let world = World::new(&format!(
        "pgrep -f \"stay in $WORLD\" >>seen\nsetsid -f sh -c \": stay in $WORLD; sleep 100; :\"\n{BOT}"
    ));
    let host = world.host();
    host.signal(Signal::User2);
    wait_for("new bot", || world.bots().len() == 2);
    assert_eq!(world.read("seen"), "");
}

#[test]
fn a_bot_that_only_asks_for_restarts_does_not_spin() {
    let world = World::new("echo $$ >>bots; exit 42");
    let host = world.start(&mut world.ductor(&[]));
    wait_for("a pause", || world.state()["restarts"] == 1);
    assert_eq!(world.bots().len(), 11);
    host.signal(Signal::Terminate);
    let (status, said) = host.end();
    assert_eq!(status.code(), Some(0));
    assert!(said.contains("the bot ended with code 42; it is started again in 2 s"), "{said}");
}

#[test]
fn in_the_foreground_a_crash_is_followed_by_a_new_bot_after_2_s() {
    let world = World::new(&format!("[ -e bots ] || {{ echo $$ >>bots; exit 3; }}\n{BOT}"));
    let start = Instant::now();
    let host = world.start(&mut world.ductor(&[]));
    wait_for("second bot", || world.bots().len() == 2);
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    world.wait_for_bots(2);
    let state = world.state();
    assert_eq!((&state["restarts"], &state["last_exit"]["code"]), (&1.into(), &3.into()));
    assert_eq!(state["process"]["pid"], host.process.pid);
    host.signal(Signal::Terminate);
    assert_eq!(host.end().1, "the bot ended with code 3; it is started again in 2 s\n");
}

#[test]
fn under_systemd_the_end_of_the_bot_is_passed_on() {
    let cases = [("exit 3", 3, "crashed"), ("kill -9 $$", 137, "crashed"), ("exit 78", 78, "configuration")];
    for (bot, code, ended) in cases {
        let world = World::new(bot);
        let (status, _) = world.start(&mut world.supervised()).end();
        assert_eq!((status.code(), &world.state()["ended"]), (Some(code), &ended.into()), "{bot}");
        assert_eq!(
            (&world.state()["supervision"], &world.state()["restarts"]),
            (&"systemd".into(), &0.into())
        );
    }
}

#[test]
fn the_variables_of_systemd_are_not_believed_when_they_are_inherited() {
    let world = World::new("exit 3");
    let mut command = world.ductor(&[]);
    command.env("DUCTOR_SUPERVISOR", "1").env("SYSTEMD_EXEC_PID", std::process::id().to_string());
    let _host = world.start(&mut command);
    wait_for("state", || world.state()["supervision"] == "foreground" && world.state()["restarts"] == 1);
}

#[test]
fn a_bot_that_ends_with_0_ends_its_host() {
    let world = World::new("exit 0");
    let (status, _) = world.start(&mut world.ductor(&[])).end();
    assert_eq!((status.code(), &world.state()["ended"]), (Some(0), &"bot-ended".into()));
}

#[test]
fn the_last_exit_outlives_the_host() {
    let world = World::new(&format!("[ -e once ] || {{ touch once; exit 5; }}\n{BOT}"));
    world.start(&mut world.supervised()).end();
    let _host = world.host();
    assert_eq!((&world.state()["last_exit"]["code"], &world.state()["ended"]), (&5.into(), &().into()));
}

#[test]
fn how_a_bot_ended_that_outlived_its_host_is_not_known() {
    let world = World::new(BOT);
    let host = world.host();
    host.signal(Signal::User2);
    world.wait_for_bots(2);
    assert_eq!(world.state()["last_exit"]["code"], 42);
    host.signal(Signal::Kill);
    host.end();
    let _host = world.host();
    assert_eq!(world.state()["last_exit"], Value::Null);
}

#[test]
fn under_a_manager_a_bot_that_is_away_for_a_moment_comes_back() {
    let world = World::new(BOT);
    let (bot, away) = (world.path("bot"), world.path("away"));
    let begins = |count| {
        let host = world.start(&mut world.supervised());
        world.wait_for_bots(count);
        host
    };
    let takes_up = |count| {
        wait_for("a host without a bot", || world.state()["bot"].is_null());
        fs::rename(&away, &bot).unwrap();
        world.wait_for_bots(count);
    };
    let host = begins(1);
    fs::rename(&bot, &away).unwrap();
    host.signal(Signal::User2); // it ends with 42
    takes_up(2);
    // A host that begins knows that there was one.
    host.signal(Signal::Kill);
    host.end();
    fs::rename(&bot, &away).unwrap();
    let host = world.start(&mut world.supervised());
    wait_for("the next host", || world.state()["process"]["pid"] == host.process.pid);
    takes_up(3);
    host.signal(Signal::Terminate);
    let (status, said) = host.end();
    assert_eq!(
        (status.code(), said.matches("is looked for again for 120 s").count()),
        (Some(0), 1),
        "{said}"
    );
}

#[test]
fn a_restart_on_request_is_no_failure() {
    let world = World::new(BOT);
    let host = world.host();
    host.signal(Signal::User1);
    world.wait_for_bots(2);
    assert_eq!((world.read("told").as_str(), &world.state()["restarts"]), ("TERM\n", &0.into()));
    assert_eq!(world.state()["process"]["pid"], host.process.pid);
}

#[test]
fn a_request_while_the_host_waits_starts_a_bot_now() {
    let world = World::new(&format!("[ -e mended ] || {{ echo $$ >>bots; exit 3; }}\n{BOT}"));
    let host = world.start(&mut world.ductor(&[]));
    // Each wait is longer than the one before; the fifth is 30 s.
    for restarts in 1..5 {
        wait_for("a wait", || world.state()["restarts"] == restarts);
        host.signal(Signal::User1);
    }
    wait_for("the long wait", || world.state()["restarts"] == 5);
    std::fs::write(world.path("mended"), "").unwrap();
    let asked = Instant::now();
    host.signal(Signal::User1);
    world.wait_for_bots(6);
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
}

#[test]
fn an_agent_asks_the_host_that_it_runs_under_whatever_home_the_bot_gave_it() {
    let world = World::new(
        "trap 'wait $agent; exit 0' TERM
        if [ -e bots ]; then order=stop; else order=restart; fi
        echo $$ >>bots
        { DUCTOR_HOME=/elsewhere DUCTOR_BOT= $DUCTOR $order; echo $?; } >>answers & agent=$!
        wait; sleep 100 & wait",
    );
    let mut command = world.ductor(&[]);
    let host = world.start(command.env("DUCTOR", env!("CARGO_BIN_EXE_ductor")));
    let (status, _) = host.end();
    assert_eq!((status.code(), &world.state()["ended"]), (Some(0), &"stopped".into()));
    assert_eq!(world.read("answers"), "scheduled\n0\nscheduled\n0\n");
    assert_eq!((world.bots().len(), &world.state()["restarts"]), (2, &0.into()));
}
