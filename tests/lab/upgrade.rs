//! Another version of the package while the service runs: the real program, under other version numbers.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result, ensure};
use xtask::lab::image::{BOOKWORM, SERVER, SERVER_TRIXIE, TRIXIE};
use xtask::lab::{Image, wait_for};

use crate::deb::{dpkg_deb, package, set};
use crate::world::{PATIENCE, World};

crate::tests![
    up_down_and_again_each_is_one_restart_on_systemd_252,
    up_down_and_again_each_is_one_restart_on_systemd_257,
    what_an_administrator_switched_off_stays_off_and_a_users_own_service_runs,
    removing_it_ends_the_host_and_a_user_gets_it_back,
];

fn up_down_and_again_each_is_one_restart_on_systemd_252() -> Result<()> {
    up_down_and_again_each_is_one_restart(&BOOKWORM)
}

fn up_down_and_again_each_is_one_restart_on_systemd_257() -> Result<()> {
    up_down_and_again_each_is_one_restart(&TRIXIE)
}

fn up_down_and_again_each_is_one_restart(image: &Image) -> Result<()> {
    let world = World::with_service(image)?;
    let _alice = world.login("alice")?;
    let conffiles = world.run("root", &["dpkg-query", "-W", "-f", "${Conffiles}", "ductor"])?.ok()?;
    assert_eq!(conffiles, "", "nothing that an upgrade could ask about");
    for (round, version) in ["9.0.2-1", "9.0.1-1", "9.0.1-1"].into_iter().enumerate() {
        let before = world.status("alice")?;
        install(&world, version)?;
        let after = wait_for("the new program", PATIENCE, || {
            let status = world.status("alice")?;
            ensure!(status["state"] == "running" && status["bot_pid"].is_u64(), "{status:#}");
            ensure!(status["pid"] != before["pid"], "the old host still runs");
            Ok(Some(status))
        })?;
        let running = format!("cmp /proc/{}/exe /usr/bin/ductor", after["pid"]);
        world.sh("root", &running)?.ended(0)?;
        assert_eq!(world.processes("alice", "ductor")?, [after["pid"].to_string()], "one host");
        assert_eq!(after["restarts"], 0, "{after:#}");
        assert_eq!((&after["packaged"], &after["problems"]), (&true.into(), &serde_json::json!([])));

        // One after the other: each bot ended before the next one started.
        world.started("alice", round + 2)?;
        let events = world.events("alice")?;
        let whats: Vec<&str> = events.iter().map(|event| event.what.as_str()).collect();
        let expected: Vec<&str> = ["start", "term"].into_iter().cycle().take(2 * (round + 1) + 1).collect();
        assert_eq!(whats, expected, "{version}");
        assert_eq!(world.processes("alice", "bot")?.len(), 1);
    }
    Ok(())
}

fn what_an_administrator_switched_off_stays_off_and_a_users_own_service_runs() -> Result<()> {
    for image in [&SERVER, &SERVER_TRIXIE] {
        let world = World::with_package(image)?;
        let (_alice, _bob) = (world.login("alice")?, world.login("bob")?);
        world.run("root", &["systemctl", "--global", "disable", "ductor.service"])?.ok()?;
        let bot = world.make_bot("alice")?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        world.configure("bob")?;
        for version in ["9.0.1-1", "9.0.2-1"] {
            install(&world, version)?;
            world.run("root", &["systemctl", "--global", "is-enabled", "ductor.service"])?.ended(1)?;
            let alice = world.status("alice")?;
            assert_eq!((&alice["state"], &alice["enabled"]), (&"running".into(), &true.into()), "{alice:#}");
            let bob = world.status("bob")?;
            assert_eq!((&bob["state"], &bob["enabled"]), (&"stopped".into(), &false.into()), "{bob:#}");
        }
        world.run("root", &["pgrep", "-u", "bob", "-x", "ductor"])?.ended(1)?;
    }
    Ok(())
}

fn removing_it_ends_the_host_and_a_user_gets_it_back() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        let _alice = world.login("alice")?;
        world.run("root", &["apt-get", "remove", "-y", "-q", "ductor"])?.ended(0)?;
        world.run("root", &["pgrep", "-u", "alice", "-x", "ductor|bot"])?.ended(1)?;
        let failed = world.sh("alice", "systemctl --user --failed --no-legend")?.ok()?;
        assert_eq!(failed, "");
        let events = world.events("alice")?;
        assert_eq!(events.last().context("it ran")?.what, "term", "it was asked to end");

        world.install_package()?;
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        assert_eq!(world.status("alice")?["state"], "running");
        assert_eq!(world.processes("alice", "bot")?.len(), 1, "the bot that was chosen before");
    }
    Ok(())
}

/// Installs the package under this version. Its program is another file that does the same.
fn install(world: &World, version: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let top = folder.path().join("package");
    dpkg_deb(&["--raw-extract", &package()?, &top.display().to_string()])?;
    let mut program = fs::File::options().append(true).open(top.join("usr/bin/ductor"))?;
    program.write_all(version.as_bytes())?;
    set(&top.join("DEBIAN/control"), "Version: ", version)?;
    let made = world.path("/srv/ductor.deb").display().to_string();
    dpkg_deb(&["--root-owner-group", "-Znone", "--build", &top.display().to_string(), &made])?;
    world.run("root", &["dpkg", "--install", "/srv/ductor.deb"])?.ended(0).map(drop)
}
