//! Commands that fail half-way: files, what is enabled and what runs are as before, or as the command makes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xtask::lab::image::{BOOKWORM, TRIXIE};
use xtask::lab::{Image, Output};

use crate::world::{World, has_problem};

crate::tests![
    a_first_install_cut_at_any_effect_leaves_nothing,
    a_rewrite_cut_at_any_effect_leaves_the_old_one_running,
    an_unmask_cut_at_any_effect_leaves_the_mask,
    an_uninstall_cut_at_any_effect_leaves_the_service_running,
    an_uninstall_beside_a_package_cut_at_any_effect_leaves_the_service_running,
    start_stop_and_restart_cut_at_any_effect_change_nothing,
    a_full_disk_at_any_step_leaves_what_was_there,
    a_full_disk_keeps_nobody_from_any_other_command,
    a_home_that_can_only_be_read_is_said_and_stays,
];

fn a_first_install_cut_at_any_effect_leaves_nothing() -> Result<()> {
    let world = World::boot(&TRIXIE)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    place_build_for_tests(&world)?;
    at_every_effect(&world, &["service", "install", "--bot", &bot], &|| {
        world.ductor("alice", &["service", "uninstall"])?.ended(0).map(drop)
    })
}

fn a_rewrite_cut_at_any_effect_leaves_the_old_one_running() -> Result<()> {
    let world = World::boot(&BOOKWORM)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    place_build_for_tests(&world)?;
    let own = ".config/systemd/user/ductor.service";
    at_every_effect(&world, &["service", "install", "--bot", &bot], &|| {
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        let current = fs::read_to_string(world.path(&format!("/home/alice/{own}")))?;
        let stale = current.replace("RestartSec=5", "RestartSec=9").replace("KillMode", "Nice=3\nKillMode");
        world.give("alice", own, &stale, 0o640)?;
        let read = "rm -rf ~/.config/systemd/user/*.d; systemctl --user daemon-reload; systemctl --user restart ductor";
        world.sh("alice", read)?.ok().map(drop)
    })
}

fn an_unmask_cut_at_any_effect_leaves_the_mask() -> Result<()> {
    let world = World::with_package(&BOOKWORM)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    place_build_for_tests(&world)?;
    let masked = "systemctl --user mask --now ductor; loginctl disable-linger alice";
    world.sh("alice", "mkdir -p ~/.local/share/mine")?.ok()?;
    at_every_effect(&world, &["service", "install", "--bot", &bot], &|| {
        world.sh("alice", &format!("rm -rf ~/.config; {masked}"))?.ok()?;
        world.run("root", &["rm", "-rf", "/home/alice/.local/share/ductor"])?.ok().map(drop)
    })
}

fn an_uninstall_cut_at_any_effect_leaves_the_service_running() -> Result<()> {
    let world = World::boot(&BOOKWORM)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    place_build_for_tests(&world)?;
    at_every_effect(&world, &["service", "uninstall"], &|| {
        world.sh("alice", "loginctl disable-linger alice")?.ok()?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0).map(drop)
    })
}

fn an_uninstall_beside_a_package_cut_at_any_effect_leaves_the_service_running() -> Result<()> {
    let world = World::with_package(&TRIXIE)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    place_build_for_tests(&world)?;
    at_every_effect(&world, &["service", "uninstall"], &|| {
        world.sh("alice", "loginctl disable-linger alice")?.ok()?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0).map(drop)
    })
}

fn start_stop_and_restart_cut_at_any_effect_change_nothing() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        let _alice = world.login("alice")?;
        place_build_for_tests(&world)?;
        let run = || world.ductor("alice", &["service", "start"])?.ended(0).map(drop);
        at_every_effect(&world, &["service", "start"], &|| {
            world.ductor("alice", &["service", "stop"])?.ended(0).map(drop)
        })?;
        at_every_effect(&world, &["service", "restart"], &run)?;
        at_every_effect(&world, &["restart"], &run)?;
        at_every_effect(&world, &["service", "stop"], &run)?;
        at_every_effect(&world, &["stop"], &run)?;
    }
    Ok(())
}

