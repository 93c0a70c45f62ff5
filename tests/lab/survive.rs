//! What a running service survives: crashes, restarts that the bot asks for, logouts, reboots.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use xtask::lab::image::{BOOKWORM, CGROUP2, SERVER, TRIXIE};
use xtask::lab::{Image, User, wait_for};

use crate::world::{BACK, PATIENCE, World, has_problem};

crate::tests![
    a_killed_bot_is_back_in_time,
    a_killed_host_is_back_in_time,
    exit_42_is_a_new_bot_at_once_and_not_counted,
    a_freeze_ends_and_doubles_nothing,
    a_logout_does_not_end_it,
    a_reboot_starts_it_without_a_login,
    without_linger_it_ends_at_logout_and_status_had_said_so,
];

fn a_killed_bot_is_back_in_time() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(|image| comes_back_after_killing("bot_pid", image))
}

fn a_killed_host_is_back_in_time() -> Result<()> {
    [&BOOKWORM, &TRIXIE, &CGROUP2].into_iter().try_for_each(|image| comes_back_after_killing("pid", image))
}

fn comes_back_after_killing(whom: &str, image: &Image) -> Result<()> {
    let world = World::with_service(image)?;
    let _alice = world.login("alice")?;
    // The best of three: other work on this computer only ever makes it slower.
    let mut best = Duration::MAX;
    for round in 1..=3 {
        let before = world.status("alice")?;
        let killed = Instant::now();
        world.run("root", &["kill", "-KILL", &before[whom].to_string()])?.ok()?;
        let after = world.status_when("alice", &format!("a new {whom}"), |status| {
            status["state"] == "running"
                && status["bot_pid"].is_u64()
                && status["bot_pid"] != before["bot_pid"]
        })?;
        best = best.min(killed.elapsed());
        assert_eq!(after["restarts"], round, "{after:#}");
        let bots = world.processes("alice", "bot")?;
        assert_eq!(bots, [after["bot_pid"].to_string()], "one bot, no stray one");
        if best < BACK {
            return Ok(());
        }
    }
    anyhow::bail!("it took {best:?}")
}

fn exit_42_is_a_new_bot_at_once_and_not_counted() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(exit_42_is_a_new_bot_at_once)
}

fn exit_42_is_a_new_bot_at_once(image: &Image) -> Result<()> {
    let world = World::with_service(image)?;
    let _alice = world.login("alice")?;
    let before = world.status("alice")?;
    let mut gaps = Vec::new();
    for round in 1..=5 {
        world.end_bot("alice", 42)?;
        let events = wait_for("a new bot", PATIENCE, || {
            let events = world.events("alice")?;
            let starts = events.iter().filter(|event| event.what == "start").count();
            Ok((starts == round + 1).then_some(events))
        })?;
        let [.., end, start] = &events[..] else { anyhow::bail!("{events:?}") };
        assert_eq!((end.what.as_str(), start.what.as_str()), ("end", "start"));
        gaps.push(start.at - end.at);
    }
    // The best one: other work on this computer may delay any of them.
    assert!(gaps.iter().min() < Some(&Duration::from_millis(200)), "{gaps:?}");
    let after = world.status("alice")?;
    assert_eq!((&after["pid"], &after["restarts"]), (&before["pid"], &0.into()), "{after:#}");
    assert_eq!(after["last_exit"]["code"], 42, "{after:#}");
    let counted = world.run("alice", &["systemctl", "--user", "show", "-P", "NRestarts", "ductor"])?.ok()?;
    assert_eq!(counted, "0");
    Ok(())
}

