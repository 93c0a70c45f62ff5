//! The ways people come in: ssh, `su -`, `su`, cron, root; and what they may do there.

use anyhow::{Context, Result};
use xtask::lab::image::{BOOKWORM, SERVER, SERVER_TRIXIE, TRIXIE};
use xtask::lab::{Image, Machine, Output, User};

use crate::world::{World, put_package};

crate::tests![
    by_every_door_alice_has_her_service,
    root_who_logged_in_is_a_user_like_any_other,
    through_sudo_it_is_refused,
    without_polkit_linger_is_refused_and_the_command_is_said,
    without_polkit_sudo_without_a_password_is_used,
    without_a_manager_it_says_so_and_how_to_get_one,
    without_a_manager_a_rehearsal_and_an_uninstall_still_work,
    where_no_systemd_runs_it_says_so_and_uninstall_removes_the_files,
    in_a_container_and_in_wsl_what_helps_there_is_said,
    a_sudo_that_would_ask_is_not_waited_for,
    sudo_is_asked_once_and_only_where_it_is_needed,
    without_a_bus_the_managers_own_socket_is_enough,
];

const DOORS: [User<'_>; 4] =
    [User::Login("alice"), User::SuLogin("alice"), User::Su("alice"), User::Cron("alice")];

fn by_every_door_alice_has_her_service() -> Result<()> {
    for (door, image) in DOORS.into_iter().flat_map(|door| [(door, &BOOKWORM), (door, &TRIXIE)]) {
        let world = World::with_package(image)?;
        world.run("alice", &["loginctl", "enable-linger"])?.ok()?;
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
        world
            .logs_when(door, "the bot's words", |logs| logs.contains("says hello"))
            .with_context(|| format!("{door:?}: {installed}"))?;
        world.ductor(door, &["service", "stop"])?.ended(0)?;
        world.ductor(door, &["service", "status"])?.ended(3)?;
        world.ductor(door, &["service", "uninstall"])?.ended(0)?;
    }
    Ok(())
}

fn root_who_logged_in_is_a_user_like_any_other() -> Result<()> {
    [&SERVER, &TRIXIE].into_iter().try_for_each(root_is_a_user_like_any_other)
}

fn root_is_a_user_like_any_other(image: &Image) -> Result<()> {
    let world = World::with_package(image)?;
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
    [&SERVER, &TRIXIE].into_iter().try_for_each(through_sudo)
}

fn through_sudo(image: &Image) -> Result<()> {
    let world = World::with_package(image)?;
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
    for image in [&SERVER, &SERVER_TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        let installed = world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        let exact = "sudo loginctl enable-linger alice";
        assert!(installed.stderr.contains(exact), "{installed}");
        let status = world.status("alice")?;
        assert_eq!(status["problems"][0]["fix"], exact, "{status:#}");
        // The command helps, as it stands there.
        world.run(User::Login("root"), &exact.split(' ').collect::<Vec<_>>())?.ok()?;
        let status = world.status("alice")?;
        assert_eq!(
            (&status["survives_logout"], &status["problems"]),
            (&true.into(), &serde_json::json!([])),
            "{status:#}"
        );
    }
    Ok(())
}

fn without_polkit_sudo_without_a_password_is_used() -> Result<()> {
    for image in [&SERVER, &SERVER_TRIXIE] {
        let world = World::with_package(image)?;
        world
            .run("root", &["sh", "-c", "echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alice"])?
            .ok()?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        let status = world.status("alice")?;
        assert_eq!(status["survives_logout"], true, "{status:#}");
    }
    Ok(())
}

fn without_a_manager_it_says_so_and_how_to_get_one() -> Result<()> {
    for image in [&SERVER, &SERVER_TRIXIE] {
        let world = World::with_package(image)?;
        let bot = world.make_bot("alice")?;
        let before = world.changes()?;
        let refused = world.ductor(User::Cron("alice"), &["service", "install", "--bot", &bot])?.ended(5)?;
        assert!(refused.stderr.contains("fix: sudo loginctl enable-linger alice"), "{refused}");
        let changed = world.changes()?.since(&before, &["/var/log", "/home/alice/.ductor"])?;
        assert_eq!(changed, [""; 0]);
    }
    Ok(())
}

fn without_a_manager_a_rehearsal_and_an_uninstall_still_work() -> Result<()> {
    for image in [&SERVER, &SERVER_TRIXIE] {
        let world = World::with_package(image)?;
        let bot = world.make_bot("alice")?;
        let nobody = User::Cron("alice");
        let before = world.changes()?;
        let told = world.ductor(nobody, &["service", "install", "--bot", &bot, "--dry-run"])?.ended(0)?;
        assert!(told.stdout.contains("ductor.service.d/ductor.conf"), "{told}");
        // The answer is the same in every language.
        for language in ["de_DE.UTF-8", "zh_CN.UTF-8", "C"] {
            let words = ["env", &format!("LC_ALL={language}"), "ductor", "service", "status", "--json"];
            let status = world.run(nobody, &words)?.ended(5)?;
            let status: serde_json::Value = serde_json::from_str(&status.stdout)?;
            assert_eq!((&status["state"], &status["installed"]), (&"unknown".into(), &().into()));
            assert_eq!(status["problems"][0]["id"], "manager-unreachable", "{language}: {status:#}");
        }
        let changed = world.changes()?.since(&before, &["/var/log", "/home/alice/.ductor"])?;
        assert_eq!(changed, [""; 0]);
        let gone = world.ductor(nobody, &["service", "uninstall"])?.ended(0)?;
        assert!(gone.stderr.contains("warning"), "{gone}");
        let mask = world.path("/home/alice/.config/systemd/user/ductor.service");
        assert_eq!(std::fs::read_link(mask)?, std::path::Path::new("/dev/null"), "the package's is masked");
    }
    Ok(())
}

/// Runs bob's `words` where no systemd runs: in the files of this machine, with processes of their own, and what
/// `prepare` makes of them.
fn without_systemd(machine: &Machine, prepare: &str, words: &str) -> Result<Output> {
    let steps = format!(
        "dpkg-deb -x /srv/ductor.deb /srv/p; install -m755 /srv/p/usr/bin/ductor /usr/local/bin/; {prepare}\n\
         cat >/srv/words <<'E'\n\
         export PATH=/usr/local/bin:/usr/bin:/bin; cd\n\
         try() {{ expected=$1; shift; \"$@\" >out 2>&1; code=$?; cat out\n\
           [ $code = $expected ] || {{ echo \"expected $expected, not $code: $*\"; exit 9; }}; }}\n\
         {words}\n\
         E\n\
         exec su - bob -c 'sh /srv/words'\n"
    );
    std::fs::write(machine.path("/srv/steps"), steps)?;
    let line = "mount --bind / /mnt && mount -t proc proc /mnt/proc && mount -t tmpfs none /mnt/run && \
                exec chroot /mnt sh /srv/steps";
    machine.run("root", &["unshare", "--mount", "--pid", "--fork", "sh", "-c", line])?.ended(0)
}

fn where_no_systemd_runs_it_says_so_and_uninstall_removes_the_files() -> Result<()> {
    for programs in ["", "rm -f /bin/systemctl /bin/loginctl /bin/journalctl"] {
        let machine = Machine::boot(&BOOKWORM)?;
        put_package(&machine)?;
        let words = "try 5 ductor service install --bot 'sleep 9'; grep -q 'does not run systemd' out || exit 8\n\
             grep -q 'fix: ductor run ' out || exit 8; ! test -e .config || exit 7\n\
             try 5 ductor service status; try 5 ductor service start; try 5 ductor service stop\n\
             try 0 ductor service install --bot 'sleep 9' --dry-run; try 0 ductor service render\n\
             try 0 ductor service logs --no-follow; try 0 ductor service uninstall; ! test -e .config || exit 6\n\
             mkdir -p .config/systemd/user/default.target.wants; cd .config/systemd/user\n\
             ductor service render --manager systemd >ductor.service\n\
             ln -s ../ductor.service default.target.wants/; cd\n\
             try 0 ductor service uninstall; grep -q warning out || exit 5\n\
             ! test -e .config/systemd/user/ductor.service || exit 4\n\
             ! test -L .config/systemd/user/default.target.wants/ductor.service || exit 4";
        without_systemd(&machine, programs, words)?;
    }
    Ok(())
}

fn in_a_container_and_in_wsl_what_helps_there_is_said() -> Result<()> {
    let wsl = "echo 5.15.153.1-microsoft-standard-WSL2 >/srv/osrelease; \
               mount --bind /srv/osrelease /proc/sys/kernel/osrelease";
    let cases = [
        (": >/.dockerenv", "this container does not run systemd", "as the container's command"),
        (": >/run/.containerenv", "this container does not run systemd", "as the container's command"),
        (wsl, "systemd is switched off in this WSL distribution", "wsl --shutdown"),
    ];
    for (prepare, cause, fix) in cases {
        let machine = Machine::boot(&SERVER)?;
        put_package(&machine)?;
        let words =
            "for verb in 'install --bot true' start stop restart status; do try 5 ductor service $verb; done";
        let said = without_systemd(&machine, prepare, words)?;
        for word in [cause, fix] {
            assert_eq!(said.stdout.matches(word).count(), 5, "{word}: {said}");
        }
    }
    Ok(())
}

fn a_sudo_that_would_ask_is_not_waited_for() -> Result<()> {
    for image in [&SERVER, &SERVER_TRIXIE] {
        let world = World::with_package(image)?;
        world
            .sh("root", "echo 'alice ALL=(ALL) ALL' >/etc/sudoers.d/alice; echo alice:secret | chpasswd")?
            .ok()?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        // With a terminal, where sudo could ask.
        let line = format!("script -qec \"ductor service install --bot {bot}\" /dev/null </dev/null");
        let installed = world.sh("alice", &line)?.ended(0)?;
        assert!(installed.took < std::time::Duration::from_secs(60), "it asks for minutes: {installed}");
        assert!(installed.stdout.contains("sudo loginctl enable-linger alice"), "{installed}");
        assert!(!installed.stdout.contains("assword"), "{installed}");
    }
    Ok(())
}

fn sudo_is_asked_once_and_only_where_it_is_needed() -> Result<()> {
    let once = "-n loginctl --no-ask-password enable-linger alice";
    for (image, words) in [(&SERVER, once), (&SERVER_TRIXIE, once), (&BOOKWORM, ""), (&TRIXIE, "")] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        world.give("alice", "mine/sudo", "#!/bin/sh\nprintf '%s\\n' \"$*\" >>~/asked\nexit 1\n", 0o755)?;
        world.sh("alice", &format!("PATH=~/mine:$PATH ductor service install --bot {bot}"))?.ended(0)?;
        let asked = std::fs::read_to_string(world.path("/home/alice/asked")).unwrap_or_default();
        assert_eq!(asked.trim_end(), words, "{}", image.name);
        assert_eq!(world.status("alice")?["survives_logout"], words.is_empty());
    }
    Ok(())
}

fn without_a_bus_the_managers_own_socket_is_enough() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        world
            .sh("alice", "systemctl --user stop dbus.socket dbus.service; rm -f $XDG_RUNTIME_DIR/bus")?
            .ok()?;
        for door in [User::Login("alice"), User::Cron("alice")] {
            world.ductor(door, &["service", "install", "--bot", &bot])?.ended(0)?;
            assert_eq!(world.status(door)?["state"], "running");
        }
    }
    Ok(())
}
