//! Whose definition it is that is found, and what becomes of it.

use std::fs;

use anyhow::{Context, Result};
use xtask::lab::Image;
use xtask::lab::image::{BOOKWORM, BOT, BOT_FOLDER, BOT_TRIXIE, TRIXIE};

use crate::world::{World, has_problem};

crate::tests![
    on_systemd_252_a_stale_one_of_ours_is_rewritten_and_the_host_restarted,
    on_systemd_257_a_stale_one_of_ours_is_rewritten_and_the_host_restarted,
    beside_a_packaged_one_only_what_the_user_gave_is_written,
    one_of_ours_before_the_packaged_one_is_removed,
    lines_made_by_hand_before_a_packaged_one_stay_and_are_told,
    the_python_ductors_is_taken_over_with_its_extra_settings,
    a_foreign_one_is_refused_and_nothing_is_touched,
    drop_ins_made_by_hand_outlive_install_and_uninstall,
    the_users_own_masks_are_taken_back,
    an_administrators_mask_is_respected,
];

const OWN: &str = "/home/alice/.config/systemd/user/ductor.service";
const PACKAGED: &str = "/usr/lib/systemd/user/ductor.service";
const DROP_INS: &str = "/home/alice/.config/systemd/user/ductor.service.d";

fn on_systemd_252_a_stale_one_of_ours_is_rewritten_and_the_host_restarted() -> Result<()> {
    a_stale_one_of_ours_is_rewritten_and_the_host_restarted(&BOOKWORM)
}

fn on_systemd_257_a_stale_one_of_ours_is_rewritten_and_the_host_restarted() -> Result<()> {
    a_stale_one_of_ours_is_rewritten_and_the_host_restarted(&TRIXIE)
}

fn a_stale_one_of_ours_is_rewritten_and_the_host_restarted(image: &Image) -> Result<()> {
    let world = with_own_unit(image)?;
    let current = fs::read_to_string(world.path(OWN))?;
    let rendered = world.ductor("alice", &["service", "render"])?.ok()?;
    assert_eq!(current.trim_end(), rendered);
    // As a version before this one may have written it, with lines that the user added since.
    let stale = format!("{}MemoryMax=2G\n", current.replace("Made by ductor ", "Made by ductor 0.0."));
    let stale = stale.replace("[Install]", "[Service]\nEnvironment=PATH=/x \"MINE=a b\"\n[Install]");
    world.give("alice", &OWN["/home/alice/".len()..], &stale, 0o600)?;
    world.run("alice", &["systemctl", "--user", "daemon-reload"])?.ok()?;
    let before = world.status("alice")?;
    assert!(has_problem(&before, "definition-stale"), "{before:#}");

    // A rehearsal shows how it would change, as `patch` reads it.
    let told = world.ductor("alice", &["service", "install", "--dry-run"])?.ok()?;
    for line in [&format!("    --- {OWN}"), "    -MemoryMax=2G", "    -Environment=PATH=/x \"MINE=a b\""] {
        assert!(told.lines().any(|it| it == line), "{line}: {told}");
    }
    assert!(told.contains("kept.conf\n    # Kept by") && told.contains("    MemoryMax=2G"), "{told}");
    assert_eq!(fs::read_to_string(world.path(OWN))?, stale);

    let told = world.ductor("alice", &["service", "install"])?.ended(0)?;
    assert_eq!(fs::read_to_string(world.path(OWN))?, current, "{told}");
    let again = world.ductor("alice", &["service", "install", "--dry-run"])?.ended(0)?;
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", "nothing would change\n"));
    let after = world.status("alice")?;
    assert_eq!((&after["state"], &after["problems"]), (&"running".into(), &serde_json::json!([])));
    assert_ne!(after["pid"], before["pid"], "a new host reads the new definition");
    let kept = fs::read_to_string(world.path(&format!("{DROP_INS}/kept.conf")))?;
    assert!(kept.contains("MemoryMax=2G\n") && kept.contains("Environment=\"MINE=a b\"\n"), "{kept}");
    assert!(!kept.contains("/x"), "{kept}");

    let again = world.ductor("alice", &["service", "install"])?.ended(0)?;
    assert_eq!(world.status("alice")?["pid"], after["pid"], "{again}");
    // What is added after that joins what was kept before.
    world.give("alice", &OWN["/home/alice/".len()..], &format!("{current}[Service]\nNice=5\n"), 0o600)?;
    world.ductor("alice", &["service", "install"])?.ended(0)?;
    let kept = fs::read_to_string(world.path(&format!("{DROP_INS}/kept.conf")))?;
    assert!(kept.contains("MemoryMax=2G\n") && kept.contains("Nice=5\n"), "{kept}");
    Ok(())
}

