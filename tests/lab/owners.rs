//! Who owns the bot: never two bots, never a stranger killed, and always said who it is.

use anyhow::{Result, ensure};
use serde_json::Value;
use xtask::lab::image::{BOOKWORM, BOT, BOT_FOLDER, BOT_TRIXIE, TRIXIE};
use xtask::lab::{Image, User, wait_for};

use crate::world::{PATIENCE, World, has_problem};

crate::tests![
    a_foreground_host_beside_the_service_is_refused,
    the_service_beside_a_foreground_host_is_refused,
    of_several_at_once_one_runs,
    a_takeover_stops_the_service_through_its_manager_and_says_so,
    two_restarts_at_once_are_one,
    what_is_so_already_is_said_and_no_error,
    a_bot_that_no_host_started_is_named_and_the_service_ends_it,
    a_bot_that_kills_the_services_bot_is_never_a_second_one,
    a_pid_note_that_lies_gets_nobody_killed,
    a_lock_file_that_is_deleted_makes_no_room_for_a_second_host,
    a_home_that_is_deleted_does_not_end_the_service,
];

const ALICE: User<'_> = User::Cron("alice");

fn hosts(world: &World) -> Result<Vec<String>> {
    world.processes("alice", "ductor")
}

fn bots(world: &World) -> Result<Vec<String>> {
    world.processes("alice", "bot")
}

/// The whole answer to "who runs the bot".
fn owner(status: &Value) -> (&str, &str) {
    (status["owner"].as_str().unwrap_or_default(), status["state"].as_str().unwrap_or_default())
}

fn a_foreground_host_beside_the_service_is_refused() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        let before = world.status("alice")?;
        for words in [&[][..], &["run"]] {
            let refused = world.ductor("alice", words)?.ended(1)?;
            let named = format!("it runs already, as the service (host pid {})", before["pid"]);
            assert!(refused.stderr.contains(&named), "{refused}");
            assert!(refused.stderr.contains("--takeover") && refused.stdout.is_empty(), "{refused}");
        }
        let after = world.status("alice")?;
        assert_eq!((&after["pid"], &after["bot_pid"]), (&before["pid"], &before["bot_pid"]));
        assert_eq!(world.count("alice", "start")?, 1);
    }
    Ok(())
}

fn the_service_beside_a_foreground_host_is_refused() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.ductor("alice", &["service", "stop"])?.ended(0)?;
        world.foreground("alice", "")?;
        let host = hosts(&world)?;
        let named = format!("pid {}", host[0]);
        for verb in ["start", "restart", "install"] {
            let refused = world.ductor("alice", &["service", verb])?.ended(1)?;
            assert!(
                refused.stderr.contains(&named) && refused.stderr.contains("fix: ductor stop"),
                "{refused}"
            );
        }
        let stopped = world.ductor("alice", &["service", "stop"])?.ended(0)?;
        assert!(stopped.stdout.contains("already stopped") && stopped.stderr.contains(&named), "{stopped}");
        let status = world.status("alice")?;
        assert_eq!(owner(&status), ("foreground", "stopped"), "{status:#}");
        assert_eq!(
            (&status["running"], &status["survives_logout"]),
            (&false.into(), &false.into()),
            "{status:#}"
        );
        assert!(has_problem(&status, "foreground"), "{status:#}");
        let whole = world.ductor("alice", &["status"])?.ended(0)?;
        let first = whole.stdout.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("● ductor runs in the foreground") && whole.stdout.contains(&named),
            "{whole}"
        );
        // The manager itself can be made to try; its host sees the lock, and gives up.
        world.hurry("alice")?;
        world.run("alice", &["systemctl", "--user", "start", "ductor"])?;
        let status = world.status_when("alice", "it gives up", |status| status["state"] == "gave-up")?;
        assert_eq!(owner(&status).0, "foreground", "{status:#}");
        assert_eq!((hosts(&world)?, bots(&world)?.len()), (host, 1));
        assert_eq!(world.count("alice", "start")?, 2);
        // The fix of the problem does what it says.
        world.ductor("alice", &["stop"])?.ended(0)?;
        world.ductor("alice", &["service", "start"])?.ended(0)?;
        assert_eq!(owner(&world.status("alice")?), ("service", "running"));
    }
    Ok(())
}

