//! One host and one bot a home: the lock, and the note of a pid that a bot writes.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;

use ductor::internals::{Process, Signal};

use crate::world::{BOT, NOBODY, Said, World, wait_for};

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
fn before_the_lock_is_locked_anew_no_second_bot_starts() {
    let world = World::new(BOT);
    let host = world.host();
    fs::remove_file(world.home("host.lock")).unwrap();
    let (status, said) = world.start(&mut world.ductor(&[])).end();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains(&format!("pid {}", host.process.pid)), "{said}");
    assert_eq!((host.process.is_alive(), world.bots().len()), (true, 1));
}

#[test]
fn a_takeover_finds_the_host_whose_lock_was_just_taken_away() {
    let world = World::new(BOT);
    let first = world.host();
    fs::remove_file(world.home("host.lock")).unwrap();
    let _second = world.start(&mut world.ductor(&["run", "--takeover"]));
    assert_eq!((first.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\n"));
    wait_for("second bot", || world.bots().len() == 2);
}

/// One that began before the file was taken away, and is refused after, leaves a file that nobody has locked.
#[test]
fn a_takeover_finds_it_also_after_another_host_was_refused() {
    let world = World::new(BOT);
    let first = world.host();
    fs::remove_file(world.home("host.lock")).unwrap();
    assert_eq!(world.start(&mut world.ductor(&[])).end().0.code(), Some(1));
    fs::write(world.home("host.lock"), "").unwrap();
    let _third = world.start(&mut world.ductor(&["run", "--takeover"]));
    assert_eq!((first.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\n"));
    wait_for("second bot", || world.bots().len() == 2);
}

/// A sandboxed bot can start a process with any environment.
#[test]
fn a_stranger_whom_a_planted_mark_names_is_no_host() {
    let world = World::new(BOT);
    let stranger = world.start(world.command("/bin/sleep").arg("1000"));
    let mark = format!("{}:{}:", stranger.process.pid, stranger.process.start);
    let mut bearer = world.command("/bin/sleep");
    bearer.arg("1000").env("DUCTOR_HOST_HOME", world.path(".ductor")).env("DUCTOR_HOST", mark);
    let bearer = world.start(&mut bearer);
    wait_for("the mark", || bearer.process.environment("DUCTOR_HOST").is_some());
    let stop = Said::of(&mut world.ductor(&["stop"])).ok();
    assert_eq!((stop.out.as_str(), stranger.process.is_alive()), ("nothing runs\n", true));
    let host = world.host();
    host.signal(Signal::Terminate);
    assert_eq!((host.end().0.code(), stranger.process.is_alive()), (Some(0), true));
}

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

#[test]
fn whatever_stands_in_the_place_of_the_note_the_next_bot_starts_and_kills_nobody() {
    let world = World::new(&killer());
    let mut stranger = world.command("/bin/sleep").arg("100").spawn().unwrap();
    fs::write(world.path("victim"), stranger.id().to_string()).unwrap();
    let host = world.host();
    let kinds = [
        "ln -s ../victim .ductor/bot.pid",
        "ln -s bot.pid .ductor/bot.pid",
        "mkfifo .ductor/bot.pid",
        "head -c 3000000 /dev/zero >.ductor/bot.pid",
        "echo 99999999999999999999 >.ductor/bot.pid",
        "echo 1 >.ductor/bot.pid",
        "cp victim .ductor/bot.pid; chmod 0 .ductor/bot.pid",
    ];
    for (round, kind) in kinds.into_iter().enumerate() {
        let line = format!("rm -f .ductor/bot.pid; {kind}");
        assert!(world.command("/bin/sh").args(["-c", &line]).status().unwrap().success(), "{kind}");
        host.signal(Signal::User2);
        wait_for(kind, || world.bots().len() == round + 2);
        let note = || fs::read_to_string(world.home("bot.pid")).unwrap_or_default();
        wait_for("its own note", || note().trim() == world.bots()[round + 1].to_string());
        assert!(host.process.is_alive() && Process::of(stranger.id()).is_some(), "{kind}");
    }
    assert_eq!(world.read("victim"), stranger.id().to_string(), "a link is not followed");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_note_that_can_not_be_removed_is_no_other_bot() {
    let world = World::new(BOT);
    let host = world.host();
    fs::create_dir_all(world.home("bot.pid/folder")).unwrap();
    host.signal(Signal::User2);
    let (status, said) = host.end();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("error: remove") && said.contains("bot.pid"), "{said}");
    let state: serde_json::Value = serde_json::from_str(&world.read(".ductor/host.json")).unwrap();
    assert_eq!((state["ended"].as_str(), world.bots().len()), (None, 1), "{state}");
}

/// A bot that somebody started by hand.
fn other_bot(world: &World) -> std::process::Child {
    let child = world.command(world.path("bot")).spawn().unwrap();
    wait_for("its note, and that it listens", || !world.bots().is_empty());
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
fn a_bot_of_another_home_is_a_stranger() {
    let world = World::new(&format!("mkdir -p .ductor; {}", killer()));
    let mut other = world.command(world.path("bot")).env("DUCTOR_HOME", world.path("b")).spawn().unwrap();
    wait_for("its note", || fs::read_to_string(world.home("bot.pid")).is_ok_and(|it| it.ends_with('\n')));
    let host = world.start(&mut world.supervised());
    wait_for("own bot", || world.bots().len() == 2);
    assert!(host.process.is_alive() && Process::of(other.id()).is_some());
    other.kill().unwrap();
    other.wait().unwrap();
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