fn beside_a_packaged_one_only_what_the_user_gave_is_written() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        world.configure("alice")?;
        let bot = world.make_bot("alice")?;
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        let status = world.status("alice")?;
        assert_eq!((&status["definition"], &status["packaged"]), (&PACKAGED.into(), &true.into()));
        assert!(!world.path("/home/alice/.config").exists(), "nothing was chosen, nothing is written");

        let chosen = format!("DUCTOR_HOME=$HOME/else/where /usr/bin/ductor service install --bot {bot}");
        world.sh("alice", &chosen)?.ended(0)?;
        let status = world.status("alice")?;
        assert_eq!((&status["definition"], &status["packaged"]), (&PACKAGED.into(), &true.into()));
        let environment = world.run("root", &["cat", &format!("/proc/{}/environ", status["pid"])])?.ok()?;
        let environment: Vec<&str> = environment.split('\0').collect();
        assert!(environment.contains(&"DUCTOR_HOME=/home/alice/else/where"), "{environment:?}");
        assert!(environment.contains(&"DUCTOR_BOT=/home/alice/bot"), "{environment:?}");
        assert!(world.path(&format!("{DROP_INS}/ductor.conf")).exists() && !world.path(OWN).exists());

        // What was given is kept, and each is dropped by its own word.
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        assert_eq!(world.status("alice")?["pid"], status["pid"]);
        world.sh("alice", "DUCTOR_HOME=$HOME/.ductor /usr/bin/ductor service install --bot ''")?.ended(0)?;
        assert!(!world.path(&format!("{DROP_INS}/ductor.conf")).exists());
        let real = world.status("alice")?;
        let command = world.run("alice", &["ps", "-o", "args=", "-p", &real["bot_pid"].to_string()])?.ok()?;
        assert!(command.contains(BOT_FOLDER), "{command}");

        // A secret stands where the bot put it, and nowhere else.
        let token = "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";
        let search = "PATH=/usr/bin; { ps -Aww -o args; ductor service render; ductor service status --json; \
                  ductor service logs --no-follow -n 500; grep -r . ~/.config /etc/systemd; } 2>&1";
        let seen = world.sh("alice", search)?.stdout;
        assert!(seen.contains("ductor") && !seen.contains(token), "{seen}");
    }
    Ok(())
}

fn one_of_ours_before_the_packaged_one_is_removed() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = with_own_unit(image)?;
        let before = world.status("alice")?;
        assert_eq!((&before["definition"], &before["packaged"]), (&OWN.into(), &false.into()));
        world.install_package()?;
        assert!(has_problem(&world.status("alice")?, "shadows-package"), "{before:#}");
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        let after = world.status("alice")?;
        assert_eq!((&after["definition"], &after["packaged"]), (&PACKAGED.into(), &true.into()));
        assert!(!world.path(OWN).exists() && !has_problem(&after, "shadows-package"), "{after:#}");
        assert_eq!(world.processes("alice", "ductor")?, [after["pid"].to_string()], "one host");
        assert_eq!(world.processes("alice", "bot")?.len(), 1, "one bot, the one that was chosen before");
    }
    Ok(())
}

fn lines_made_by_hand_before_a_packaged_one_stay_and_are_told() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = with_own_unit(image)?;
        world.sh("alice", &format!("printf '\\n[Service]\\nNice=7\\n' >>{OWN}"))?.ok()?;
        world.install_package()?;
        for round in ["first", "again"] {
            let told = world.ductor("alice", &["service", "install"])?.ended(0)?;
            assert!(fs::read_to_string(world.path(OWN))?.contains("\nNice=7\n"), "{round}: {told}");
            assert!(told.stderr.contains("lines of your own"), "{round}: {told}");
            let status = world.status("alice")?;
            assert_eq!(status["state"], "running");
            let ids: Vec<_> =
                status["problems"].as_array().context("a list")?.iter().map(|p| &p["id"]).collect();
            assert!(ids.iter().any(|id| **id == "shadows-package"), "{round}: {ids:?}");
            assert!(!has_problem(&status, "definition-stale"), "{round}: {ids:?}");
        }
    }
    Ok(())
}

fn the_python_ductors_is_taken_over_with_its_extra_settings() -> Result<()> {
    for (packaged, image) in [(false, &BOT), (true, &BOT), (true, &BOT_TRIXIE)] {
        let world = World::boot(image)?;
        let _alice = world.login("alice")?;
        world.configure("alice")?;
        // The bot's own code writes, enables and starts it.
        let make = "from ductor_bot.infra import service_linux; service_linux.install_service()";
        world.run("alice", &[&format!("{BOT_FOLDER}/bin/python"), "-c", make])?.ended(0)?;
        let its = fs::read_to_string(world.path(OWN))?;
        assert!(its.contains("Telegram bot powered by AI CLIs"), "{its}");
        let more = its.replace("[Install]", "MemoryMax=2G\nEnvironment=HTTPS_PROXY=x:1\n\n[Install]");
        world.give("alice", &OWN["/home/alice/".len()..], &more, 0o644)?;
        world.give(
            "alice",
            ".config/systemd/user/ductor.service.d/mine.conf",
            "[Service]\nNice=3\n",
            0o644,
        )?;
        world.run("alice", &["systemctl", "--user", "daemon-reload"])?.ok()?;

        if packaged {
            world.install_package()?;
        } else {
            world.place_program("root", "/usr/bin/ductor")?;
        }
        let told = world.ductor("alice", &["service", "install"])?.ended(0)?;
        assert!(told.stderr.contains("took over"), "{told}");
        let status = world.status("alice")?;
        let definition = if packaged { PACKAGED } else { OWN };
        assert_eq!((&status["state"], &status["definition"]), (&"running".into(), &definition.into()));
        let shown =
            world.sh("alice", "systemctl --user show ductor -p MemoryMax,Nice,UnitFileState")?.ok()?;
        let mut shown: Vec<&str> = shown.lines().collect();
        shown.sort_unstable();
        assert_eq!(shown, ["MemoryMax=2147483648", "Nice=3", "UnitFileState=enabled"]);
        let environment =
            world.run("root", &["cat", &format!("/proc/{}/environ", status["bot_pid"])])?.ok()?;
        assert!(environment.contains("HTTPS_PROXY=x:1"), "{environment}");
        world.only_real_bot("ductor_bot|pipx", &status["bot_pid"].to_string())?;
    }
    Ok(())
}

