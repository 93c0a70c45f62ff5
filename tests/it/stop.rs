//! The end: of the bot in order, of everything that it started, and of what a killed host left behind.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use ductor::internals::{Process, Signal};

use crate::world::{BOT, NOBODY, World, wait_for};

#[test]
fn a_stop_lets_the_bot_end_in_order() {
    let world = World::new(BOT);
    let host = world.host();
    host.signal(Signal::Terminate);
    let (status, _) = host.end();
    assert_eq!((status.code(), world.read("told").as_str()), (Some(0), "TERM\n"));
    assert_eq!((&world.state()["ended"], &world.state()["bot"]), (&"stopped".into(), &().into()));
    assert_eq!(world.processes(), NOBODY);
}

#[test]
fn a_bot_that_does_not_listen_is_killed_after_8_s() {
    let world = World::new(&BOT.replace("echo TERM >>told; exit 0", ""));
    let host = world.host();
    let asked = Instant::now();
    host.signal(Signal::Terminate);
    let (status, _) = host.end();
    assert_eq!(status.code(), Some(0));
    assert!(
        (8..12).contains(&asked.elapsed().as_secs()),
        "whoever waits for a host gives it 15 s: {:?}",
        asked.elapsed()
    );
    assert_eq!(
        (world.processes().as_slice(), &world.state()["last_exit"]["signal"]),
        (&NOBODY[..], &9.into())
    );
}

