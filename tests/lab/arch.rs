//! The `.pkg.tar.zst` through pacman itself: into another root, and booted, where its functions run for real.

use std::fs;

use anyhow::Result;
use xtask::bundle::arch::FORMAT;
use xtask::lab::image::FOREIGN;
use xtask::lab::{Machine, Output};

use crate::foreign::{ASIDE, configure, is_enabled, log_with, put, put_made, show};
use crate::world::World;

crate::tests![
    into_another_root_it_only_places_files,
    what_was_made_works_and_leaves_nothing,
    an_upgrade_reloads_and_restarts_once,
    an_administrators_choice_outlives_upgrades,
    it_is_not_enabled_where_the_administrator_opted_out,
    removing_stops_it_and_leaves_nothing,
];

/// What pacman and its ldconfig write about themselves; and folders that are empty in an image without manuals,
/// where pacman removes them with their last file.
#[rustfmt::skip] // a list
const PACMAN: [&str; 6] = [
    "/var/lib/pacman", "/var/cache/pacman", "/var/cache/ldconfig", "/etc/pacman.d/gnupg",
    "/usr/share/man", "/usr/share/doc",
];

const CONFIG: &str = "[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\n";

fn into_another_root_it_only_places_files() -> Result<()> {
    let machine = boot()?;
    let package = put_made(&machine, &FORMAT)?;
    machine.run("root", &["mkdir", "-p", "/srv/root/var/lib/pacman"])?.ok()?;
    let root = ["--root", "/srv/root", "--dbpath", "/srv/root/var/lib/pacman"];
    let into = |args: &[&str]| pacman(&machine, &[&root, args].concat());
    into(&["-U", "-dd", "--noscriptlet", &package])?.ended(0)?;
    assert!(machine.path("/srv/root/usr/bin/ductor").exists());
    assert_eq!(is_enabled(&machine)?, "", "of another root");
    let checked = into(&["-Qkk", "ductor"])?.ended(0)?;
    assert!(checked.stdout.contains(" 0 altered files"), "{checked}");
    into(&["-R", "--noscriptlet", "ductor"])?.ended(0)?;
    let files = machine.run("root", &["find", "/srv/root/usr", "-name", "*ductor*"])?;
    assert_eq!(files.stdout, "", "left behind");
    Ok(())
}

fn what_was_made_works_and_leaves_nothing() -> Result<()> {
    let world = World::boot(&FOREIGN)?;
    prepare(&world)?;
    let _alice = world.login("alice")?;
    let before = world.changes()?;
    let package = put_made(&world, &FORMAT)?;
    pacman(&world, &["-U", "-dd", &package])?.ended(0)?;
    let checked = pacman(&world, &["-Qkk", "ductor"])?.ended(0)?;
    assert!(checked.stdout.contains(" 0 altered files"), "{checked}");
    let bot = world.make_bot("alice")?;
    world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    let status = world.status("alice")?;
    assert_eq!((&status["state"], &status["packaged"]), (&"running".into(), &true.into()), "{status:#}");

    world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
    pacman(&world, &["-R", "ductor"])?.ended(0)?;
    world.run("root", &["pgrep", "-x", "ductor"])?.ended(1)?;
    // The folders that held the mask, which is gone: rmdir would refuse one that holds something.
    world.run("alice", &["rmdir", "-p", "--ignore-fail-on-non-empty", ".config/systemd/user"])?.ok()?;
    let aside = [ASIDE, &PACMAN, &["/home/alice/bot", "/home/alice/events"]].concat();
    let left = world.changes()?.since(&before, &aside)?;
    assert!(left.is_empty(), "{}", left.join("\n"));
    Ok(())
}

