//! The host as people and managers see it: real processes, real signals.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use ductor::process::{Process, Signal};

use crate::world::{BOT, World, wait_for};

const NOBODY: [Process; 0] = [];

// ---- a bot that asks for a restart

#[test]
fn after_42_a_new_bot_starts_at_once_under_the_same_host() {
    let world = World::new(BOT);
    let host = world.host();
    let mut times = Vec::new();
    for count in 2..=4 {
        let asked = Instant::now();
        host.signal(Signal::User2); // the host passes it on
        wait_for("new bot", || world.bots().len() == count);
        times.push(asked.elapsed());
        wait_for("new state", || world.state()["bot"]["process"]["pid"] == world.bots()[count - 1]);
    }
    assert!(times.iter().min().unwrap() < &Duration::from_millis(200), "{times:?}");
    let state = world.state();
    assert_eq!((&state["process"]["pid"], &state["restarts"]), (&host.process.pid.into(), &0.into()));
    assert_eq!(state["last_exit"]["code"], 42);
}

#[test]
fn what_a_bot_leaves_behind_is_gone_before_the_next_one_starts() {
    let world = World::new(&format!(
        "pgrep -f stay.behind >>seen\nsetsid -f sh -c ': stay behind; sleep 100; :'\n{BOT}"
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

// ---- a bot that crashes

#[test]
fn in_the_foreground_a_crash_is_followed_by_a_new_bot_after_2_s() {
    let world = World::new(&format!("[ -e bots ] || {{ echo $$ >>bots; exit 3; }}\n{BOT}"));
    let start = Instant::now();
    let host = world.start(&mut world.ductor(&[]));
    wait_for("second bot", || world.bots().len() == 2);
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    wait_for("new state", || world.state()["bot"].is_object());
    let state = world.state();
    assert_eq!((&state["restarts"], &state["last_exit"]["code"]), (&1.into(), &3.into()));
    assert_eq!(state["process"]["pid"], host.process.pid);
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

// ---- stopping

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
    assert!((8..11).contains(&asked.elapsed().as_secs()), "{:?}", asked.elapsed());
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
    host.signal(Signal::Terminate);
    assert_eq!(host.end().0.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
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
    let hang_up = |process: &Process| {
        let pid = process.pid.to_string();
        assert!(world.command("/bin/kill").args(["-HUP", &pid]).status().unwrap().success());
    };
    let mut command = world.command("/usr/bin/nohup");
    let host = world.start(command.arg(env!("CARGO_BIN_EXE_ductor")));
    wait_for("bot", || world.state()["bot"].is_object());
    hang_up(&host.process);
    host.signal(Signal::User2); // answered after the first, had that counted
    wait_for("new bot", || world.bots().len() == 2);
    host.signal(Signal::Terminate);
    assert_eq!((host.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\n"));

    let host = world.host();
    hang_up(&host.process);
    assert_eq!((host.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\nTERM\n"));
}

// ---- a new bot on request

#[test]
fn a_restart_on_request_is_no_failure() {
    let world = World::new(BOT);
    let host = world.host();
    host.signal(Signal::User1);
    wait_for("new bot", || world.bots().len() == 2);
    wait_for("new state", || world.state()["bot"]["process"]["pid"] == world.bots()[1]);
    assert_eq!((world.read("told").as_str(), &world.state()["restarts"]), ("TERM\n", &0.into()));
    assert_eq!(world.state()["process"]["pid"], host.process.pid);
}

#[test]
fn a_request_while_the_host_waits_starts_a_bot_now() {
    let world = World::new(&format!("[ -e bots ] || {{ echo $$ >>bots; exit 3; }}\n{BOT}"));
    let host = world.start(&mut world.ductor(&[]));
    wait_for("wait", || world.state()["restarts"] == 1);
    let asked = Instant::now();
    host.signal(Signal::User1);
    wait_for("new bot", || world.bots().len() == 2);
    assert!(asked.elapsed() < Duration::from_millis(1500), "{:?}", asked.elapsed());
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

// ---- a host that was killed

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

// ---- one host a home

#[test]
fn a_second_host_refuses_and_names_the_first() {
    let world = World::new(BOT);
    let host = world.host();
    let (status, said) = world.start(&mut world.ductor(&[])).end();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains(&format!("pid {}", host.process.pid)) && said.contains("--takeover"), "{said}");
    assert_eq!(world.bots().len(), 1);
}

#[test]
fn a_takeover_ends_the_first_host_in_order() {
    let world = World::new(BOT);
    let first = world.host();
    let second = world.start(&mut world.ductor(&["run", "--takeover"]));
    assert_eq!((first.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\n"));
    wait_for("second host", || world.state()["process"]["pid"] == second.process.pid);
}

#[test]
fn a_lock_that_is_taken_away_is_locked_anew() {
    let world = World::new(BOT);
    let host = world.host();
    fs::remove_file(world.home("host.lock")).unwrap();
    wait_for("new file", || world.home("host.lock").exists());
    assert_eq!(world.start(&mut world.ductor(&[])).end().0.code(), Some(1));

    fs::remove_dir_all(world.path(".ductor")).unwrap();
    wait_for("new home", || world.home("host.json").exists());
    assert_eq!(world.start(&mut world.ductor(&[])).end().0.code(), Some(1));
    assert_eq!((host.process.is_alive(), world.bots().len()), (true, 1));
}

#[test]
fn the_host_sleeps_until_something_happens() {
    let world = World::new(BOT);
    let host = world.host();
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{}/status", host.process.pid)).unwrap();
        status.lines().filter(|line| line.contains("ctxt_switches")).collect::<String>()
    };
    wait_for("sleep", || {
        let before = switches();
        !host.process.wait_gone(Instant::now() + Duration::from_millis(100)) && before == switches()
    });
    let before = switches();
    assert!(!host.process.wait_gone(Instant::now() + Duration::from_secs(2)), "it lives");
    assert_eq!(before, switches());
}

// ---- bot.pid

/// A bot that does at its start what the real one does.
fn killer() -> String {
    format!("[ -e .ductor/bot.pid ] && kill -9 $(cat .ductor/bot.pid)\necho $$ >.ductor/bot.pid\n{BOT}")
}

#[test]
fn a_note_that_lies_gets_nobody_killed() {
    let world = World::new(&killer());
    let mut stranger = world.command("/bin/sleep").arg("100").spawn().unwrap();
    fs::create_dir(world.path(".ductor")).unwrap();
    fs::write(world.home("bot.pid"), stranger.id().to_string()).unwrap();
    let host = world.host();
    assert!(Process::of(stranger.id()).is_some());
    fs::write(world.home("bot.pid"), host.process.pid.to_string()).unwrap();
    host.signal(Signal::User2);
    wait_for("new bot", || world.bots().len() == 2);
    fs::write(world.home("bot.pid"), format!("{}_{}", stranger.id() / 10, stranger.id() % 10)).unwrap();
    host.signal(Signal::User2);
    wait_for("new bot", || world.bots().len() == 3);
    assert!(host.process.is_alive() && Process::of(stranger.id()).is_some());
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// A bot that somebody started by hand.
fn other_bot(world: &World) -> std::process::Child {
    let child = world.command(world.path("bot")).spawn().unwrap();
    wait_for("its note", || fs::read_to_string(world.home("bot.pid")).is_ok_and(|it| it.ends_with('\n')));
    child
}

#[test]
fn in_the_foreground_another_bot_is_named_and_ended_only_when_told() {
    let world = World::new(&format!("mkdir -p .ductor; {}", killer()));
    let mut other = other_bot(&world);
    let (status, said) = world.start(&mut world.ductor(&[])).end();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains(&format!("pid {}", other.id())), "{said}");
    assert!(Process::of(other.id()).is_some() && world.read("told").is_empty());
    let host = world.start(&mut world.ductor(&["run", "--takeover"]));
    assert_eq!(other.wait().unwrap().code(), Some(0), "it ended in order");
    wait_for("own bot", || world.bots().len() == 2);
    assert!(host.process.is_alive());
}

#[test]
fn under_a_manager_another_bot_is_ended_with_all_it_started_and_that_is_said() {
    let world = World::new(&format!("mkdir -p .ductor; {}", killer()));
    let mut other = other_bot(&world);
    let host = world.start(&mut world.supervised());
    assert_eq!(other.wait().unwrap().code(), Some(0));
    wait_for("own bot", || world.bots().len() == 2);
    host.signal(Signal::Terminate);
    let (_, said) = host.end();
    assert!(said.contains(&format!("ending a bot that ductor did not start (pid {})", other.id())), "{said}");
    assert_eq!(world.processes(), NOBODY);
}

#[test]
fn a_bot_that_was_replaced_by_another_is_reported() {
    let world = World::new(&format!("mkdir -p .ductor; {BOT}"));
    let host = world.host();
    let mut other = world.command(world.path("bot")).spawn().unwrap();
    wait_for("other bot", || world.bots().len() == 2);
    Process::of(world.bots()[0]).unwrap().signal(Signal::Terminate).unwrap();
    wait_for("its end", || world.read("told") == "TERM\n");
    fs::write(world.home("bot.pid"), other.id().to_string()).unwrap(); // only now, as the real one does
    assert_eq!(host.end().0.code(), Some(0));
    assert_eq!(world.state()["ended"], "other-bot");
    assert!(Process::of(other.id()).is_some());
    other.kill().unwrap();
    other.wait().unwrap();
}

// ---- the bot's world

#[test]
fn the_bot_knows_its_host_and_nothing_of_the_manager() {
    let world = World::new(&format!("env >env; echo $PPID >parent; readlink /proc/$$/fd/0 >stdin\n{BOT}"));
    let host = world.start(&mut world.supervised());
    wait_for("bot", || !world.bots().is_empty());
    let environment = world.read("env");
    let has = |line: &str| environment.lines().any(|it| it == line);
    assert!(has("DUCTOR_SUPERVISOR=1"), "{environment}");
    assert!(has(&format!("DUCTOR_HOST_HOME={}", world.path(".ductor").display())), "{environment}");
    assert!(!environment.contains("SYSTEMD_EXEC_PID"), "{environment}");
    assert_eq!(world.read("parent").trim(), host.process.pid.to_string());
    assert_eq!(world.read("stdin").trim(), "/dev/null");
}

#[test]
fn without_a_bot_nothing_is_made_and_the_code_is_78() {
    let world = World::new(BOT);
    let (status, _) = world.start(world.ductor(&["run"]).env_remove("DUCTOR_BOT")).end();
    assert_eq!((status.code(), world.path(".ductor").exists()), (Some(78), false));
    fs::create_dir(world.path(".ductor")).unwrap();
    let (status, _) = world.start(world.ductor(&["run"]).env_remove("DUCTOR_BOT")).end();
    assert_eq!((status.code(), &world.state()["ended"]), (Some(78), &"configuration".into()));
}