/// Runs a command with every effect cut in turn, each time from what `prepare` made, and compares. What is there
/// afterwards is what was there before; from there the same command works, as it did when nothing was cut.
fn at_every_effect(world: &World, words: &[&str], prepare: &dyn Fn() -> Result<()>) -> Result<()> {
    let run =
        |variable: &str| world.run("alice", &[&["env", variable, "/usr/bin/ductor", "-v"], words].concat());
    prepare()?;
    let told = run("DUCTOR_FAULT=0")?.ended(0)?;
    // One before each effect, and one inside each write.
    let count = |start: &str| told.stderr.lines().filter(|line| line.starts_with(start)).count();
    let places = count("+ ") + count("+ write ");
    ensure!(places > 0, "{told}");
    prepare()?;
    let (mut old, mut failed) = (picture(world)?, 0);
    for place in 1..=places {
        let cut = run(&format!("DUCTOR_FAULT={place}"))?;
        let now = picture(world)?;
        if cut.code == 0 {
            // There was another way: linger through sudo, or not at all.
            ensure!(cut.stderr.contains("linger"), "place {place} was cut, and it is fine: {cut}");
            prepare()?;
            let again = picture(world)?;
            assert_eq!(whoever_runs(&again), whoever_runs(&old), "after place {place}: {cut}");
            old = again;
            continue;
        }
        ensure!(cut.code == 1 && cut.stderr.contains("cut by DUCTOR_FAULT"), "{cut}");
        // Only a host that was stopped already is a new one then.
        if cut.stderr.contains(" stop ductor.service") {
            assert_eq!(whoever_runs(&now), whoever_runs(&old), "after place {place}: {cut}");
            old = now;
        } else {
            assert_eq!(now, old, "after place {place}: {cut}");
        }
        failed += 1;
    }
    ensure!(failed + 1 >= places, "only {failed} of {places} were cut");
    println!("ductor {}: cut at each of {places} places", words.join(" "));
    Ok(())
}

fn a_full_disk_at_any_step_leaves_what_was_there() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(a_full_disk_at_any_step)
}

fn a_full_disk_at_any_step(image: &Image) -> Result<()> {
    let world = World::with_package(image)?;
    let _alice = world.login("alice")?;
    let bot = world.make_bot("alice")?;
    // A disk of eight pages; one after the other is taken, until none is left.
    let disk = "mkdir -p /home/alice/.config && mount -t tmpfs -o size=32k,nr_inodes=32,mode=755,uid=1000,gid=1000 \
                none /home/alice/.config && mkdir /home/alice/.config/systemd && \
                chown alice:alice /home/alice/.config/systemd";
    world.run("root", &["sh", "-c", disk])?.ok()?;
    let before = picture(&world)?;
    for (full, taken) in (0..=8).rev().enumerate() {
        world.run(
            "root",
            &["sh", "-c", &format!("head -c {}k /dev/zero >/home/alice/.config/fill", 4 * taken)],
        )?;
        let installed = world.ductor("alice", &["service", "install", "--bot", &bot])?;
        world.run("root", &["rm", "-f", "/home/alice/.config/fill"])?.ok()?;
        if installed.code == 0 {
            ensure!(full > 0, "the disk was never full");
            return Ok(());
        }
        let said = said_with_path_and_reason(&installed, "/home/alice/.config/systemd", "No space left");
        ensure!(said, "{installed}");
        assert_eq!(picture(&world)?, before, "with {taken} of 8 pages taken: {installed}");
    }
    anyhow::bail!("an empty disk is full")
}

