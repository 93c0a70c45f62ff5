//! Where things stand: homes with odd names, another ductor home, unit folders that are somebody's or behind
//! a link, and programs that are slow to answer.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xtask::lab::image::{BOOKWORM, SERVER, TRIXIE};
use xtask::lab::{Image, needs, wait_for};

use crate::world::{BOT, PATIENCE, World};

crate::tests![
    a_home_with_quotes_and_signs_on_systemd_252,
    a_home_with_quotes_and_signs_on_systemd_257,
    a_home_in_another_script_on_systemd_252,
    a_home_in_another_script_on_systemd_257,
    another_ductor_home_is_found_without_the_variable,
    a_unit_folder_behind_a_link_of_ones_own_is_used,
    a_unit_folder_that_others_could_write_is_refused,
    programs_that_never_answer_do_not_hold_it_up,
    a_manager_that_never_answers_is_told_in_time,
    a_manager_that_takes_its_time_is_waited_for,
    a_file_system_that_takes_its_time_is_waited_for,
];

const UNITS: &str = "/home/alice/.config/systemd/user";

fn a_home_with_quotes_and_signs_on_systemd_252() -> Result<()> {
    a_home_with_its_own_program(&BOOKWORM, "/home/o'brien x%h$y")
}

fn a_home_with_quotes_and_signs_on_systemd_257() -> Result<()> {
    a_home_with_its_own_program(&TRIXIE, "/home/o'brien x%h$y")
}

fn a_home_in_another_script_on_systemd_252() -> Result<()> {
    a_home_with_its_own_program(&BOOKWORM, "/home/日本 é")
}

fn a_home_in_another_script_on_systemd_257() -> Result<()> {
    a_home_with_its_own_program(&TRIXIE, "/home/日本 é")
}

/// A person who downloaded the program, from the first command to the last, in a home of this name.
fn a_home_with_its_own_program(image: &Image, home: &str) -> Result<()> {
    let world = World::boot(image)?;
    world.run("root", &["usermod", "--home", home, "--move-home", "alice"])?.ok()?;
    let _alice = world.login("alice")?;
    world.place_program("alice", &format!("{home}/.local/bin/ductor"))?;
    fs::write(world.path("/srv/bot"), BOT)?;
    world.sh("alice", "install -m755 /srv/bot \"$HOME/my bot\"")?.ok()?;
    let clean = "find ~ -path ~/.ductor -prune -o -print | sort; ls /var/lib/systemd/linger";
    let before = world.sh("alice", clean)?.ok()?;

    let ductor = |words: &str| world.sh("alice", &format!("PATH=~/.local/bin:$PATH; ductor {words}"));
    let program = format!("{home}/.local/bin/ductor");
    let bot = format!("{home}/my bot");
    let install = |bot: &str| world.run("alice", &[&program, "service", "install", "--bot", bot]);
    install(&bot)?.ended(78)?; // two words, or an open quote
    assert_eq!(world.sh("alice", clean)?.ok()?, before, "what is refused leaves nothing");
    install(&shell_words::quote(&bot))?.ended(0)?;
    let verify =
        world.sh("alice", "systemd-analyze --user verify --man=no ~/.config/systemd/user/ductor.service")?;
    assert_eq!((verify.code, verify.stdout.as_str(), verify.stderr.as_str()), (0, "", ""));
    let status = ductor("service status --json")?.ended(0)?;
    let status: serde_json::Value = serde_json::from_str(&status.stdout)?;
    assert_eq!((&status["owner"], &status["problems"]), (&"service".into(), &serde_json::json!([])));
    let environment = world.run("root", &["cat", &format!("/proc/{}/environ", status["bot_pid"])])?.ok()?;
    assert!(environment.split('\0').any(|variable| variable == format!("HOME={home}")), "{environment}");
    let first = format!("PATH={home}/.local/bin:");
    assert!(environment.split('\0').any(|variable| variable.starts_with(&first)), "{environment}");

    ductor("service install")?.ended(0)?;
    let again: serde_json::Value = serde_json::from_str(&ductor("service status --json")?.stdout)?;
    assert_eq!(again["pid"], status["pid"], "nothing changed");
    ductor("restart")?.ended(0)?;
    ductor("service uninstall")?.ended(0)?;
    let after = world.sh("alice", &format!("rm -f ~/events; {clean}"))?.ok()?;
    assert_eq!(after, before);
    Ok(())
}

