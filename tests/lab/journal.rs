//! Where the bot's lines are read: the journal, and where it does not show them, the bot's own log.

use std::fs;

use anyhow::Result;
use xtask::lab::image::{BOOKWORM, BOT, BOT_TRIXIE, TRIXIE};
use xtask::lab::{Image, wait_for};

use crate::world::{PATIENCE, World};

crate::tests![
    a_journal_that_keeps_nothing_is_no_reason_to_show_nothing,
    a_journal_that_alice_may_not_read_is_no_reason_to_show_nothing,
    what_a_journal_kept_earlier_does_not_hide_what_is_new,
    lines_pass_as_they_are_and_are_harmless_on_a_terminal,
    lines_of_who_ended_at_once_are_shown,
    the_journal_hides_no_line_and_is_harmless_on_a_terminal,
    a_journal_that_was_emptied_is_followed,
    a_reader_that_goes_is_a_good_end_and_leaves_no_journalctl,
    last_words_are_of_the_bot_that_was_started_alone,
];

const LOG: &str = "/home/alice/.ductor/logs/agent.log";

/// A machine with the real bot and a journal with these settings.
fn boot(image: &Image, settings: &str) -> Result<World> {
    let world = World::with_package(image)?;
    world.configure("alice")?;
    set_journal(&world, settings)?;
    Ok(world)
}

fn set_journal(world: &World, settings: &str) -> Result<()> {
    let line = format!(
        "mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\\n{settings}\\n' \
                        >/etc/systemd/journald.conf.d/test.conf && systemctl restart systemd-journald"
    );
    world.sh("root", &line)?.ok().map(drop)
}

/// `logs` shows lines of the bot's own log and says so.
fn expect_lines_of_the_file(world: &World) -> Result<()> {
    wait_for("the bot has written its log", PATIENCE, || {
        Ok(fs::read_to_string(world.path(LOG)).ok().filter(|text| text.lines().count() >= 3))
    })?;
    let logs = world.ductor("alice", &["service", "logs", "--no-follow", "-n", "3"])?.ended(0)?;
    assert!(logs.stderr.contains(LOG), "{logs}");
    let text = fs::read_to_string(world.path(LOG))?;
    assert!(logs.stdout.lines().count() == 3 && text.contains(&logs.stdout), "{logs}\n{text}");
    Ok(())
}

fn a_journal_that_keeps_nothing_is_no_reason_to_show_nothing() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = boot(image, "Storage=none")?;
        let _alice = world.login("alice")?;
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        expect_lines_of_the_file(&world)?;
        // Followed, what is new comes too, and Ctrl-C is a good end.
        let follow = "ductor service logs -n 0 >~/followed 2>/dev/null & p=$!; trap 'kill -INT $p' EXIT; \
                  i=0; until grep -q 'a new line' ~/followed; do i=$((i+1)); [ $i -lt 500 ] || exit 9; \
                  echo 'a new line' >>~/.ductor/logs/agent.log; read -t 0.1 x <>/dev/ptmx; done; \
                  trap - EXIT; kill -INT $p; wait $p";
        world
            .run("alice", &["bash", "-mc", &follow.replace("ductor service", "/usr/bin/ductor service")])?
            .ended(0)?;
    }
    Ok(())
}

fn a_journal_that_alice_may_not_read_is_no_reason_to_show_nothing() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = boot(image, "Storage=volatile")?;
        let _alice = world.login("alice")?;
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        world.sh("root", "chmod -R go-rwx /run/log/journal /var/log/journal 2>/dev/null; true")?.ok()?;
        expect_lines_of_the_file(&world)?;
    }
    Ok(())
}

fn what_a_journal_kept_earlier_does_not_hide_what_is_new() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = boot(image, "Storage=persistent")?;
        let _alice = world.login("alice")?;
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        wait_for("lines of the journal", PATIENCE, || {
            let logs = world.ductor("alice", &["service", "logs", "--no-follow"])?.ended(0)?;
            Ok((!logs.stderr.contains(LOG) && !logs.stdout.is_empty()).then_some(()))
        })?;
        set_journal(&world, "Storage=none")?;
        wait_for("a second of its own for the next start", PATIENCE, || {
            let before = world.status("alice")?["since"].clone();
            let now = jiff::Timestamp::now();
            let since: jiff::Timestamp = before.as_str().unwrap_or_default().parse()?;
            Ok((now.as_second() > since.as_second() + 1).then_some(()))
        })?;
        world.ductor("alice", &["service", "restart"])?.ended(0)?;
        expect_lines_of_the_file(&world)?;
    }
    Ok(())
}

