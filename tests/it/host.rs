//! The host and its bot at rest: what the bot is started with, and that waiting costs nothing.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;

use crate::world::{BOT, World, wait_for};

#[test]
fn the_bot_knows_its_host_and_nothing_of_the_manager() {
    let world = World::new(&format!("env >env; echo $PPID >parent; cat >stdin\n{BOT}"));
    let host = world.start(&mut world.supervised());
    wait_for("bot", || !world.bots().is_empty());
    let environment = world.read("env");
    let has = |line: &str| environment.lines().any(|it| it == line);
    assert!(has("DUCTOR_SUPERVISOR=1"), "{environment}");
    assert!(has(&format!("DUCTOR_HOST_HOME={}", world.path(".ductor").display())), "{environment}");
    assert!(!environment.contains("SYSTEMD_EXEC_PID"), "{environment}");
    assert_eq!(world.read("parent").trim(), host.process.pid.to_string());
    assert!(world.path("stdin").exists() && world.read("stdin").is_empty());
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

#[test]
#[cfg(target_os = "linux")] // only there a process tells how often it was woken
fn the_host_sleeps_until_something_happens() {
    let world = World::new(BOT);
    world.host().sleeps();
}