fn another_ductor_home_is_found_without_the_variable() -> Result<()> {
    for (packaged, image) in [(true, &BOOKWORM), (false, &BOOKWORM), (true, &TRIXIE)] {
        let world = if packaged { World::with_package(image)? } else { World::boot(image)? };
        if !packaged {
            world.place_program("root", "/usr/bin/ductor")?;
        }
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        let install = format!("DUCTOR_HOME=\"$HOME/my ductor\" ductor service install --bot {bot}");
        world.sh("alice", &install)?.ended(0)?;
        assert!(world.path("/home/alice/my ductor/host.lock").exists());
        assert!(!world.path("/home/alice/.ductor").exists());

        let before = world.status("alice")?;
        assert_eq!(
            (&before["state"], &before["owner"]),
            (&"running".into(), &"service".into()),
            "{before:#}"
        );
        let whole = world.ductor("alice", &["status", "--json"])?.ended(0)?;
        let whole: serde_json::Value = serde_json::from_str(&whole.stdout)?;
        assert_eq!(whole["home"], "/home/alice/my ductor");
        world.ductor("alice", &["restart"])?.ended(0)?;
        let after = world.status("alice")?;
        assert_ne!((&after["pid"], &after["bot_pid"]), (&before["pid"], &before["bot_pid"]));
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        assert_eq!(world.status("alice")?["pid"], after["pid"], "the choice is kept");
        world.ductor("alice", &["stop"])?.ended(0)?;
        world.run("root", &["pgrep", "-u", "alice", "-x", "bot"])?.ended(1)?;
        world.ductor("alice", &["service", "start"])?.ended(0)?;
        world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
        world.run("root", &["pgrep", "-u", "alice", "-x", "bot"])?.ended(1)?;
        assert!(!world.path("/home/alice/.ductor").exists(), "the default one was never made");
    }
    Ok(())
}

fn a_unit_folder_behind_a_link_of_ones_own_is_used() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        // As with dotfiles under version control; and Debian's own group of one user may write.
        let link = "mkdir -p ~/.config/systemd ~/dotfiles/units && chmod g+w ~/dotfiles/units ~/.config && \
                ln -s ~/dotfiles/units ~/.config/systemd/user";
        world.sh("alice", link)?.ok()?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        assert!(world.path("/home/alice/dotfiles/units/ductor.service.d/ductor.conf").exists());
        world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
        assert_eq!(
            world.sh("alice", "ls ~/dotfiles/units")?.ok()?,
            "ductor.service",
            "the mask, as of every package"
        );
        assert!(world.path(UNITS).is_symlink());
    }
    Ok(())
}

fn a_unit_folder_that_others_could_write_is_refused() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        let cases = [
            ("chgrp users $U && chmod g+w $U", "others than you can write it"),
            ("gpasswd -a bob alice && chmod g+w $U", "others than you can write it"),
            ("chmod o+w $U/..", "others than you can write it"),
            ("chown bob $U", "it belongs to another user"),
            ("chown root $U", "it belongs to another user"),
            (
                "mkdir -p /nix/store/abc-units && rmdir $U && ln -s /nix/store/abc-units $U",
                "it belongs to another user",
            ),
            ("rmdir $U && ln -s /home/alice/gone $U", "a link that ends nowhere"),
            ("rmdir $U && : >$U", "not a folder"),
            ("install -d -o bob $U/ductor.service.d", "it belongs to another user"),
        ];
        for (make, cause) in cases {
            let line = format!(
                "U={UNITS}; rm -rf /home/alice/.config; gpasswd -d bob alice; \
                            su alice -c \"mkdir -p $U\"; {make}"
            );
            world.run("root", &["sh", "-c", &line])?.ok()?;
            let before = world.changes()?;
            for words in [&["service", "install", "--bot", &bot][..], &["service", "install"]] {
                let refused = world.ductor("alice", words)?;
                let expected = if words.len() == 2 { 78 } else { 1 };
                assert_eq!(refused.code, expected, "{make}: {refused}");
                ensure!(expected == 78 || refused.stderr.contains(cause), "{make}: {refused}");
            }
            let changed = world.changes()?.since(&before, &["/var/log", "/home/alice/.ductor"])?;
            assert_eq!(changed, [""; 0], "{make}");
        }
    }
    Ok(())
}

fn programs_that_never_answer_do_not_hold_it_up() -> Result<()> {
    let world = World::with_package(&SERVER)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    // Each waits for ever, in a child that outlives it, as a helper on a dead network would.
    for name in ["loginctl", "sudo", "journalctl", "id"] {
        world.give("alice", &format!("slow/{name}"), "#!/bin/sh\nsleep 1000 & wait\n", 0o755)?;
    }
    let slow = |words: &str| world.sh("alice", &format!("PATH=~/slow:$PATH ductor {words}"));
    let installed = slow(&format!("service install --bot {bot}"))?.ended(0)?;
    assert!(installed.took < Duration::from_secs(60), "{installed}");
    assert!(installed.stderr.contains("sudo loginctl enable-linger alice"), "{installed}");
    let logs = slow("service logs --no-follow")?.ended(0)?;
    assert!(logs.took < Duration::from_secs(60), "{logs}");
    wait_for("the end of what was started", PATIENCE, || {
        Ok((world.processes("alice", "sleep")?.len() == 1).then_some(())) // the login's
    })
}

