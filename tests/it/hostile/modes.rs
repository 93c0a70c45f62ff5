//! What we make is the user's alone, unless somebody else has to read it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::everything_below;
use crate::launchd::Mac;
use crate::systemd::Linux;
use crate::task_scheduler::machine::Machine;
use crate::world::World;

/// What others may read: a property list has no secrets, and macOS makes every one so.
const FOR_OTHERS: &str = "Library/LaunchAgents/dev.ductor.plist";

#[test]
fn what_systemd_and_the_host_need_is_the_users_alone() {
    let linux = Linux::new();
    let before = everything_below(&linux.world.path(""));
    linux.install(&[]).ended(0);
    linux.ductor(&["service", "restart"]).ended(0);
    are_private(&linux.world, &before, &["bots", "told"]);
}

#[test]
fn what_launchd_and_the_host_need_is_the_users_alone() {
    let mac = Mac::new();
    let before = everything_below(&mac.world.path(""));
    mac.install().ended(0);
    mac.world.wait_for_bots(1);
    mac.ductor(&["service", "restart"]).ended(0);
    are_private(&mac.world, &before, &["launchd", "bots", "told"]);
}

#[test]
fn what_the_task_scheduler_and_the_host_need_is_the_users_alone() {
    let machine = Machine::new();
    let before = everything_below(&machine.world.path(""));
    machine.install(&[]).ok();
    machine.service(&["restart"]).ok();
    are_private(&machine.world, &before, &["machine", "bots", "told"]);
}

#[test]
fn what_a_host_in_the_foreground_makes_is_the_users_alone() {
    let world = World::new(crate::world::BOT);
    let before = everything_below(&world.path(""));
    let _host = world.host();
    are_private(&world, &before, &["bots", "told"]);
}

/// Of all that was made since then, but by the tests themselves, nobody else can read or write anything.
#[track_caller]
fn are_private(world: &World, before: &[PathBuf], of_tests: &[&str]) {
    let top = world.path("");
    let mut seen = 0;
    for path in everything_below(&top).into_iter().filter(|path| !before.contains(path)) {
        let name = path.strip_prefix(&top).unwrap();
        let first = name.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let is_systemctls = name.extension().is_some_and(|kind| kind == "wants"); // which makes it by itself
        if is_systemctls || of_tests.contains(&&*first) || first.starts_with(".tmp") || path.is_symlink() {
            continue;
        }
        let Ok(meta) = path.metadata() else { continue }; // a host has put it in its place since
        let mode = meta.permissions().mode() & 0o7777;
        let expected = match path.is_dir() {
            true => 0o700,
            false if name == Path::new(FOR_OTHERS) => 0o644,
            false => 0o600,
        };
        assert_eq!(format!("{mode:o}"), format!("{expected:o}"), "{}", name.display());
        seen += 1;
    }
    assert!(seen >= 3, "the home, the lock, the state: only {seen}");
}
