//! A machine that OpenRC runs: no manager that ductor knows. It says so, says what helps, and all the rest works.

use anyhow::{Context, Result};
use xtask::lab::image::OPENRC;
use xtask::lab::{Output, User, wait_for};

use crate::world::{PATIENCE, World};

crate::tests![
    the_package_comes_and_goes,
    every_command_that_needs_a_manager_says_what_runs_and_what_helps,
    what_it_says_helps_keeps_the_bot_running_from_boot_on,
    a_host_in_the_foreground_is_all_that_a_bot_needs,
];

/// As over ssh: there are no sessions here, so also as by any other door.
const ALICE: User<'_> = User::Cron("alice");

fn the_package_comes_and_goes() -> Result<()> {
    let world = World::boot(&OPENRC)?;
    let before = world.changes()?;
    world.install_package()?;
    world.configure("alice")?; // for whom a systemd would start it
    world.run("root", &["apt-get", "install", "-y", "-q", "--reinstall", "/srv/ductor.deb"])?.ended(0)?;
    world.run("root", &["pgrep", "-x", "ductor"])?.ended(1)?;
    world.run("root", &["apt-get", "purge", "-y", "-q", "ductor"])?.ended(0)?;
    let aside = [
        "/var/log",
        "/var/cache",
        "/var/lib/apt",
        "/var/lib/dpkg",
        "/var/tmp",
        "/srv",
        "/home/alice/.ductor",
    ];
    let left = world.changes()?.since(&before, &aside)?;
    assert_eq!(left, [""; 0]);
    Ok(())
}

fn every_command_that_needs_a_manager_says_what_runs_and_what_helps() -> Result<()> {
    let world = World::with_package(&OPENRC)?;
    let bot = world.make_bot("alice")?;
    let before = world.changes()?;
    for words in [&["install", "--bot", &bot][..], &["start"], &["stop"], &["restart"]] {
        let refused = world.ductor(ALICE, &[&["service"], words].concat())?.ended(5)?;
        assert_eq!(
            refused.stderr,
            "error: the systemd user manager: this machine runs OpenRC, not systemd\n  \
             fix: ductor run   (at every start of the machine: \
             (crontab -l; echo '@reboot /usr/bin/ductor run') | crontab -)\n",
        );
    }
    let status = world.status(ALICE)?;
    assert_eq!((&status["state"], &status["installed"]), (&"unknown".into(), &().into()), "{status:#}");
    assert_eq!(status["problems"][0]["id"], "manager-unreachable", "{status:#}");
    for (words, code) in [
        (&["service", "status"][..], 5),
        (&["status"], 5),
        (&["service", "doctor"], 1),
        (&["service", "logs", "--no-follow"], 0),
        (&["service", "render"], 0),
        (&["service", "install", "--bot", &bot, "--dry-run"], 0),
        (&["stop"], 0),
        (&["restart"], 5),
    ] {
        world.ductor(ALICE, words)?.ended(code)?;
    }
    let changed = world.changes()?.since(&before, &["/var/log", "/home/alice/.ductor"])?;
    assert_eq!(changed, [""; 0]);
    Ok(())
}

fn what_it_says_helps_keeps_the_bot_running_from_boot_on() -> Result<()> {
    let world = World::with_package(&OPENRC)?;
    let bot = world.make_bot("alice")?;
    let refused = world.ductor(ALICE, &["service", "install", "--bot", &bot])?.ended(5)?;
    let fix = refused.stderr.split("machine: ").last().context("a fix")?.trim().trim_end_matches(')');
    // What cron gives its programs is what it is told to: the bot of a test is none that would be found.
    let chosen = format!("(crontab -l; echo DUCTOR_BOT={bot}) | crontab -; {fix}");
    world.sh(ALICE, &chosen)?.ended(0)?;
    world.reboot()?;
    world.started("alice", 1)?;
    assert_eq!(world.processes("alice", "ductor")?.len(), 1);
    world.run("root", &["pkill", "-KILL", "-u", "alice", "-x", "bot"])?.ok()?;
    world.started("alice", 2)
}

fn a_host_in_the_foreground_is_all_that_a_bot_needs() -> Result<()> {
    let world = World::with_package(&OPENRC)?;
    world.make_bot("alice")?;
    let say = |words: &[&str], code: i32| -> Result<Output> { world.ductor(ALICE, words)?.ended(code) };
    let start = "DUCTOR_BOT=~/bot setsid -f /usr/bin/ductor >~/said 2>&1";
    world.sh(ALICE, start)?.ok()?;
    world.started("alice", 1)?;
    let status = say(&["status"], 0)?;
    assert!(status.stdout.starts_with("* ductor runs in the foreground"), "{status}");
    assert!(status.stdout.contains("\n  bot       /home/alice/bot\n"), "{status}");
    assert!(!status.stdout.contains("not configured"), "{status}");
    assert!(say(&["run"], 1)?.stderr.contains("it runs already"), "{status}");
    say(&["restart"], 0)?;
    world.started("alice", 2)?;
    world.end_bot("alice", 42)?;
    world.started("alice", 3)?;
    assert!(say(&["stop"], 0)?.stdout.starts_with("stopped the bot and its host"), "{status}");
    wait_for("the end of all", PATIENCE, || {
        Ok((world.run("root", &["pgrep", "-u", "alice"])?.code == 1).then_some(()))
    })
}