fn of_several_at_once_one_runs() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(of_several_one_runs)
}

fn of_several_one_runs(image: &Image) -> Result<()> {
    let world = World::with_service(image)?;
    world.ductor("alice", &["service", "stop"])?.ended(0)?;
    let at_once = "export DUCTOR_BOT=~/bot; for i in 1 2 3 4 5; do \
        setsid -f sh -c '/usr/bin/ductor >~/said$0 2>&1; echo $? >~/code$0' $i >/dev/null 2>&1; done; \
        /usr/bin/ductor service start";
    world.run("alice", &["bash", "-c", at_once])?;
    let status = world.status_when("alice", "one that runs", |status| status["owner"] != "none")?;
    world.started("alice", 2)?;
    let codes = wait_for("the end of the others", PATIENCE, || {
        let codes: Vec<String> = (1..=5).map(|i| world.read("alice", &format!("code{i}"))).collect();
        ensure!(codes.iter().filter(|code| !code.is_empty()).count() >= 4, "{codes:?}");
        Ok((hosts(&world)?.len() == 1).then_some(codes))
    })?;
    assert!(codes.iter().all(|code| code.is_empty() || code == "1\n"), "{codes:?}");
    assert_eq!((bots(&world)?.len(), world.count("alice", "start")?), (1, 2), "{status:#}");
    Ok(())
}

fn a_takeover_stops_the_service_through_its_manager_and_says_so() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.foreground("alice", "run --takeover")?;
        let status = world.status("alice")?;
        assert_eq!(owner(&status), ("foreground", "stopped"), "{status:#}");
        let said = world.read("alice", "said");
        assert!(said.contains("stopping the service") && said.contains("ductor service start"), "{said}");
        assert_eq!((hosts(&world)?.len(), bots(&world)?.len(), world.count("alice", "term")?), (1, 1, 1));
        // And from one terminal to another.
        let first = hosts(&world)?;
        world.foreground("alice", "run --takeover")?;
        assert!(world.read("alice", "said").contains(&format!("ending the host (pid {})", first[0])));
        let second = hosts(&world)?;
        assert_eq!((second.len(), second == first, bots(&world)?.len()), (1, false, 1));
        world.ductor("alice", &["stop"])?.ended(0)?;
    }
    Ok(())
}

fn two_restarts_at_once_are_one() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        let before = world.status("alice")?;
        let both = "ductor service restart & first=$!; ductor service restart; second=$?; wait $first; echo codes $? $second";
        let said = world.run("alice", &["bash", "-c", both])?.ended(0)?;
        assert!(said.stdout.contains("codes 0 0\n"), "{said}");
        world.started("alice", 2)?;
        let after = world.status("alice")?;
        assert_eq!(owner(&after), ("service", "running"), "{after:#}");
        assert!(after["pid"] != before["pid"] && after["restarts"] == 0, "{after:#}");
    }
    Ok(())
}

fn what_is_so_already_is_said_and_no_error() -> Result<()> {
    let world = World::with_service(&BOOKWORM)?;
    let said = |words: &[&str]| -> Result<String> {
        let output = world.ductor("alice", words)?.ended(0)?;
        Ok(output.stdout + &output.stderr)
    };
    assert!(said(&["service", "start"])?.ends_with("already running\n"));
    assert_eq!(world.count("alice", "start")?, 1);
    assert_eq!(said(&["service", "stop"])?, "stopped\nit starts again at the next boot\n");
    assert_eq!(said(&["service", "stop"])?, "already stopped\n");
    assert_eq!(said(&["stop"])?, "nothing runs\n");
    Ok(())
}

/// The real bot as people start it by hand; it has noted its pid when this returns.
fn by_hand(world: &World) -> Result<String> {
    let before = world.read("alice", ".ductor/bot.pid");
    world.run("alice", &["sh", "-c", "setsid -f ~/.local/bin/ductor >~/by-hand 2>&1"])?.ok()?;
    wait_for("the bot's note of its pid", PATIENCE, || {
        let note = world.read("alice", ".ductor/bot.pid");
        Ok((!note.is_empty() && note != before).then_some(note))
    })
}