fn a_full_disk_keeps_nobody_from_any_other_command() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let disk = "mount -t tmpfs -o size=64k,nr_inodes=64,mode=700,uid=1000,gid=1000 none /home/alice && \
                    cp /usr/bin/sleep /srv/sleeper";
        world.sh("root", disk)?.ok()?;
        let _alice = world.login("alice")?;
        world.ductor("alice", &["service", "install", "--bot", "/srv/sleeper 1000"])?.ended(0)?;
        let fill = "i=0; while touch /home/alice/.ductor/$i; do i=$((i+1)); done; \
                    head -c 64k /dev/zero >/home/alice/.ductor/0";
        world.sh("root", fill)?;
        for words in [&["service", "stop"][..], &["service", "start"], &["service", "restart"], &["restart"]]
        {
            let before = world.processes("alice", "ductor")?;
            world.ductor("alice", words)?.ended(0)?;
            assert_ne!(world.processes("alice", "ductor")?, before, "{words:?}");
        }
        // The host can't say anything about itself, so it is looked at.
        let status = world.status("alice")?;
        assert_eq!(
            status["bot_pid"].to_string(),
            world.processes("alice", "sleeper")?.join(" "),
            "{status:#}"
        );
        assert_eq!((&status["owner"], &status["running"]), (&"service".into(), &true.into()), "{status:#}");
        assert!(has_problem(&status, "disk-full"), "{status:#}");
        assert!(world.ductor("alice", &["run"])?.ended(1)?.stderr.contains("as the service"));
        world.ductor("alice", &["stop"])?.ended(0)?;
        world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
        world.run("root", &["pgrep", "-u", "alice", "-x", "ductor"])?.ended(1)?;
        assert_eq!(world.status("alice")?["state"], "not-installed");
    }
    Ok(())
}

fn a_home_that_can_only_be_read_is_said_and_stays() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        let mount = "mount --bind /home/alice /home/alice && mount -o remount,ro,bind /home/alice";
        world.run("root", &["sh", "-c", mount])?.ok()?;
        let before = picture(&world)?;
        let refused = world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(1)?;
        ensure!(said_with_path_and_reason(&refused, "/home/alice/.config", "Read-only"), "{refused}");
        assert_eq!(picture(&world)?, before, "{refused}");
        world.ductor("alice", &["service", "status"])?.ended(3)?;
        world.run("root", &["umount", "/home/alice"])?.ok()?;
    }
    Ok(())
}

fn said_with_path_and_reason(output: &Output, path: &str, reason: &str) -> bool {
    output.code == 1 && output.stderr.contains(path) && output.stderr.contains(reason)
}

/// The files of alice but the bot's own, what her manager knows, and who lingers.
fn picture(world: &World) -> Result<String> {
    let files = "cd; find . \\( -path ./.ductor -o -path ./events \\) -prune -o -printf '%p %y %m %u %l\\n' | sort; \
                 find . \\( -path ./.ductor -o -path ./events \\) -prune -o -type f -exec sha256sum {} + | sort; \
                 ls /var/lib/systemd/linger; systemctl --user show ductor -p LoadState,UnitFileState,ActiveState,\
                 SubState,FragmentPath,DropInPaths,NeedDaemonReload,MainPID,RestartUSec,Environment";
    world.sh("alice", files)?.ok()
}

/// The same whatever pid the host has.
fn whoever_runs(picture: &str) -> String {
    picture
        .lines()
        .filter(|line| !line.starts_with("MainPID="))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Puts the program to `/usr/bin/ductor` as `cargo build` makes it: in it effects can be cut.
fn place_build_for_tests(world: &World) -> Result<()> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a member of the workspace")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let build = ["build", "--quiet", "--package=ductor", "--bin=ductor", "--message-format=json"];
    let output = cargo.args(build).current_dir(top).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout)?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut executables = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    let executable = executables.next_back().context("cargo names what it built")?;
    let inside = world.path("/usr/bin/ductor");
    let _none_yet = fs::remove_file(&inside); // it may run
    fs::copy(&executable, inside).with_context(|| format!("copy {}", executable.display())).map(drop)
}
