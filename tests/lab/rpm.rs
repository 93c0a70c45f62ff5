//! The `.rpm` through rpm itself: rpmlint, into another root, and booted, where its scriptlets run for real.
//!
//! Debian's machine has no `systemd-update-helper`: what runs is what the scriptlets do without it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::Result;
use xtask::bundle::rpm::FORMAT;
use xtask::lab::image::FOREIGN;
use xtask::lab::{Machine, needs};

use crate::foreign::{ASIDE, configure, host, is_enabled, log_with, made, put, put_made, show};
use crate::world::World;

crate::tests![
    rpmlint_has_nothing_to_say,
    into_another_root_it_only_places_files,
    what_was_made_works_and_leaves_nothing,
    an_upgrade_reloads_and_restarts_once,
    an_administrators_choice_outlives_upgrades,
    erasing_stops_it_and_leaves_nothing,
    without_systemd_running_it_is_enabled_all_the_same,
    it_is_enabled_where_the_helper_takes_only_what_it_has_marked_before,
];

/// `--nodeps`: rpm does not know what dpkg has installed.
const INSTALL: [&str; 3] = ["rpm", "--install", "--nodeps"];
const UPGRADE: [&str; 3] = ["rpm", "--upgrade", "--nodeps"];
const ERASE: [&str; 4] = ["rpm", "--erase", "--nodeps", "ductor"];

/// Where Debian's rpm writes about itself; and a folder that is everywhere but in an image without manuals.
const RPM: [&str; 2] = ["/root/.rpmdb", "/usr/share/man/man1"];

fn rpmlint_has_nothing_to_say() -> Result<()> {
    needs::install(if needs::on_path("rpmlint") { &[] } else { &["rpmlint"] }, &|what| println!("{what}"))?;
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/lab/rpmlint.toml");
    let said = host(Command::new("rpmlint").args(["--strict", "--config", config]).arg(made(&FORMAT)?))?;
    assert!(said.contains(" 0 errors, 0 warnings"), "{said}");
    Ok(())
}

fn into_another_root_it_only_places_files() -> Result<()> {
    let machine = Machine::boot(&FOREIGN)?;
    let package = put_made(&machine, &FORMAT)?;
    let rpm = |args: &[&str]| machine.run("root", &[&["rpm", "--root", "/srv/root"], args].concat());
    machine.run("root", &["mkdir", "/srv/root"])?.ok()?;
    rpm(&["--initdb"])?.ended(0)?;
    rpm(&["--install", "--nodeps", "--noscripts", &package])?.ended(0)?;
    assert!(machine.path("/srv/root/usr/bin/ductor").exists());
    assert_eq!(is_enabled(&machine)?, "", "of another root");
    rpm(&["--verify", "--nodeps", "ductor"])?.ended(0)?;
    rpm(&["--erase", "--nodeps", "--noscripts", "ductor"])?.ended(0)?;
    let files = machine.run("root", &["find", "/srv/root/usr", "-name", "*ductor*"])?;
    assert_eq!(files.stdout, "", "left behind");
    Ok(())
}

fn what_was_made_works_and_leaves_nothing() -> Result<()> {
    let world = World::boot(&FOREIGN)?;
    let _alice = world.login("alice")?;
    let before = world.changes()?;
    let package = put_made(&world, &FORMAT)?;
    world.run("root", &[&INSTALL[..], &[&package]].concat())?.ended(0)?;
    world.run("root", &["rpm", "--verify", "--nodeps", "ductor"])?.ended(0)?;
    let bot = world.make_bot("alice")?;
    world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    let status = world.status("alice")?;
    assert_eq!((&status["state"], &status["packaged"]), (&"running".into(), &true.into()), "{status:#}");

    world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
    world.run("root", &ERASE)?.ended(0)?;
    world.run("root", &["pgrep", "-x", "ductor"])?.ended(1)?;
    // The folders that held the mask, which is gone: rmdir would refuse one that holds something.
    world.run("alice", &["rmdir", "-p", "--ignore-fail-on-non-empty", ".config/systemd/user"])?.ok()?;
    let aside = [ASIDE, &RPM, &["/home/alice/bot", "/home/alice/events"]].concat();
    let left = world.changes()?.since(&before, &aside)?;
    assert!(left.is_empty(), "{}", left.join("\n"));
    Ok(())
}