fn a_manager_that_never_answers_is_told_in_time() -> Result<()> {
    let world = World::with_service(&TRIXIE)?;
    let _alice = world.login("alice")?;
    let host = world.processes("alice", "ductor")?;
    world.give("alice", "slow/systemctl", "#!/bin/sh\nsleep 1000 & wait\n", 0o755)?;
    let slow = |words: &str| world.sh("alice", &format!("PATH=~/slow:$PATH ductor {words}"));
    let before = world.changes()?;
    // All at once: those that would change something take turns.
    std::thread::scope(|scope| -> Result<()> {
        let slow = &slow;
        let commands = [
            ("service install", 5),
            ("service start", 5),
            ("service stop", 5),
            ("service restart", 5),
            ("service status", 5),
            ("service doctor", 1),
            ("status", 0), // a bot runs, as the lock tells
        ];
        let started = commands.map(|(words, code)| (scope.spawn(move || slow(words)), code));
        for (told, code) in started {
            let told = told.join().map_err(|_| anyhow::anyhow!("it panicked"))??.ended(code)?;
            assert!(told.took < Duration::from_secs(200), "{told}");
            assert!(format!("{}{}", told.stdout, told.stderr).contains("no answer in 10 s"), "{told}");
        }
        Ok(())
    })?;
    assert_eq!(world.changes()?.since(&before, &["/var/log", "/home/alice/.ductor"])?, [""; 0]);
    assert_eq!(world.processes("alice", "ductor")?, host);
    let gone = slow("service uninstall")?.ended(0)?;
    assert!(gone.took < Duration::from_secs(90) && gone.stderr.contains("warning"), "{gone}");
    wait_for("the end of what was started", PATIENCE, || {
        Ok((world.processes("alice", "sleep")?.len() == 1).then_some(())) // the login's
    })
}

fn a_manager_that_takes_its_time_is_waited_for() -> Result<()> {
    let world = World::with_package(&BOOKWORM)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    for name in ["systemctl", "loginctl"] {
        let slow = format!("#!/bin/sh\nsleep 2\nexec /usr/bin/{name} \"$@\"\n");
        world.give("alice", &format!("slow/{name}"), &slow, 0o755)?;
    }
    for words in [&format!("service install --bot {bot}"), "service restart", "stop", "service uninstall"] {
        world.sh("alice", &format!("PATH=~/slow:$PATH ductor {words}"))?.ended(0)?;
    }
    assert_eq!((world.count("alice", "start")?, world.count("alice", "term")?), (2, 2));
    Ok(())
}

/// A disk that stands still for a while, as a network's does: nothing is lost, and nothing is done twice.
fn a_file_system_that_takes_its_time_is_waited_for() -> Result<()> {
    let world = World::with_package(&BOOKWORM)?;
    fs::write(world.path("/srv/bot"), BOT)?;
    // The computer makes the disk, as machines have none.
    let missing = if needs::on_path("mkfs.ext4") { &[][..] } else { &["e2fsprogs"] };
    needs::install(missing, &|what| println!("{what}"))?;
    fs::File::create(world.path("/srv/disk"))?.set_len(16 << 20)?;
    let file = world.path("/srv/disk").display().to_string();
    let host = |program: &str, args: &[&str]| -> Result<String> {
        let output = Command::new(program).args(args).output().with_context(|| format!("start {program}"))?;
        ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    host("mkfs.ext4", &["-q", "-F", &file])?;
    let device = host("losetup", &["--find", "--show", &file])?;
    let number = device.trim_start_matches("/dev/loop");
    let mount = format!(
        "chmod 755 /srv/bot; mknod {device} b 7 {number} && mount {device} /home/alice && \
         chown alice:alice /home/alice"
    );
    let mounted = world.sh("root", &mount)?.ok();
    host("losetup", &["--detach", &device])?; // when it is no longer mounted
    mounted?;
    let _alice = world.login("alice")?;
    let frozen = |words: &str| -> Result<()> {
        // It is thawed when somebody waits for it: the kernel says so of a process ("D").
        world.sh("root", "fsfreeze -f /home/alice")?.ok()?;
        let line = "trap 'fsfreeze -u /home/alice' EXIT; i=0; \
                    until ps -o stat= -u alice | grep -q ^D; do i=$((i+1)); [ $i -lt 600 ] || exit 9; sleep 0.05; done; \
                    sleep 3";
        std::thread::scope(|scope| {
            let freeze = scope.spawn(|| world.sh("root", line)?.ended(0));
            let done = world.sh("alice", &format!("ductor {words}"));
            freeze.join().map_err(|_| anyhow::anyhow!("the disk did not thaw"))??;
            done?.ended(0).map(drop)
        })
    };
    frozen("service install --bot /srv/bot")?;
    frozen("service restart")?;
    frozen("service uninstall")?;
    let events = world.sh("alice", "cut -d' ' -f1 ~/events")?.ok()?;
    assert_eq!(events, "start\nterm\nstart\nterm");
    world.run("root", &["umount", "--lazy", "/home/alice"])?.ok().map(drop)
}
