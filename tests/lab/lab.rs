//! The lab itself: what every other test rests on.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use xtask::lab::image::{ALL, BOT, BOT_FOLDER, BOT_TRIXIE, Init, SERVER, TRIXIE};
use xtask::lab::{Machine, User, machine, wait_for};

use crate::world::PATIENCE;

crate::tests![
    every_image_boots_clean_and_leaves_nothing,
    six_machines_do_not_disturb_each_other,
    users_come_in_by_every_door,
    what_goes_on_in_the_background_is_not_waited_for,
    a_session_lasts_until_its_logout,
    a_reboot_keeps_files_and_forgets_processes,
    machines_have_no_network,
    the_bot_is_baked_in,
];

fn every_image_boots_clean_and_leaves_nothing() -> Result<()> {
    for image in ALL {
        let machine = Machine::boot(image)?;
        let failed = match image.init {
            Init::Systemd => "systemctl --failed --no-legend",
            Init::OpenRc => "rc-status --crashed || test $? = 1",
        };
        let failed = machine.run("root", &["sh", "-c", failed])?.ok()?;
        assert_eq!(failed, "", "{}", image.name);
        let (root, name) = (machine.root(), machine.name().to_owned());
        drop(machine);
        assert!(!root.exists() && !machine::list().contains(&name), "{} is left", root.display());
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        assert!(!mounts.contains(&name), "something of {name} is still mounted:\n{mounts}");
    }
    Ok(())
}

fn six_machines_do_not_disturb_each_other() -> Result<()> {
    let states: Vec<Result<String>> = thread::scope(|scope| {
        let boot = || Machine::boot(&SERVER)?.run("root", &["systemctl", "is-system-running"])?.ok();
        let machines: Vec<_> = (0..6).map(|_| scope.spawn(boot)).collect();
        machines.into_iter().map(|machine| machine.join().unwrap()).collect()
    });
    for state in states {
        assert_eq!(state?, "running");
    }
    Ok(())
}

fn users_come_in_by_every_door() -> Result<()> {
    let machine = Machine::boot(&SERVER)?;
    let says = |user: User<'_>, what: &str| machine.run(user, &["sh", "-c", what])?.ok();
    let runtime = "echo $(id -un) $HOME $XDG_RUNTIME_DIR";
    assert_eq!(says(User::Root, runtime)?, "root /root");
    assert_eq!(says("alice".into(), runtime)?, "alice /home/alice /run/user/1000");
    assert_eq!(says("bob".into(), runtime)?, "bob /home/bob /run/user/1001");
    assert_eq!(says(User::Login("root"), runtime)?, "root /root /run/user/0");
    assert_eq!(says(User::SuLogin("alice"), runtime)?, "alice /home/alice");
    assert_eq!(says(User::Su("alice"), runtime)?, "alice /home/alice /run/user/0");
    assert_eq!(says(User::Cron("alice"), runtime)?, "alice /home/alice");

    let words = ["a b", "--json", "$HOME", "", "'"];
    for user in [User::Root, "alice".into(), User::SuLogin("alice"), User::Su("bob"), User::Cron("bob")] {
        let output = machine.run(user, &[&["printf", "%s|"], &words[..]].concat())?.ok()?;
        assert_eq!(output, "a b|--json|$HOME||'|", "{user:?}");
        let failed = machine.run(user, &["sh", "-c", "echo out; echo err >&2; exit 42"])?.ended(42)?;
        assert_eq!((failed.stdout.as_str(), failed.stderr.as_str()), ("out\n", "err\n"));
    }
    Ok(())
}

fn what_goes_on_in_the_background_is_not_waited_for() -> Result<()> {
    let machine = Machine::boot(&SERVER)?;
    for user in [User::Root, "alice".into()] {
        let output = machine.run(user, &["sh", "-c", "echo done; sleep 1000 &"])?;
        assert_eq!(output.stdout, "done\n");
        assert!(output.took < Duration::from_secs(60), "{output}");
    }
    Ok(())
}

fn a_session_lasts_until_its_logout() -> Result<()> {
    let machine = Machine::boot(&SERVER)?;
    let sessions = || machine.run("root", &["loginctl", "list-sessions", "--no-legend"])?.ok();
    let alice = machine.login("alice")?;
    assert!(sessions()?.contains("alice"));
    machine.run("root", &["pgrep", "-u", "alice", "-x", "systemd"])?.ok()?;
    alice.logout()?;
    wait_for("the end of the session", PATIENCE, || Ok((!sessions()?.contains("alice")).then_some(())))?;
    wait_for("the end of alice's manager", PATIENCE, || {
        Ok((machine.run("root", &["pgrep", "-u", "alice"])?.code == 1).then_some(()))
    })
}

fn a_reboot_keeps_files_and_forgets_processes() -> Result<()> {
    let machine = Machine::boot(&TRIXIE)?;
    let boot_id = || machine.run("root", &["cat", "/proc/sys/kernel/random/boot_id"])?.ok();
    machine.run("alice", &["sh", "-c", "echo kept >~/file"])?.ok()?;
    let _logged_in = machine.login("alice")?;
    let before = boot_id()?;
    machine.reboot()?;
    assert_ne!(boot_id()?, before);
    machine.run("root", &["pgrep", "-u", "alice"])?.ended(1)?;
    assert_eq!(fs::read_to_string(machine.path("/home/alice/file"))?, "kept\n");
    Ok(())
}

fn machines_have_no_network() -> Result<()> {
    let machine = Machine::boot(&SERVER)?;
    let devices = machine.run("root", &["ls", "/sys/class/net"])?.ok()?;
    assert_eq!(devices, "lo");
    Ok(())
}

fn the_bot_is_baked_in() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let machine = Machine::boot(image)?;
        let python = format!("{BOT_FOLDER}/bin/python3");
        let version = "import importlib.metadata as m, ductor_bot; print(m.version('ductor'))";
        assert_eq!(machine.run("alice", &[&python, "-c", version])?.ok()?, "0.20.1", "{}", image.name);
        let owned = machine.run("root", &["find", "/home/alice", "!", "-user", "alice"])?.ok()?;
        assert_eq!(owned, "", "not alice's");
    }
    Ok(())
}