fn a_foreign_one_is_refused_and_nothing_is_touched() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        let foreign = "[Unit]\nDescription=mine\n[Service]\nExecStart=/bin/sleep 1000\n";
        let refused = |ductor: &[&str]| -> Result<()> {
            let before = world.changes()?;
            let refused = world.ductor("alice", ductor)?.ended(1)?;
            assert!(refused.stderr.contains("not made by ductor"), "{refused}");
            let changed = world.changes()?.since(&before, &["/var/log", "/home/alice/.ductor"])?;
            assert_eq!(changed, [""; 0], "{ductor:?}");
            Ok(())
        };
        world.give("alice", &OWN["/home/alice/".len()..], foreign, 0o644)?;
        world.sh("alice", "systemctl --user daemon-reload && systemctl --user start ductor")?.ok()?;
        refused(&["service", "install", "--bot", &bot])?;
        refused(&["service", "uninstall"])?;
        let status = world.status("alice")?;
        assert!(has_problem(&status, "foreign-definition"), "{status:#}");
        assert_eq!(world.processes("alice", "sleep")?.len(), 2, "it runs on, beside the login");

        world.sh("alice", &format!("systemctl --user stop ductor; rm {OWN}"))?.ok()?;
        fs::write(world.path("/etc/systemd/user/ductor.service"), foreign)?;
        refused(&["service", "install", "--bot", &bot])?;
    }
    Ok(())
}

fn drop_ins_made_by_hand_outlive_install_and_uninstall() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        world.give(
            "alice",
            ".config/systemd/user/ductor.service.d/mine.conf",
            "[Service]\nNice=3\n",
            0o644,
        )?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        assert_eq!(world.sh("alice", "systemctl --user show -P Nice ductor")?.ok()?, "3");
        world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
        let left = world.sh("alice", &format!("ls {DROP_INS}"))?.ok()?;
        assert_eq!(left, "mine.conf");
    }
    Ok(())
}

fn the_users_own_masks_are_taken_back() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        for mask in ["mask --now", "mask --runtime --now"] {
            world.sh("alice", &format!("systemctl --user {mask} ductor"))?.ok()?;
            let status = world.status("alice")?;
            assert_eq!((&status["state"], &status["installed"]), (&"not-installed".into(), &false.into()));
            assert!(has_problem(&status, "masked"), "{status:#}");
            world.ductor("alice", &["service", "install"])?.ended(0)?;
            assert_eq!(world.status("alice")?["state"], "running", "{mask} on {}", image.name);
        }
        world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
        assert_eq!(world.sh("alice", "systemctl --user show -P LoadState ductor")?.ok()?, "masked");
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        assert_eq!(world.status("alice")?["state"], "running");
    }
    Ok(())
}

fn an_administrators_mask_is_respected() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        world.run("root", &["systemctl", "--global", "mask", "ductor.service"])?.ok()?;
        let before = world.changes()?;
        let refused = world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(1)?;
        let fix = "sudo systemctl --global unmask ductor.service";
        assert!(refused.stderr.contains("an administrator") && refused.stderr.contains(fix), "{refused}");
        let changed = world.changes()?.since(&before, &["/var/log", "/home/alice/.ductor"])?;
        assert_eq!(changed, [""; 0]);
        let status = world.status("alice")?;
        let masked = status["problems"].as_array().and_then(|all| all.iter().find(|p| p["id"] == "masked"));
        assert_eq!(masked.context("it is told")?["fix"], fix);
        world.run("root", &["systemctl", "--global", "unmask", "ductor.service"])?.ok()?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    }
    Ok(())
}

/// A machine without the package, where alice has a bot of ours and a service of her own that runs it.
fn with_own_unit(image: &Image) -> Result<World> {
    let world = World::boot(image)?;
    world.place_program("root", "/usr/bin/ductor")?;
    let bot = world.make_bot("alice")?;
    world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
    Ok(world)
}
