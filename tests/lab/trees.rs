//! The tree of a bot: all of it ends with the bot, in time, save for what somebody gave to the manager.

use std::time::Duration;

use anyhow::Result;
use xtask::lab::image::{BOOKWORM, CGROUP2, TRIXIE};
use xtask::lab::{Image, User, wait_for};

use crate::world::{PATIENCE, World};

crate::tests![
    stop_ends_in_time_what_has_its_own_session_and_ignores_sigterm,
    stop_ends_in_time_a_bot_that_ignores_sigterm,
    in_the_foreground_stop_ends_it_all_too,
    what_a_killed_foreground_host_left_is_ended_by_stop,
    a_killed_host_of_the_service_leaves_nothing_to_the_next,
    children_that_ignore_signals_do_not_delay_a_restart,
    what_was_given_to_the_manager_outlives_the_bot,
];

/// Three programs called `stubborn`: two in sessions of their own, one of these started by a parent that ended,
/// and a child of that. None heeds a signal that can be refused.
const STUBBORN: &str = r#"
cp /usr/bin/sleep ~/stubborn 2>/dev/null
setsid -f sh -c 'trap "" HUP INT TERM USR1; exec ~/stubborn 1000'
(setsid sh -c 'trap "" HUP INT TERM USR1; ~/stubborn 1001 & exec ~/stubborn 1002' &)
"#;

/// A machine where the service runs a bot whose tree is stubborn.
fn stubborn(image: &Image) -> Result<World> {
    let world = World::with_service(image)?;
    world.begin_with("alice", STUBBORN)?;
    world.ductor("alice", &["service", "restart"])?.ended(0)?;
    three(&world)?;
    Ok(world)
}

fn three(world: &World) -> Result<Vec<String>> {
    wait_for("three stubborn programs", PATIENCE, || {
        let found = world.processes("alice", "stubborn")?;
        Ok((found.len() == 3).then_some(found))
    })
}

fn nothing_is_left(world: &World) -> Result<()> {
    for name in ["stubborn", "bot", "ductor"] {
        assert_eq!(world.processes("alice", name)?, [""; 0], "{name}");
    }
    Ok(())
}

fn stop_ends_in_time_what_has_its_own_session_and_ignores_sigterm() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE, &CGROUP2] {
        let world = stubborn(image)?;
        let stopped = world.ductor("alice", &["service", "stop"])?.ended(0)?;
        nothing_is_left(&world)?;
        assert!(
            stopped.took < Duration::from_secs(8),
            "the bot ended at once, the rest is killed: {stopped}"
        );
        assert_eq!(world.count("alice", "term")?, 2, "both bots ended in order");
    }
    Ok(())
}

fn stop_ends_in_time_a_bot_that_ignores_sigterm() -> Result<()> {
    [&BOOKWORM, &TRIXIE, &CGROUP2].into_iter().try_for_each(stop_ends_a_bot_that_ignores_sigterm)
}

fn stop_ends_a_bot_that_ignores_sigterm(image: &Image) -> Result<()> {
    let world = World::with_service(image)?;
    world.begin_with("alice", &format!("trap '' TERM\n{STUBBORN}"))?;
    world.ductor("alice", &["service", "restart"])?.ended(0)?;
    three(&world)?;
    let stopped = world.ductor("alice", &["stop"])?.ended(0)?;
    nothing_is_left(&world)?;
    assert!((Duration::from_secs(8)..PATIENCE).contains(&stopped.took), "{stopped}");
    // The host killed it, and lived to tell: the manager itself would kill both at 15 s.
    let status = world.status("alice")?;
    assert_eq!(
        (&status["state"], &status["last_exit"]["signal"]),
        (&"stopped".into(), &9.into()),
        "{status:#}"
    );
    Ok(())
}

/// A machine without a running service, where a host in the foreground has a stubborn tree.
fn in_the_foreground(image: &Image) -> Result<World> {
    let world = stubborn(image)?;
    world.ductor("alice", &["service", "stop"])?.ended(0)?;
    world.foreground("alice", "")?;
    three(&world)?;
    Ok(world)
}

fn in_the_foreground_stop_ends_it_all_too() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = in_the_foreground(image)?;
        let stopped = world.ductor("alice", &["stop"])?.ended(0)?;
        nothing_is_left(&world)?;
        assert!(stopped.took < Duration::from_secs(8), "{stopped}");
        assert!(stopped.stdout.contains("stopped the bot and its host"), "{stopped}");
    }
    Ok(())
}

fn what_a_killed_foreground_host_left_is_ended_by_stop() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(what_a_killed_host_left_is_ended_by_stop)
}