fn lines_pass_as_they_are_and_are_harmless_on_a_terminal() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = boot(image, "Storage=none")?;
        let _alice = world.login("alice")?;
        // The login starts it. It is stopped, else the bot begins a log of its own.
        world.status_when("alice", "it is up", |status| status["state"] == "running")?;
        world.ductor("alice", &["service", "stop"])?.ended(0)?;
        let lines = "[/x] [bold]\u{1b}[2Jred\r\nüber\u{7}\n";
        world.give("alice", ".ductor/logs/agent.log", lines, 0o600)?;
        let raw = world.ductor("alice", &["service", "logs", "--no-follow"])?.ended(0)?;
        assert_eq!(raw.stdout, lines);
        let seen = world
            .sh("alice", "script -qec '/usr/bin/ductor service logs --no-follow' /dev/null </dev/null")?;
        let seen = seen.ended(0)?.stdout;
        assert!(seen.contains("[/x] [bold]^[[2Jred") && seen.contains("über^G"), "{seen:?}");
        assert!(!seen.contains("\u{1b}[2J"), "{seen:?}");
    }
    Ok(())
}

/// systemd issue 2913: journald does not know the unit of a line whose writer is gone when it asks.
fn lines_of_who_ended_at_once_are_shown() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.begin_with(
            "alice",
            "for i in {1..200}; do /bin/echo \"child $i of 200\"; done; echo all said",
        )?;
        world.ductor("alice", &["service", "restart"])?.ended(0)?;
        let logs = world.logs_when("alice", "all that was said", |logs| logs.contains("all said"))?;
        let missing: Vec<i32> = (1..=200).filter(|i| !logs.contains(&format!("child {i} of"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
        for says in ["Starting ductor.service", "Started ductor.service", "Stopping ductor.service"] {
            assert!(logs.contains(says), "{says}: {logs}");
        }
    }
    Ok(())
}

fn the_journal_hides_no_line_and_is_harmless_on_a_terminal() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.begin_with("alice", r"printf 'a\rb\a\n\033]0;t\007title\nno \377 utf\nall said\n'")?;
        world.ductor("alice", &["service", "restart"])?.ended(0)?;
        world.logs_when("alice", "all that was said", |logs| logs.contains("all said"))?;
        let sees = |line: &str, shown: &str| {
            let line = format!("{line} | grep -aqF \"$(printf '{shown}')\"");
            world.sh("alice", &line)?.ok().map(drop)
        };
        let logs = "/usr/bin/ductor service logs --no-follow";
        for raw in [r"a\rb\a", r"\033]0;t\atitle", r"no \377 utf"] {
            sees(logs, raw)?;
        }
        let terminal = format!("script -qec '{logs}' /dev/null </dev/null");
        for harmless in ["b^G", "^[]0;t^Gtitle", r"no \377 utf"] {
            sees(&terminal, harmless)?;
        }
        world.sh("alice", &format!("! {terminal} | grep -aqF \"$(printf '\\033')\""))?.ok()?;
    }
    Ok(())
}

/// Who makes room takes the lines of a quiet bot away; what it says next is in the journal.
fn a_journal_that_was_emptied_is_followed() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.sh("root", "journalctl --sync && journalctl --rotate && journalctl --vacuum-size=1K")?.ok()?;
        let none = world.ductor("alice", &["service", "logs", "--no-follow"])?.ended(0)?;
        assert_eq!((none.stdout.as_str(), none.stderr.trim()), ("", "nothing yet"));
        // It is asked to end only when the line is seen.
        let follow = "/usr/bin/ductor service logs >~/followed & p=$!; trap 'kill -INT $p' EXIT; i=0; \
                      until grep -q 'the last word' ~/followed; do i=$((i+1)); [ $i -lt 300 ] || exit 9; \
                      [ $i -ne 10 ] || systemd-cat -t ductor echo 'the last word'; read -t 0.1 x <>/dev/ptmx; done; \
                      trap - EXIT; kill -INT $p; wait $p";
        world.run("alice", &["bash", "-mc", follow])?.ended(0)?;
    }
    Ok(())
}

fn a_reader_that_goes_is_a_good_end_and_leaves_no_journalctl() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.logs_when("alice", "the bot's words", |logs| logs.contains("says hello"))?;
        let head = "timeout 30 /usr/bin/ductor service logs | head -1; exit ${PIPESTATUS[0]}";
        let seen = world.run("alice", &["bash", "-c", head])?.ended(0)?;
        assert_eq!((seen.stdout.lines().count(), seen.stderr.as_str()), (1, ""), "{seen}");
        // Killed, it can't end its journalctl, which ends by itself.
        let killed = "/usr/bin/ductor service logs >~/out & p=$!; until grep -q hello ~/out; do read -t 0.1 x \
                      <>/dev/ptmx; done; kill -KILL $p; wait $p; true";
        world.run("alice", &["bash", "-c", killed])?.ended(0)?;
        wait_for("journalctl to be gone", PATIENCE, || {
            Ok(world.processes("alice", "journalctl")?.is_empty().then_some(()))
        })?;
    }
    Ok(())
}

fn last_words_are_of_the_bot_that_was_started_alone() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bots = ["first", "second"].map(|name| (name, format!("#!/bin/sh\necho I am {name}\nexit 2\n")));
        for (name, script) in &bots {
            let bot = world.give("alice", name, script, 0o755)?;
            let said = world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(1)?.stderr;
            assert!(said.contains(&format!("ended with code 2\n  | I am {name}\n")), "{said}");
            assert!(*name == "first" || !said.contains("first\n"), "{said}");
        }
    }
    Ok(())
}