fn an_upgrade_reloads_and_restarts_once() -> Result<()> {
    let machine = Machine::boot(&FOREIGN)?;
    let _alice = machine.login("alice")?;
    let _bob = machine.login("bob")?;
    configure(&machine, "alice")?;
    install(&machine, &INSTALL, 1)?;
    assert_eq!(show(&machine, "alice", "ActiveState,UnitFileState")?, "active enabled");
    assert_eq!(show(&machine, "bob", "ActiveState,UnitFileState,ConditionResult")?, "inactive enabled no");

    install(&machine, &UPGRADE, 2)?;
    assert_eq!(show(&machine, "alice", "ActiveState,Description")?, "active version 2");
    assert_eq!(show(&machine, "bob", "ActiveState,Description")?, "inactive version 2");
    assert_eq!(log_with(&machine, "up 2")?, "up 1\nup 2");
    Ok(())
}

fn an_administrators_choice_outlives_upgrades() -> Result<()> {
    let machine = Machine::boot(&FOREIGN)?;
    let _alice = machine.login("alice")?;
    let _bob = machine.login("bob")?;
    install(&machine, &INSTALL, 1)?;
    assert_eq!(is_enabled(&machine)?, "enabled");
    machine.run("root", &["systemctl", "--global", "disable", "ductor.service"])?.ok()?;
    configure(&machine, "alice")?;
    install(&machine, &UPGRADE, 2)?;
    assert_eq!(is_enabled(&machine)?, "disabled");
    assert_eq!(show(&machine, "alice", "ActiveState,Description")?, "inactive version 2");

    machine.run("root", &["systemctl", "--global", "enable", "ductor.service"])?.ok()?;
    configure(&machine, "bob")?;
    machine.run("bob", &["systemctl", "--user", "mask", "--now", "ductor.service"])?.ok()?;
    install(&machine, &UPGRADE, 3)?;
    assert_eq!(show(&machine, "alice", "ActiveState")?, "active");
    assert_eq!(show(&machine, "bob", "ActiveState,UnitFileState")?, "inactive masked");
    Ok(())
}

fn erasing_stops_it_and_leaves_nothing() -> Result<()> {
    let machine = Machine::boot(&FOREIGN)?;
    let _alice = machine.login("alice")?;
    configure(&machine, "alice")?;
    let before = machine.changes()?;
    install(&machine, &INSTALL, 1)?;
    assert_eq!(show(&machine, "alice", "ActiveState")?, "active");
    machine.run("root", &ERASE)?.ended(0)?;
    assert_eq!(show(&machine, "alice", "ActiveState,LoadState")?, "inactive not-found");
    let left = machine.changes()?.since(&before, &[ASIDE, &RPM].concat())?;
    assert!(left.is_empty(), "{}", left.join("\n"));
    Ok(())
}

fn without_systemd_running_it_is_enabled_all_the_same() -> Result<()> {
    let machine = Machine::switched_off(&FOREIGN)?;
    let package = put_made(&machine, &FORMAT)?;
    machine.chroot(&[&INSTALL[..], &[&package]].concat())?.ended(0)?;
    let wanted = machine.path("/etc/systemd/user/default.target.wants/ductor.service");
    assert!(wanted.symlink_metadata().is_ok(), "not enabled");
    machine.chroot(&ERASE)?.ended(0)?;
    assert!(wanted.symlink_metadata().is_err(), "still enabled");
    Ok(())
}

/// openSUSE's helper: `install-user-units` of a unit that no `%pre` has marked does nothing.
fn it_is_enabled_where_the_helper_takes_only_what_it_has_marked_before() -> Result<()> {
    let machine = Machine::switched_off(&FOREIGN)?;
    let helper = machine.path("/usr/lib/systemd/systemd-update-helper");
    fs::write(&helper, "#!/bin/sh\n")?;
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755))?;
    let package = put_made(&machine, &FORMAT)?;
    machine.chroot(&[&INSTALL[..], &[&package]].concat())?.ended(0)?;
    let wanted = machine.path("/etc/systemd/user/default.target.wants/ductor.service");
    assert!(wanted.symlink_metadata().is_ok(), "not enabled");
    Ok(())
}

fn install(machine: &Machine, how: &[&str], version: u32) -> Result<()> {
    let package = put(machine, &FORMAT, version)?;
    machine.run("root", &[how, &[&package]].concat())?.ended(0).map(drop)
}