/// Every real bot, by its command line: alice has no other Python.
fn real_bots(world: &World) -> Result<Vec<String>> {
    let found = world.run("root", &["pgrep", "-u", "alice", "-f", &format!("^{BOT_FOLDER}/bin/python")])?;
    Ok(found.stdout.split_whitespace().map(String::from).collect())
}

fn is_the_only(world: &World, pid: &Value) -> Result<()> {
    world.only_real_bot(&format!("^{BOT_FOLDER}/bin/python"), &pid.to_string())
}

fn a_bot_that_no_host_started_is_named_and_the_service_ends_it() -> Result<()> {
    [&BOT, &BOT_TRIXIE].into_iter().try_for_each(a_bot_that_no_host_started)
}

fn a_bot_that_no_host_started(image: &Image) -> Result<()> {
    let world = World::with_package(image)?;
    let _alice = world.login("alice")?;
    world.configure("alice")?;
    let pid = by_hand(&world)?;
    let status = world.status("alice")?;
    assert_eq!(owner(&status).0, "other", "{status:#}");
    assert!(has_problem(&status, "other-bot") && status["problems"].to_string().contains(&pid), "{status:#}");
    let whole = world.ductor("alice", &["status"])?.ended(0)?;
    assert!(whole.stdout.starts_with("● ductor runs without a host\n"), "{whole}");
    let refused = world.ductor("alice", &["run"])?.ended(1)?;
    assert!(
        refused.stderr.contains(&format!("pid {pid}")) && refused.stderr.contains("--takeover"),
        "{refused}"
    );
    is_the_only(&world, &pid.parse()?)?;
    world.ductor("alice", &["service", "install"])?.ended(0)?;
    let status = world.status("alice")?;
    assert_eq!(owner(&status), ("service", "running"), "{status:#}");
    is_the_only(&world, &status["bot_pid"])?;
    let said = format!("ending a bot that ductor did not start (pid {pid})");
    world.logs_when("alice", &said, |logs| logs.contains(&said))?;
    // `stop` ends such a bot too, and says so.
    world.ductor("alice", &["service", "stop"])?.ended(0)?;
    let pid = by_hand(&world)?;
    let stopped = world.ductor("alice", &["stop"])?.ended(0)?;
    assert!(stopped.stdout.contains(&format!("did not start (pid {pid})")), "{stopped}");
    assert_eq!(real_bots(&world)?, [""; 0]);
    Ok(())
}

fn a_bot_that_kills_the_services_bot_is_never_a_second_one() -> Result<()> {
    [&BOT, &BOT_TRIXIE].into_iter().try_for_each(a_bot_that_kills_the_services_bot)
}

fn a_bot_that_kills_the_services_bot(image: &Image) -> Result<()> {
    let world = World::with_package(image)?;
    let _alice = world.login("alice")?;
    world.configure("alice")?;
    world.ductor("alice", &["service", "install"])?.ended(0)?;
    let first = noted(&world)?["bot_pid"].to_string();
    let pid = by_hand(&world)?; // its pidlock ends the other bot, in order or not: then the manager's host comes back
    let status = wait_for("one owner of one bot", PATIENCE, || {
        let status = world.status(ALICE)?;
        let bots = real_bots(&world)?;
        ensure!(bots.len() == 1 && bots[0] != first, "{bots:?} {status:#}");
        let settled = match owner(&status) {
            ("service", "running") => status["bot_pid"].as_u64() == bots[0].parse().ok(),
            ("other", "stopped") => bots[0] == pid && has_problem(&status, "other-bot"),
            _ => false,
        };
        ensure!(settled, "{bots:?} {status:#}");
        Ok(Some(status))
    })?;
    let said = match owner(&status).0 {
        "service" => format!("ending a bot that ductor did not start (pid {pid})"),
        _ => "another bot took the place of this one".into(),
    };
    world.logs_when("alice", &said, |logs| logs.contains(&said)).map(drop)
}

/// The status, as soon as the service's bot has noted its pid: it kills nobody any more.
fn noted(world: &World) -> Result<Value> {
    let noted = |status: &Value| {
        let note = world.read("alice", ".ductor/bot.pid").parse::<u64>().ok();
        note.is_some() && note == status["bot_pid"].as_u64()
    };
    world.status_when("alice", "the note of the service's bot", noted)
}

