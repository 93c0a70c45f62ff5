//! How a bot can end, and what becomes of the service then: the table "who restarts what", on real managers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xtask::lab::image::{BOOKWORM, BOT, BOT_TRIXIE, TRIXIE};
use xtask::lab::{Image, User, wait_for};

use crate::world::{PATIENCE, World, has_problem};

crate::tests![
    a_bot_that_says_78_is_tried_once,
    without_a_configuration_there_is_one_try_and_start_works_at_once_when_mended,
    the_manager_gives_up_on_a_bot_that_dies_at_once_and_start_clears_it,
    it_gives_up_within_a_minute_with_the_delays_of_the_unit,
    starts_by_hand_count_and_status_still_knows_that_it_gave_up,
    a_stop_between_two_tries_is_a_stop,
    a_bot_killed_by_any_signal_is_back_and_the_code_tells_which,
    a_wrong_answer_to_sigterm_does_not_bring_a_stopped_service_back,
    the_real_bot_is_stopped_in_time_and_stays_so,
];

const ALICE: User<'_> = User::Cron("alice");

/// A word of the manager itself: no restart is under way in `failed` and `dead`.
fn shown(world: &World, property: &str) -> Result<String> {
    world.run("alice", &["systemctl", "--user", "show", "-P", property, "ductor"])?.ok()
}

fn problem<'a>(status: &'a Value, id: &str) -> Result<&'a Value> {
    let found = status["problems"].as_array().into_iter().flatten().find(|problem| problem["id"] == id);
    found.with_context(|| format!("no problem {id}: {status:#}"))
}

fn a_bot_that_says_78_is_tried_once() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.begin_with("alice", "exit 78")?;
        let refused = world.ductor("alice", &["service", "restart"])?.ended(78)?;
        assert!(refused.stderr.contains("code 78") && refused.stderr.contains("says hello"), "{refused}");
        let status = world.status_when("alice", "it has failed", |status| status["state"] == "failed")?;
        assert_eq!(status["restarts"], 0, "{status:#}");
        assert_eq!(shown(&world, "SubState")?, "failed", "nothing is scheduled");
        assert_eq!(world.count("alice", "start")?, 2, "the good one, and one try");
        let fix = &problem(&status, "not-configured")?["fix"];
        assert_eq!(fix, "ductor service logs --no-follow -n 50");
        world.begin_with("alice", "")?;
        world.ductor("alice", &["service", "start"])?.ended(0)?;
        assert_eq!(world.status("alice")?["state"], "running");
    }
    Ok(())
}

fn without_a_configuration_there_is_one_try_and_start_works_at_once_when_mended() -> Result<()> {
    [&BOT, &BOT_TRIXIE].into_iter().try_for_each(without_a_configuration_there_is_one_try)
}

fn without_a_configuration_there_is_one_try(image: &Image) -> Result<()> {
    let world = World::with_package(image)?;
    world.configure("alice")?;
    world.ductor("alice", &["service", "install"])?.ended(0)?;
    world.give("alice", ".ductor/config/config.json", "{}", 0o600)?;
    world.run("alice", &["systemctl", "--user", "restart", "ductor"])?; // 78 may come before or after its answer
    let failed = world.status_when("alice", "it has failed", |status| status["state"] == "failed")?;
    assert_eq!(failed["restarts"], 0, "{failed:#}");
    assert_eq!(
        (shown(&world, "SubState")?.as_str(), shown(&world, "ExecMainStatus")?.as_str()),
        ("failed", "78")
    );
    let said = &problem(&failed, "not-configured")?["message"];
    assert!(said.as_str().is_some_and(|said| said.contains("config.json")), "{failed:#}");
    world.ductor("alice", &["service", "start"])?.ended(78)?;
    world.configure("alice")?;
    let mended = world.status_when("alice", "it has failed", |status| status["state"] == "failed")?;
    assert!(has_problem(&mended, "failed") && !has_problem(&mended, "not-configured"), "{mended:#}");
    world.ductor("alice", &["service", "start"])?.ended(0)?;
    let up = world.status("alice")?;
    assert_eq!((&up["state"], &up["restarts"]), (&"running".into(), &0.into()), "{up:#}");
    Ok(())
}