#[test]
fn a_second_request_to_stop_kills_at_once() {
    let world = World::new(&BOT.replace("exit 0", ":"));
    let host = world.host();
    let asked = Instant::now();
    host.signal(Signal::Terminate);
    wait_for("word to the bot", || world.read("told") == "TERM\n");
    wait_for("the end, while somebody asks again and again", || {
        let _it_ended = host.process.signal(Signal::Terminate);
        !host.process.is_alive()
    });
    let took = asked.elapsed();
    assert_eq!((host.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\n"));
    assert!(took >= Duration::from_secs(1), "that is one request: {took:?}");
    assert!(took < Duration::from_secs(8), "what one request gives the bot: {took:?}");
}

/// A session that ends sends both (`SendSIGHUP=` of systemd.kill(5)).
#[test]
fn requests_that_come_together_leave_the_bot_its_time() {
    let world = World::new(&BOT.replace("exit 0", "sleep 0.3; echo DONE >>told; exit 0"));
    let host = world.start(&mut heeding_hang_up(&world));
    world.wait_for_bots(1);
    kill(&world, &["STOP", "TERM", "HUP", "CONT"], &host.process);
    assert_eq!((host.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\nDONE\n"));
}

/// The host, also where whoever runs the tests ignores `SIGHUP`.
fn heeding_hang_up(world: &World) -> Command {
    let mut command = world.command("/usr/bin/env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_ductor")]);
    command
}

/// Sends it these signals, in order.
fn kill(world: &World, signals: &[&str], process: &Process) {
    let pid = process.pid.to_string();
    for signal in signals {
        assert!(world.command("/bin/kill").args(["-s", signal, &pid]).status().unwrap().success());
    }
}

/// A process with a session of its own that ignores `SIGTERM`, started by a bot.
fn with_daemon() -> String {
    format!("setsid -f sh -c 'trap \"\" TERM; echo $$ >daemon; while :; do sleep 100; done'\n{BOT}")
}

fn daemon(world: &World) -> Process {
    wait_for("daemon", || world.read("daemon").ends_with('\n'));
    Process::of(world.read("daemon").trim().parse().unwrap()).unwrap()
}

#[test]
fn a_stop_ends_what_has_a_session_of_its_own() {
    let world = World::new(&with_daemon());
    let host = world.host();
    let daemon = daemon(&world);
    assert_eq!(daemon.parent(), Some(host.process), "the host adopts orphans");
    host.signal(Signal::Terminate);
    assert_eq!(host.end().0.code(), Some(0));
    assert_eq!(world.processes(), NOBODY);
}

#[test]
fn what_the_host_was_started_with_is_not_its_to_end() {
    let world = World::new(BOT);
    let mut command = world.command("/bin/sh");
    let line = format!("sleep 100 & echo $! >brother; exec {}", env!("CARGO_BIN_EXE_ductor"));
    let host = world.start(command.args(["-c", &line]));
    wait_for("bot", || !world.bots().is_empty());
    let brother = Process::of(world.read("brother").trim().parse().unwrap()).unwrap();
    assert_eq!(brother.parent(), Some(host.process));
    host.signal(Signal::Terminate);
    assert_eq!(host.end().0.code(), Some(0));
    assert_eq!(world.processes(), [brother]);
}

#[test]
fn nohup_holds_and_a_hang_up_stops_otherwise() {
    let world = World::new(BOT);
    let mut command = world.command("/usr/bin/nohup");
    let host = world.start(command.arg(env!("CARGO_BIN_EXE_ductor")));
    wait_for("bot that listens", || !world.bots().is_empty() && world.state()["bot"].is_object());
    kill(&world, &["HUP"], &host.process);
    host.signal(Signal::User2); // answered after the first, had that counted
    wait_for("new bot", || world.bots().len() == 2);
    host.signal(Signal::Terminate);
    assert_eq!((host.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\n"));

    let host = world.start(&mut heeding_hang_up(&world));
    wait_for("third bot", || world.bots().len() == 3 && world.state()["bot"].is_object());
    kill(&world, &["HUP"], &host.process);
    assert_eq!((host.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\nTERM\n"));
}

#[test]
fn no_bot_outlives_a_killed_host_and_the_next_host_starts_clean() {
    let world = World::new(&with_daemon());
    let host = world.host();
    let (bot, daemon) = (Process::of(world.bots()[0]).unwrap(), daemon(&world));
    host.signal(Signal::Kill);
    assert_eq!(host.end().0.signal(), Some(9));
    assert!(bot.wait_gone(Instant::now() + Duration::from_secs(10)));
    assert!(daemon.is_alive(), "it ignores SIGTERM");
    fs::remove_file(world.path("daemon")).unwrap();
    let host = world.host();
    assert!(!daemon.is_alive());
    assert_eq!(self::daemon(&world).parent(), Some(host.process));
    host.signal(Signal::Terminate);
    let (_, said) = host.end();
    assert!(said.contains("ended what an earlier host left"), "{said}");
}

#[test]
fn stop_ends_what_a_killed_host_left() {
    let world = World::new(&with_daemon());
    let host = world.host();
    let daemon = daemon(&world);
    host.signal(Signal::Kill);
    host.end();
    assert_eq!(world.start(&mut world.ductor(&["stop"])).end().0.code(), Some(0));
    assert!(!daemon.is_alive());
    wait_for("end of the bot", || world.processes() == NOBODY);
}

/// Hundreds of processes that listen to nothing, each in a session of its own, while more are born.
#[test]
fn a_bomb_of_children_ends_with_its_bot() {
    let bomb = r#"trap "" TERM HUP INT
        echo >>burst
        if [ "$1" -gt 0 ]; then for _ in 1 2; do setsid -f sh ./bomb $(($1 - 1)); done; fi
        while :; do sleep 1 & wait; done"#;
    let world = World::new(&format!("setsid -f sh ./bomb 7\n{BOT}"));
    fs::write(world.path("bomb"), bomb).unwrap();
    let host = world.host();
    wait_for("255 of them", || world.read("burst").lines().count() == 255);
    host.signal(Signal::User2);
    wait_for("the second bot", || world.bots().len() == 2);
    wait_for("255 more", || world.read("burst").lines().count() == 2 * 255);
    let asked = Instant::now();
    host.signal(Signal::Terminate);
    assert_eq!(host.end().0.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    assert_eq!(world.processes(), NOBODY);
}

/// Each starts the next one and ends, so that no look at the processes shows one that lives for long.
#[test]
fn children_that_hop_from_pid_to_pid_end_with_their_bot() {
    let world = World::new(&format!("for _ in 1 2 3; do sh ./hop & done\n{BOT}"));
    fs::write(world.path("hop"), "[ -e enough ] && exit\nsh ./hop &").unwrap();
    let host = world.host();
    for count in 2..=4 {
        host.signal(Signal::User2);
        wait_for("new bot", || world.bots().len() == count);
    }
    host.signal(Signal::Terminate);
    let code = host.end().0.code();
    let left = world.processes();
    fs::write(world.path("enough"), "").unwrap();
    assert_eq!((code, left.as_slice()), (Some(0), &NOBODY[..]));
}
