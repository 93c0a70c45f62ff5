//! Taking it away: `ductor service uninstall` by the user, purge by the administrator, and nothing is left.

use anyhow::Result;
use xtask::lab::Image;
use xtask::lab::image::{BOOKWORM, TRIXIE};

use crate::world::World;

crate::tests![
    on_systemd_252_nothing_is_left,
    on_systemd_257_nothing_is_left,
    uninstall_twice_is_said_and_is_no_error
];

/// What a machine writes by itself, and what apt and dpkg note about any package.
const ASIDE: &[&str] = &[
    "/var/log",
    "/var/cache/apt",
    "/var/cache/ldconfig",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/systemd/linger", // asserted by itself
    "/var/lib/systemd/timers",
    "/var/lib/systemd/catalog",
    "/var/tmp",
    "/srv/ductor.deb",
    "/home/alice/.ductor", // the bot's own
    "/home/alice/bot",     // what the user made
    "/home/alice/events",
];

fn on_systemd_252_nothing_is_left() -> Result<()> {
    nothing_is_left(&BOOKWORM)
}

fn on_systemd_257_nothing_is_left() -> Result<()> {
    nothing_is_left(&TRIXIE)
}

fn nothing_is_left(image: &Image) -> Result<()> {
    let world = World::boot(image)?;
    let _alice = world.login("alice")?;
    let before = world.changes()?;
    world.install_package()?;
    let bot = world.make_bot("alice")?;
    world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    assert!(world.path("/var/lib/systemd/linger/alice").exists(), "linger was not switched on");

    world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
    world.run("root", &["pgrep", "-u", "alice", "-x", "ductor"])?.ended(1)?;
    assert!(!world.path("/var/lib/systemd/linger/alice").exists(), "linger that ductor switched on stays on");
    world.run("root", &["apt-get", "purge", "-y", "-q", "ductor"])?.ended(0)?;
    // The mask, with which a user's uninstall keeps a packaged unit still, is taken back by the user's own manager.
    let mask = world.path("/home/alice/.config/systemd/user/ductor.service");
    assert!(mask.symlink_metadata().is_err(), "the mask outlives the package");
    // Only the empty folders that held it stay; rmdir would refuse any that holds something.
    world.run("alice", &["rmdir", "-p", "--ignore-fail-on-non-empty", ".config/systemd/user"])?.ok()?;
    let left = world.changes()?.since(&before, ASIDE)?;
    assert!(left.is_empty(), "{}", left.join("\n"));
    Ok(())
}

fn uninstall_twice_is_said_and_is_no_error() -> Result<()> {
    let world = World::with_service(&BOOKWORM)?;
    world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
    let again = world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
    assert!(!again.stdout.is_empty(), "{again}");
    // And it comes back as if nothing had been.
    let bot = world.make_bot("alice")?;
    world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    world.ductor("alice", &["service", "status"])?.ended(0)?;
    Ok(())
}