fn the_manager_gives_up_on_a_bot_that_dies_at_once_and_start_clears_it() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.hurry("alice")?;
        world.begin_with("alice", "exit 3")?;
        world.ductor("alice", &["service", "restart"])?.ended(1)?;
        let status = world.status_when("alice", "it gave up", |status| status["state"] == "gave-up")?;
        assert_eq!(world.count("alice", "start")?, 11, "the good one, and ten tries");
        assert_eq!(
            (&status["running"], &status["pid"], &status["last_exit"]["code"], &status["owner"]),
            (&false.into(), &Value::Null, &3.into(), &"none".into()),
            "{status:#}"
        );
        assert_eq!(problem(&status, "start-limit")?["fix"], "ductor service logs --no-follow -n 50");
        world.ductor("alice", &["service", "status"])?.ended(3)?;
        // Once more in vain: it is tried anew, not refused for the limit.
        let again = world.ductor("alice", &["service", "start"])?.ended(1)?;
        assert!(again.stderr.contains("code 3"), "{again}");
        world.status_when("alice", "it gives up again", |status| status["state"] == "gave-up")?;
        assert_eq!(world.count("alice", "start")?, 21, "ten more");
        world.begin_with("alice", "")?;
        world.ductor("alice", &["service", "start"])?.ended(0)?;
        let up = world.status("alice")?;
        assert_eq!((&up["state"], &up["restarts"]), (&"running".into(), &0.into()), "{up:#}");
        assert!(!has_problem(&up, "start-limit"), "{up:#}");
    }
    Ok(())
}

fn it_gives_up_within_a_minute_with_the_delays_of_the_unit() -> Result<()> {
    let world = World::with_service(&BOOKWORM)?;
    world.begin_with("alice", "exit 3")?;
    world.ductor("alice", &["service", "restart"])?.ended(1)?;
    wait_for("it gives up", 6 * PATIENCE, || {
        let status = world.status(ALICE)?;
        ensure!(status["state"] == "gave-up", "{status:#}");
        Ok(Some(()))
    })?;
    assert_eq!(world.count("alice", "start")?, 11);
    // Nine waits of five seconds lie between ten tries. The middle one: other work on this computer may delay any.
    let tries: Vec<Duration> = world.events("alice")?.iter().rev().take(10).map(|event| event.at).collect();
    let mut waits: Vec<Duration> = tries.windows(2).map(|pair| pair[0] - pair[1]).collect();
    waits.sort();
    assert!((5.0..6.6).contains(&waits[4].as_secs_f32()), "{waits:?}");
    Ok(())
}

fn starts_by_hand_count_and_status_still_knows_that_it_gave_up() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.hurry("alice")?;
        for _ in 0..4 {
            world.run("alice", &["systemctl", "--user", "restart", "ductor"])?.ok()?;
        }
        world.begin_with("alice", "exit 3")?;
        world.end_bot("alice", 3)?;
        let status = world.status_when("alice", "it gave up", |status| status["state"] == "gave-up")?;
        assert!(has_problem(&status, "start-limit"), "{status:#}");
        assert!(status["restarts"].as_u64().is_some_and(|restarts| restarts < 10), "{status:#}");
    }
    Ok(())
}

fn a_stop_between_two_tries_is_a_stop() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.begin_with("alice", "exit 3")?;
        world.end_bot("alice", 3)?;
        let waits = |status: &Value| status["state"] == "restarting" && status["owner"] == "none";
        let waits = world.status_when("alice", "it waits", waits)?;
        assert_eq!(waits["running"], false, "{waits:#}");
        world.ductor("alice", &["service", "stop"])?.ended(0)?;
        let status = world.status("alice")?;
        assert_eq!((&status["state"], &status["problems"]), (&"stopped".into(), &serde_json::json!([])));
        assert_eq!(shown(&world, "SubState")?, "dead");
    }
    Ok(())
}

fn a_bot_killed_by_any_signal_is_back_and_the_code_tells_which() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(a_bot_killed_by_any_signal_is_back)
}

