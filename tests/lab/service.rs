//! `ductor service install`: up when it says so, and never up twice.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use xtask::lab::Image;
use xtask::lab::image::{BOOKWORM, BOT, BOT_FOLDER, BOT_TRIXIE, CGROUP2, TRIXIE};

use crate::world::World;

crate::tests![
    install_ends_within_three_seconds_and_the_service_is_up,
    install_again_changes_nothing,
    a_rehearsal_changes_nothing,
    the_real_bot_runs_retries_and_is_heard,
    words_reach_the_bots_own_command_line,
];

/// The contract's word: the manager says running, a host holds the lock, its bot has lived for a second.
fn expect_up(world: &World, status: &Value) -> Result<()> {
    assert_eq!((&status["state"], &status["owner"]), (&"running".into(), &"service".into()), "{status:#}");
    let (host, bot) = (status["pid"].to_string(), status["bot_pid"].to_string());
    assert_eq!(world.run("alice", &["systemctl", "--user", "show", "-P", "MainPID", "ductor"])?.ok()?, host);
    let lived = world.run("alice", &["ps", "-o", "etimes=,ppid=", "-p", &bot])?.ok()?;
    let [age, parent] = lived.split_whitespace().collect::<Vec<_>>()[..] else { bail!("no bot: {lived:?}") };
    assert!(age.parse::<u32>()? >= 1, "the bot is {age} s old");
    assert_eq!(parent, host, "the parent of the bot");
    let locks = world.run("root", &["cat", "/proc/locks"])?.ok()?;
    assert!(locks.lines().any(|lock| lock.contains(&format!(" {host} "))), "no lock of {host}: {locks}");
    Ok(())
}

fn install_ends_within_three_seconds_and_the_service_is_up() -> Result<()> {
    let world = World::with_package(&BOT)?;
    let _alice = world.login("alice")?;
    world.configure("alice")?;
    // The best of six: other work on this computer only ever makes it slower.
    let mut best = Duration::MAX;
    for _ in 0..6 {
        let installed = world.ductor("alice", &["service", "install"])?.ended(0)?;
        expect_up(&world, &world.status("alice")?)?;
        best = best.min(installed.took);
        if best < Duration::from_secs(3) {
            return Ok(());
        }
        world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
    }
    bail!("it took {best:?}")
}

fn install_again_changes_nothing() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE, &CGROUP2] {
        let world = World::with_service(image)?;
        let _alice = world.login("alice")?;
        let picture = || -> Result<(Vec<String>, String, Value)> {
            let find =
                ["find", "/home/alice", "-path", "*/.ductor", "-prune", "-o", "-printf", "%p %C@ %T@ %i\n"];
            let files = world.run("root", &find)?.ok()?;
            let run = ["systemctl", "--user", "show", "-p", "InvocationID,MainPID,NRestarts", "ductor"];
            let mut status = world.status("alice")?;
            status["problems"].take();
            Ok((files.lines().map(String::from).collect(), world.run("alice", &run)?.ok()?, status))
        };
        let before = picture()?;
        let again = world.ductor("alice", &["service", "install"])?.ended(0)?;
        assert_eq!(picture()?, before, "{}: {again}", image.name);
    }
    Ok(())
}

fn a_rehearsal_changes_nothing() -> Result<()> {
    let world = World::with_package(&BOOKWORM)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    let before = world.changes()?;
    let told = world.ductor("alice", &["service", "install", "--bot", &bot, "--dry-run"])?.ok()?;
    assert!(told.contains("/.config/systemd/user/") && told.contains("loginctl"), "{told}");
    assert_eq!(world.changes()?.since(&before, &["/var/log", "/home/alice/.ductor"])?, [""; 0]);
    world.run("root", &["pgrep", "-x", "ductor"])?.ended(1)?;
    Ok(())
}

fn the_real_bot_runs_retries_and_is_heard() -> Result<()> {
    [&BOT, &BOT_TRIXIE].into_iter().try_for_each(the_real_bot_runs_and_is_heard)
}

fn the_real_bot_runs_and_is_heard(image: &Image) -> Result<()> {
    let world = World::with_package(image)?;
    let _alice = world.login("alice")?;
    world.configure("alice")?;
    world.ductor("alice", &["service", "install"])?.ended(0)?;
    let up = world.status("alice")?;
    let command = world.run("alice", &["ps", "-o", "args=", "-p", &up["bot_pid"].to_string()])?.ok()?;
    assert!(command.contains(BOT_FOLDER) && command.contains("ductor_bot"), "{command}");

    // Without a network it tells that it failed, and tries again.
    let said = world.logs_when("alice", "two failures to reach Telegram", |logs| {
        logs.matches("api.telegram.org").count() >= 2
    })?;
    let now = world.status("alice")?;
    assert_eq!(
        (&now["pid"], &now["bot_pid"], &now["restarts"]),
        (&up["pid"], &up["bot_pid"], &0.into()),
        "{said}"
    );
    Ok(())
}

fn words_reach_the_bots_own_command_line() -> Result<()> {
    let world = World::with_package(&BOT)?;
    let agents = world.ductor("alice", &["agents"])?.ended(0)?;
    assert!(agents.stdout.contains("No sub-agents configured"), "{agents}");
    let same = world.ductor("alice", &["bot", "exec", "--", "agents"])?.ended(0)?;
    assert_eq!(same.stdout, agents.stdout);
    Ok(())
}