fn a_pid_note_that_lies_gets_nobody_killed() -> Result<()> {
    [&BOT, &BOT_TRIXIE].into_iter().try_for_each(a_pid_note_that_lies)
}

fn a_pid_note_that_lies(image: &Image) -> Result<()> {
    let world = World::with_package(image)?;
    let _alice = world.login("alice")?;
    world.configure("alice")?;
    world
        .run(
            "alice",
            &["sh", "-c", "cp /usr/bin/sleep ~/stranger && setsid -f ~/stranger 1000 >~/said 2>&1"],
        )?
        .ok()?;
    let stranger = wait_for("the stranger", PATIENCE, || {
        Ok(Some(world.processes("alice", "stranger")?).filter(|found| !found.is_empty()))
    })?;
    let manager = world.processes("alice", "systemd")?;
    let note = |pid: &str| world.give("alice", ".ductor/bot.pid", pid, 0o600);
    note(&stranger[0])?;
    assert_eq!(world.status("alice")?["owner"], "none");
    assert!(world.ductor("alice", &["stop"])?.ended(0)?.stdout.contains("nothing runs"));
    world.ductor("alice", &["service", "install"])?.ended(0)?;
    // While it runs: the manager itself, the host, no number that a pid can have. Not before the bot has looked at
    // the note: it would kill whom it names, as the host found no note and can't keep it from doing so.
    let host = noted(&world)?["pid"].to_string();
    for lie in [&manager[0], &host, "-1"] {
        note(lie)?;
        world.ductor("alice", &["service", "restart"])?.ended(0)?;
        let status = noted(&world)?;
        assert_eq!(owner(&status), ("service", "running"), "{lie}: {status:#}");
        is_the_only(&world, &status["bot_pid"])?;
    }
    note(&stranger[0])?;
    world.ductor("alice", &["stop"])?.ended(0)?;
    assert_eq!(world.processes("alice", "stranger")?, stranger);
    assert_eq!(world.processes("alice", "systemd")?, manager);
    Ok(())
}

fn a_lock_file_that_is_deleted_makes_no_room_for_a_second_host() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(a_lock_file_that_is_deleted)
}

fn a_lock_file_that_is_deleted(image: &Image) -> Result<()> {
    let world = World::with_service(image)?;
    let before = world.status("alice")?;
    for _ in 0..3 {
        world.run("root", &["rm", "/home/alice/.ductor/host.lock"])?.ok()?;
        let refused =
            world.run(ALICE, &["env", "DUCTOR_BOT=/home/alice/bot", "/usr/bin/ductor"])?.ended(1)?;
        assert!(refused.stderr.contains(&format!("pid {}", before["pid"])), "{refused}");
        let lock = world.path("/home/alice/.ductor/host.lock");
        wait_for("the lock anew", PATIENCE, || Ok(lock.exists().then_some(())))?;
        world.status_when("alice", "its holder", |status| status["owner"] == "service")?;
    }
    let after = world.status("alice")?;
    assert_eq!((&after["pid"], &after["bot_pid"]), (&before["pid"], &before["bot_pid"]));
    assert_eq!((world.count("alice", "start")?, bots(&world)?.len()), (1, 1));
    Ok(())
}

fn a_home_that_is_deleted_does_not_end_the_service() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(a_home_that_is_deleted)
}

fn a_home_that_is_deleted(image: &Image) -> Result<()> {
    let world = World::with_service(image)?;
    let before = world.status("alice")?;
    world.run("root", &["rm", "-r", "/home/alice/.ductor"])?.ok()?;
    // The lock comes first, what the host says about itself a moment later.
    let told = |status: &Value| status["owner"] == "service" && status["bot_pid"].is_u64();
    let after = world.status_when("alice", "the home anew", told)?;
    assert_eq!((&after["pid"], &after["bot_pid"]), (&before["pid"], &before["bot_pid"]), "{after:#}");
    assert_eq!(after["state"], "running");
    world.ductor("alice", &["run"])?.ended(1)?;
    world.ductor("alice", &["service", "restart"])?.ended(0)?;
    world.started("alice", 2)?;
    assert_eq!(bots(&world)?.len(), 1);
    Ok(())
}