fn a_bot_killed_by_any_signal_is_back(image: &Image) -> Result<()> {
    let world = World::with_service(image)?;
    world.hurry("alice")?;
    let limit = ".config/systemd/user/ductor.service.d/limit.conf";
    world.give("alice", limit, "[Unit]\nStartLimitIntervalSec=0\n", 0o644)?;
    world.run("alice", &["systemctl", "--user", "daemon-reload"])?.ok()?;
    world.begin_with("alice", "exec sleep 1000")?; // which has no handlers
    world.ductor("alice", &["service", "restart"])?.ended(0)?;
    // All that end a process: not those that stop, continue, or are ignored.
    let signals: Vec<u32> = (1..=16).chain(24..=27).chain(29..=31).collect();
    for (round, signal) in signals.iter().enumerate() {
        let before = world.status_when("alice", "a bot", |status| status["bot_pid"].is_u64())?;
        let bot = &before["bot_pid"];
        wait_for("a bot without handlers", PATIENCE, || {
            Ok(world.processes("alice", "sleep")?.contains(&bot.to_string()).then_some(()))
        })?;
        world.run("root", &["kill", &format!("-{signal}"), &bot.to_string()])?.ok()?;
        world.started("alice", round + 3)?;
        let after = world.status_when("alice", "a new bot", |status| {
            status["state"] == "running" && status["bot_pid"].is_u64() && status["bot_pid"] != *bot
        })?;
        assert_eq!(after["last_exit"]["signal"], *signal, "{after:#}");
    }
    let code = |signal| format!("Main process exited, code=exited, status={}/", 128 + signal);
    let all = |logs: &str| signals.iter().all(|signal| logs.contains(&code(signal)));
    world.logs_when("alice", "the code of every signal", all).map(drop)
}

fn a_wrong_answer_to_sigterm_does_not_bring_a_stopped_service_back() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.begin_with("alice", "trap 'note term; exit 3' TERM; note trap")?;
        world.ductor("alice", &["service", "restart"])?.ended(0)?;
        for (round, verb) in [&["service", "stop"][..], &["stop"]].into_iter().enumerate() {
            world.noted("alice", "trap", round + 1)?;
            let before = world.count("alice", "term")?;
            world.ductor("alice", verb)?.ended(0)?;
            assert_eq!(world.count("alice", "term")?, before + 1, "it was asked");
            let status = world.status("alice")?;
            assert_eq!(
                (&status["state"], &status["last_exit"]["code"]),
                (&"stopped".into(), &3.into()),
                "{status:#}"
            );
            assert_eq!(
                (shown(&world, "SubState")?.as_str(), shown(&world, "Result")?.as_str()),
                ("dead", "success")
            );
            world.ductor("alice", &["service", "start"])?.ended(0)?;
        }
    }
    Ok(())
}

/// Without a network it takes almost as long to end as the contract gives it: in order or killed, it is stopped.
fn the_real_bot_is_stopped_in_time_and_stays_so() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = World::with_package(image)?;
        world.configure("alice")?;
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        for verb in [&["service", "stop"][..], &["stop"]] {
            let bot = format!("[{}]: ", world.status("alice")?["bot_pid"]);
            let tries = |line: &str| line.contains(&bot) && line.contains("api.telegram.org");
            world.logs_when("alice", "it tries to reach Telegram", |logs| logs.lines().any(tries))?;
            let stopped = world.ductor("alice", verb)?.ended(0)?;
            assert!(stopped.took < PATIENCE, "{stopped}");
            world.run("root", &["pgrep", "-u", "alice", "-f", "ductor_bot|/ductor"])?.ended(1)?;
            let status = world.status("alice")?;
            assert_eq!(
                (&status["state"], &status["owner"]),
                (&"stopped".into(), &"none".into()),
                "{status:#}"
            );
            for id in ["failed", "start-limit", "other-bot"] {
                assert!(!has_problem(&status, id), "{status:#}");
            }
            let exit = &status["last_exit"];
            assert!(exit["code"] == 0 || exit["signal"] == 9, "in order, or killed: {exit}");
            assert_eq!(shown(&world, "Result")?, "success", "the manager did not have to kill");
            world.ductor("alice", &["service", "start"])?.ended(0)?;
        }
    }
    Ok(())
}