fn what_a_killed_host_left_is_ended_by_stop(image: &Image) -> Result<()> {
    let world = in_the_foreground(image)?;
    world.run("root", &["pkill", "-KILL", "-u", "alice", "-x", "ductor"])?.ok()?;
    wait_for("the end of its bot", PATIENCE, || {
        Ok(world.processes("alice", "bot")?.is_empty().then_some(()))
    })?;
    three(&world)?;
    let stopped = world.ductor("alice", &["stop"])?.ended(0)?;
    assert!(stopped.stdout.contains("ended what an earlier host left"), "{stopped}");
    nothing_is_left(&world)
}

fn a_killed_host_of_the_service_leaves_nothing_to_the_next() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE, &CGROUP2] {
        let world = stubborn(image)?;
        let before = three(&world)?;
        let starts = world.count("alice", "start")?;
        world.run("root", &["pkill", "-KILL", "-u", "alice", "-x", "ductor"])?.ok()?;
        world.started("alice", starts + 1)?;
        let after = wait_for("its own tree alone", PATIENCE, || {
            let found = world.processes("alice", "stubborn")?;
            Ok((found.len() == 3 && found.iter().all(|pid| !before.contains(pid))).then_some(found))
        })?;
        assert_eq!(world.processes("alice", "bot")?.len(), 1);
        assert_eq!(after.len(), 3);
        world.ductor("alice", &["service", "stop"])?.ended(0)?;
        nothing_is_left(&world)?;
    }
    Ok(())
}

fn children_that_ignore_signals_do_not_delay_a_restart() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(children_do_not_delay_a_restart)
}

fn children_do_not_delay_a_restart(image: &Image) -> Result<()> {
    let world = stubborn(image)?;
    let mut gaps = Vec::new();
    for round in 3..=7 {
        let before = three(&world)?;
        world.end_bot("alice", 42)?;
        world.started("alice", round)?;
        let events = world.events("alice")?;
        let [.., end, start] = &events[..] else { anyhow::bail!("{events:?}") };
        assert_eq!((end.what.as_str(), start.what.as_str()), ("end", "start"));
        gaps.push(start.at.saturating_sub(end.at));
        assert!(three(&world)?.iter().all(|pid| !before.contains(pid)), "the old ones are gone");
    }
    // The best one: other work on this computer may delay any of them.
    assert!(gaps.iter().min() < Some(&Duration::from_millis(500)), "{gaps:?}");
    Ok(())
}

/// `systemd-run --user`, as a unit and as a scope: the way out of the tree that the facts of ductor name.
const GIVEN: &str = r#"
[ -e ~/beside ] || {
    cp /usr/bin/sleep ~/beside
    cp /usr/bin/sleep ~/apart
    systemd-run --user --quiet ~/beside 1000
    systemd-run --user --quiet --scope ~/apart 1000 &
}
"#;

fn what_was_given_to_the_manager_outlives_the_bot() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE, &CGROUP2] {
        let world = World::with_service(image)?;
        world.begin_with("alice", GIVEN)?;
        let given = || -> Result<[Vec<String>; 2]> {
            Ok([world.processes("alice", "beside")?, world.processes("alice", "apart")?])
        };
        let both = || -> Result<[Vec<String>; 2]> {
            wait_for("both programs", PATIENCE, || {
                Ok(Some(given()?).filter(|given| given.iter().all(|found| found.len() == 1)))
            })
        };
        world.ductor("alice", &["service", "restart"])?.ended(0)?;
        let programs = both()?;
        world.end_bot("alice", 42)?;
        world.started("alice", 3)?;
        assert_eq!(given()?, programs, "after 42");
        world.run("root", &["pkill", "-KILL", "-u", "alice", "-x", "ductor"])?.ok()?;
        world.started("alice", 4)?;
        assert_eq!(given()?, programs, "after the host was killed");
        world.ductor("alice", &["service", "stop"])?.ended(0)?;
        assert_eq!(given()?, programs, "after a stop");
        // The same from a bot in the foreground.
        world.run("root", &["pkill", "-KILL", "-u", "alice", "-x", "beside|apart"])?.ok()?;
        wait_for("their end", PATIENCE, || Ok(given()?.iter().all(Vec::is_empty).then_some(())))?;
        world.run(User::Root, &["rm", "/home/alice/beside", "/home/alice/apart"])?.ok()?;
        world.foreground("alice", "")?;
        let programs = both()?;
        world.ductor("alice", &["stop"])?.ended(0)?;
        assert_eq!(given()?, programs, "after the end of a foreground host");
        assert_eq!(world.processes("alice", "bot")?, [""; 0]);
    }
    Ok(())
}
