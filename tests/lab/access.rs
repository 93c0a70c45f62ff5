//! The ways people come in: ssh, `su -`, `su`, cron, root; and what they may do there.

use anyhow::Result;
use xtask::lab::User;
use xtask::lab::image::{BOOKWORM, SERVER};

use crate::world::World;

crate::tests![
    by_every_door_alice_has_her_service,
    root_who_logged_in_is_a_user_like_any_other,
    through_sudo_it_is_refused,
    without_polkit_linger_is_refused_and_the_command_is_said,
    without_polkit_sudo_without_a_password_is_used,
    without_a_manager_it_says_so_and_how_to_get_one,
];

const DOORS: [User<'_>; 4] =
    [User::Login("alice"), User::SuLogin("alice"), User::Su("alice"), User::Cron("alice")];

fn by_every_door_alice_has_her_service() -> Result<()> {
    for door in DOORS {
        let world = World::with_package(&BOOKWORM)?;
        world.run("root", &["loginctl", "enable-linger", "alice"])?.ok()?;
        let bot = world.make_bot("alice")?;
        let installed = world.ductor(door, &["service", "install", "--bot", &bot])?.ended(0)?;
        for verb in [
            &["service", "status"][..],
            &["status"],
            &["service", "restart"],
            &["service", "logs", "--no-follow"],
        ] {
            world.ductor(door, verb)?.ended(0)?;
        }
        let logs = world.ductor(door, &["service", "logs", "--no-follow", "-n", "99"])?.ok()?;
        assert!(logs.contains("says hello"), "{door:?}: {logs}\n{installed}");
        world.ductor(door, &["service", "stop"])?.ended(0)?;
        world.ductor(door, &["service", "status"])?.ended(3)?;
        world.ductor(door, &["service", "uninstall"])?.ended(0)?;
    }
    Ok(())
}

fn root_who_logged_in_is_a_user_like_any_other() -> Result<()> {
    let world = World::with_package(&SERVER)?;
    let root = User::Login("root");
    let _logged_in = world.login("root")?;
    let installed = world.ductor(root, &["service", "install", "--bot", "sleep 1000"])?.ended(0)?;
    let status = world.status(root)?;
    assert_eq!(
        (&status["state"], &status["survives_reboot"]),
        (&"running".into(), &true.into()),
        "{installed}"
    );
    assert_eq!(world.processes("root", "sleep")?.len(), 2, "the bot, and the login");
    world.run("root", &["pgrep", "-u", "alice", "-x", "ductor"])?.ended(1)?;
    Ok(())
}

fn through_sudo_it_is_refused() -> Result<()> {
    let world = World::with_package(&SERVER)?;
    world.run("root", &["sh", "-c", "echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alice"])?.ok()?;
    let before = world.changes()?;
    let refused = world.run("alice", &["sudo", "-n", "/usr/bin/ductor", "service", "install"])?.ended(77)?;
    assert!(refused.stderr.contains("sudo"), "{refused}");
    let changed =
        world.changes()?.since(&before, &["/var/log", "/run", "/var/lib/sudo", "/var/lib/systemd"])?;
    assert_eq!(changed, [""; 0]);
    Ok(())
}

fn without_polkit_linger_is_refused_and_the_command_is_said() -> Result<()> {
    let world = World::with_package(&SERVER)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    let installed = world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    let exact = "sudo loginctl enable-linger alice";
    assert!(installed.stderr.contains(exact), "{installed}");
    let status = world.status("alice")?;
    assert_eq!(status["problems"][0]["fix"], exact, "{status:#}");
    // The command helps, as it stands there.
    world.run("root", &exact.split(' ').collect::<Vec<_>>())?.ok()?;
    let status = world.status("alice")?;
    assert_eq!(
        (&status["survives_logout"], &status["problems"]),
        (&true.into(), &serde_json::json!([])),
        "{status:#}"
    );
    Ok(())
}

fn without_polkit_sudo_without_a_password_is_used() -> Result<()> {
    let world = World::with_package(&SERVER)?;
    world.run("root", &["sh", "-c", "echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alice"])?.ok()?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    let status = world.status("alice")?;
    assert_eq!(status["survives_logout"], true, "{status:#}");
    Ok(())
}

fn without_a_manager_it_says_so_and_how_to_get_one() -> Result<()> {
    let world = World::with_package(&SERVER)?;
    let bot = world.make_bot("alice")?;
    let before = world.changes()?;
    let refused = world.ductor(User::Cron("alice"), &["service", "install", "--bot", &bot])?.ended(5)?;
    assert!(refused.stderr.contains("fix: sudo loginctl enable-linger alice"), "{refused}");
    let changed = world.changes()?.since(&before, &["/var/log", "/home/alice/.ductor"])?;
    assert_eq!(changed, [""; 0]);
    Ok(())
}