fn an_upgrade_reloads_and_restarts_once() -> Result<()> {
    let machine = boot()?;
    let _alice = machine.login("alice")?;
    let _bob = machine.login("bob")?;
    configure(&machine, "alice")?;
    install(&machine, 1)?;
    assert_eq!(show(&machine, "alice", "ActiveState,UnitFileState")?, "active enabled");
    assert_eq!(show(&machine, "bob", "ActiveState,UnitFileState,ConditionResult")?, "inactive enabled no");

    install(&machine, 2)?;
    assert_eq!(show(&machine, "alice", "ActiveState,Description")?, "active version 2");
    assert_eq!(show(&machine, "bob", "ActiveState,Description")?, "inactive version 2");
    assert_eq!(log_with(&machine, "up 2")?, "up 1\nup 2");
    Ok(())
}

fn an_administrators_choice_outlives_upgrades() -> Result<()> {
    let machine = boot()?;
    let _alice = machine.login("alice")?;
    let _bob = machine.login("bob")?;
    install(&machine, 1)?;
    assert_eq!(is_enabled(&machine)?, "enabled");
    machine.run("root", &["systemctl", "--global", "disable", "ductor.service"])?.ok()?;
    configure(&machine, "alice")?;
    install(&machine, 2)?;
    assert_eq!(is_enabled(&machine)?, "disabled");
    assert_eq!(show(&machine, "alice", "ActiveState,Description")?, "inactive version 2");

    machine.run("root", &["systemctl", "--global", "enable", "ductor.service"])?.ok()?;
    configure(&machine, "bob")?;
    machine.run("bob", &["systemctl", "--user", "mask", "--now", "ductor.service"])?.ok()?;
    install(&machine, 3)?;
    assert_eq!(show(&machine, "alice", "ActiveState")?, "active");
    assert_eq!(show(&machine, "bob", "ActiveState,UnitFileState")?, "inactive masked");
    Ok(())
}

fn it_is_not_enabled_where_the_administrator_opted_out() -> Result<()> {
    let machine = boot()?;
    let _alice = machine.login("alice")?;
    configure(&machine, "alice")?;
    machine.run("root", &["sh", "-c", "mkdir /etc/ductor && : >/etc/ductor/no-enable"])?.ok()?;
    install(&machine, 1)?;
    assert_eq!(is_enabled(&machine)?, "disabled");
    assert_eq!(show(&machine, "alice", "ActiveState")?, "inactive");
    install(&machine, 2)?;
    assert_eq!(is_enabled(&machine)?, "disabled");
    Ok(())
}

fn removing_stops_it_and_leaves_nothing() -> Result<()> {
    let machine = boot()?;
    let _alice = machine.login("alice")?;
    configure(&machine, "alice")?;
    let before = machine.changes()?;
    install(&machine, 1)?;
    assert_eq!(show(&machine, "alice", "ActiveState")?, "active");
    pacman(&machine, &["-R", "ductor"])?.ended(0)?;
    assert_eq!(show(&machine, "alice", "ActiveState,LoadState")?, "inactive not-found");
    let left = machine.changes()?.since(&before, &[ASIDE, &PACMAN].concat())?;
    assert!(left.is_empty(), "{}", left.join("\n"));
    Ok(())
}

fn boot() -> Result<Machine> {
    let machine = Machine::boot(&FOREIGN)?;
    prepare(&machine)?;
    Ok(machine)
}

/// As on Arch, but nothing is signed, and there is no mirror.
fn prepare(machine: &Machine) -> Result<()> {
    fs::write(machine.path("/srv/pacman.conf"), CONFIG)?;
    machine.run("root", &["mkdir", "-p", "/var/lib/pacman"])?.ok().map(drop)
}

fn pacman(machine: &Machine, args: &[&str]) -> Result<Output> {
    machine.run("root", &[&["pacman", "--config", "/srv/pacman.conf", "--noconfirm"], args].concat())
}

/// Installs or upgrades. `-dd`: pacman does not know what dpkg has installed.
fn install(machine: &Machine, version: u32) -> Result<()> {
    let package = put(machine, &FORMAT, version)?;
    pacman(machine, &["-U", "-dd", &package])?.ended(0).map(drop)
}