/// The kernel's freezer stops the host, the bot and all that they started, as the suspension of a machine does. systemd
/// has it on machines with cgroup 2 alone.
fn a_freeze_ends_and_doubles_nothing() -> Result<()> {
    let world = World::with_service(&CGROUP2)?;
    let _alice = world.login("alice")?;
    let systemctl = |words: &[&str]| world.run("alice", &[&["systemctl", "--user"], words].concat())?.ok();
    let group = systemctl(&["show", "-P", "ControlGroup", "ductor"])?;
    let frozen =
        || world.run("root", &["grep", "frozen", &format!("/sys/fs/cgroup{group}/cgroup.events")])?.ok();
    let before = world.status("alice")?;
    systemctl(&["freeze", "ductor"])?;
    assert_eq!(frozen()?, "frozen 1");
    world.end_bot("alice", 42)?; // it hears of that when it wakes
    assert_eq!(world.status("alice")?, before, "it is seen as it is");
    assert_eq!(world.events("alice")?.len(), 1, "it sleeps");
    systemctl(&["thaw", "ductor"])?;
    assert_eq!(frozen()?, "frozen 0");
    world.started("alice", 2)?;
    let is_new = |status: &Value| status["bot_pid"].is_u64() && status["bot_pid"] != before["bot_pid"];
    let after = world.status_when("alice", "it has a new bot", is_new)?;
    assert_eq!((&after["state"], &after["pid"]), (&"running".into(), &before["pid"]), "{after:#}");
    assert_eq!((&after["restarts"], &after["last_exit"]["code"]), (&0.into(), &42.into()), "{after:#}");
    assert_eq!(world.processes("alice", "bot")?, [after["bot_pid"].to_string()], "one bot, the new one");
    assert_eq!(world.count("alice", "start")?, 2);
    Ok(())
}

fn a_logout_does_not_end_it() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(a_logout_of_all_does_not_end_it)
}

fn a_logout_of_all_does_not_end_it(image: &Image) -> Result<()> {
    let world = World::with_package(image)?;
    let (alice, bob) = (world.login("alice")?, world.login("bob")?);
    let bot = world.make_bot("alice")?;
    world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    let up = world.status("alice")?;
    assert_eq!(up["survives_logout"], true, "{up:#}");
    alice.logout()?;
    bob.logout()?;
    // bob shows when a manager that does not linger ends.
    wait_for("the end of bob's manager", PATIENCE, || {
        Ok(world.processes("bob", "systemd")?.is_empty().then_some(()))
    })?;
    assert_eq!(world.processes("alice", "ductor")?, [up["pid"].to_string()]);
    assert_eq!(world.processes("alice", "bot")?, [up["bot_pid"].to_string()]);
    Ok(())
}

fn a_reboot_starts_it_without_a_login() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE, &CGROUP2] {
        let world = World::with_service(image)?;
        let before = world.status("alice")?;
        assert_eq!(before["survives_reboot"], true, "{before:#}");
        world.reboot()?;
        wait_for(
            "alice's bot",
            PATIENCE,
            || Ok((world.processes("alice", "bot")?.len() == 1).then_some(())),
        )?;
        let sessions = world.run(User::Root, &["loginctl", "list-sessions", "--no-legend"])?.ok()?;
        // systemd 257 lists the lingering manager itself.
        let logins: Vec<&str> = sessions.lines().filter(|session| !session.contains(" manager ")).collect();
        assert_eq!(logins, [""; 0]);
        let after = world.status("alice")?;
        assert_eq!((&after["state"], &after["restarts"]), (&"running".into(), &0.into()), "{after:#}");
    }
    Ok(())
}

fn without_linger_it_ends_at_logout_and_status_had_said_so() -> Result<()> {
    let world = World::with_package(&SERVER)?;
    let alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    let up = world.status("alice")?;
    assert_eq!(
        (&up["state"], &up["survives_logout"], &up["survives_reboot"]),
        (&"running".into(), &false.into(), &false.into())
    );
    assert!(has_problem(&up, "linger-off"), "{up:#}");
    alice.logout()?;
    wait_for("the end of alice's manager, and of all else", PATIENCE, || {
        Ok((world.run("root", &["pgrep", "-u", "alice"])?.code == 1).then_some(()))
    })?;
    let events = world.events("alice")?;
    assert!(events.last().is_some_and(|event| event.what == "term"), "the bot was asked to end: {events:?}");
    Ok(())
}
