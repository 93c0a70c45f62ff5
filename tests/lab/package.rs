//! The package, as apt installs it: for everybody who has configured the bot, and for nobody else.

use anyhow::{Result, ensure};
use xtask::lab::image::{BOOKWORM, BOT, SERVER, TRIXIE};
use xtask::lab::{Image, Machine, User, wait_for};

use crate::world::{APT_INSTALL, PATIENCE, World, put_package};

crate::tests![
    on_systemd_252_it_is_enabled_for_all_and_runs_for_nobody_unconfigured,
    on_systemd_257_it_is_enabled_for_all_and_runs_for_nobody_unconfigured,
    it_installs_and_purges_in_a_chroot_without_systemd,
    it_runs_at_once_for_who_is_configured_and_logged_in,
];

fn on_systemd_252_it_is_enabled_for_all_and_runs_for_nobody_unconfigured() -> Result<()> {
    is_enabled_for_all_and_runs_for_nobody_unconfigured(&BOOKWORM)
}

fn on_systemd_257_it_is_enabled_for_all_and_runs_for_nobody_unconfigured() -> Result<()> {
    is_enabled_for_all_and_runs_for_nobody_unconfigured(&TRIXIE)
}

fn is_enabled_for_all_and_runs_for_nobody_unconfigured(image: &Image) -> Result<()> {
    let world = World::boot(image)?;
    let _alice = world.login("alice")?;
    let _root = world.login("root")?;
    let before = world.changes()?;
    world.install_package()?;
    let changed = world.changes()?.since(&before, &[])?;
    let in_homes: Vec<_> = changed
        .iter()
        .filter(|line| line[2..].starts_with("/home") || line[2..].starts_with("/root"))
        .collect();
    assert!(in_homes.is_empty(), "{in_homes:#?}");

    // Through Debian's own helper, which remembers what it did.
    let state = world.path("/var/lib/systemd/deb-systemd-user-helper-enabled/ductor.service.dsh-also");
    assert!(state.exists(), "{} is not there", state.display());
    assert_eq!(
        world.run("root", &["systemctl", "--global", "is-enabled", "ductor.service"])?.ok()?,
        "enabled"
    );
    for user in [User::Login("alice"), User::Login("root")] {
        let show =
            ["systemctl", "--user", "show", "ductor", "-p", "LoadState,NeedDaemonReload,ActiveState,Result"];
        let shown = world.run(user, &show)?.ok()?;
        let mut shown: Vec<&str> = shown.lines().collect();
        shown.sort_unstable();
        let idle = ["ActiveState=inactive", "LoadState=loaded", "NeedDaemonReload=no", "Result=success"];
        assert_eq!(shown, idle, "{user:?}");
    }
    let _bob = world.login("bob")?;
    world.run("root", &["pgrep", "-x", "ductor"])?.ended(1)?;
    Ok(())
}

fn it_installs_and_purges_in_a_chroot_without_systemd() -> Result<()> {
    for image in [&SERVER, &TRIXIE] {
        let machine = Machine::switched_off(image)?;
        put_package(&machine)?;
        let installed = machine.chroot(APT_INSTALL)?.ended(0)?;
        let wanted = machine.path("/etc/systemd/user/default.target.wants/ductor.service");
        assert!(wanted.symlink_metadata().is_ok(), "not enabled: {installed}");
        machine.chroot(&["apt-get", "purge", "-y", "ductor"])?.ended(0)?;
        assert!(wanted.symlink_metadata().is_err(), "still enabled");
    }
    Ok(())
}

fn it_runs_at_once_for_who_is_configured_and_logged_in() -> Result<()> {
    let world = World::boot(&BOT)?;
    world.configure("alice")?;
    let _alice = world.login("alice")?;
    world.install_package()?;
    let up = wait_for("alice's bot", PATIENCE, || {
        let status = world.status("alice")?;
        ensure!(status["state"] == "running" && status["bot_pid"].is_u64(), "{status:#}");
        Ok(Some(status))
    })?;
    assert_eq!((&up["packaged"], &up["enabled"]), (&true.into(), &true.into()), "{up:#}");
    Ok(())
}
