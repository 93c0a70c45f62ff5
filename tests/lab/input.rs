//! Input that is wrong: a clear error, nothing half done, and what was there stays.

use std::fs;

use anyhow::Result;
use xtask::lab::Output;
use xtask::lab::image::{BOT, BOT_TRIXIE};

use crate::world::World;

crate::tests![
    a_broken_configuration_is_refused_before_anything_is_touched,
    a_bot_that_can_not_be_one_is_refused
];

/// Nothing of the machine is written by `refused` but its logs, and the host that runs is left alone.
fn changes_nothing(world: &World, refused: impl Fn() -> Result<Output>) -> Result<Output> {
    let (before, host) = (world.changes()?, world.processes("alice", "ductor")?);
    let output = refused()?;
    let its = ["/home/alice/.ductor/logs", "/home/alice/.ductor/host.json", "/home/alice/.ductor/host.lock"];
    let aside = [&["/var/log"], &its[..]].concat();
    assert_eq!(world.changes()?.since(&before, &aside)?, [""; 0], "{output}");
    assert_eq!(world.processes("alice", "ductor")?, host, "{output}");
    assert!(output.stderr.starts_with("error: ") && output.stderr.lines().count() < 6, "{output}");
    Ok(output)
}

fn a_broken_configuration_is_refused_before_anything_is_touched() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let path = "/home/alice/.ductor/config/config.json";
        let cases: [(&str, &str); 8] = [
            ("printf '{\"telegram_token\": ' >$C", "malformed JSON in line 1"),
            ("printf '[1, 2]' >$C", "not a JSON object"),
            ("printf '\\377\\376{' >$C", "not UTF-8"),
            ("head -c 3000000 /dev/zero | tr '\\0' ' ' >$C", "larger than 1024 KiB"),
            ("chown root $C && chmod 600 $C", "Permission denied"),
            ("rm $C && mkdir $C", "not a regular file"),
            ("rm $C && mkfifo $C && chown alice $C", "not a regular file"),
            ("rm $C && ln -s nowhere $C", "there is no such file"),
        ];
        let broken = |verbs: &[&[&str]], cases: &[(&str, &str)]| -> Result<()> {
            for (spoil, cause) in cases {
                world.run("root", &["rm", "-rf", path])?.ok()?;
                world.configure("alice")?;
                world.sh("root", &format!("C={path}; {spoil}"))?.ok()?;
                for verb in verbs {
                    let refused = changes_nothing(&world, || world.ductor("alice", verb)?.ended(78))?;
                    assert!(
                        refused.stderr.contains(cause) && refused.stderr.contains(path),
                        "{spoil}: {refused}"
                    );
                }
            }
            Ok(())
        };
        broken(&[&["service", "install"]], &cases)?;
        broken(&[&["run"]], &cases[..2])?;
        world.run("root", &["rm", "-rf", path])?.ok()?;
        world.configure("alice")?;
        world.ductor("alice", &["service", "install"])?.ended(0)?;
        // By then the bot has written what it writes at its beginning.
        world.logs_when("alice", "it tries to reach Telegram", |logs| logs.contains("api.telegram.org"))?;
        broken(&[&["service", "restart"], &["restart"], &["service", "install"]], &cases[..1])?;
    }
    Ok(())
}

fn a_bot_that_can_not_be_one_is_refused() -> Result<()> {
    for image in [&BOT, &BOT_TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        world.ductor("alice", &["service", "install", "--bot", &bot])?.ended(0)?;
        world.started("alice", 1)?;
        world.give("alice", "plain", "exec true\n", 0o755)?;
        world.give("alice", "data", "#!/bin/sh\n", 0o644)?;
        let cases = [
            ("no-such-bot", 78, "no program no-such-bot is on PATH"),
            ("/home/alice/none", 78, "No such file"),
            ("/home/alice", 78, "is a folder"),
            ("/home/alice/plain", 78, "without a shebang"),
            ("/home/alice/data", 78, "not executable"),
            ("/home/alice/bot 'open", 78, "a quote is not closed"),
            ("/usr/bin/ductor", 78, "is this program itself"),
            ("/home/alice/bot a\nExecStart=/bin/sh", 2, "control characters"),
            ("/home/alice/bot \u{1b}[2J", 2, "control characters"),
        ];
        for (line, code, cause) in cases {
            let install = || world.ductor("alice", &["service", "install", "--bot", line])?.ended(code);
            let refused = changes_nothing(&world, install)?;
            assert!(refused.stderr.contains(cause), "{line:?}: {refused}");
            assert!(!refused.stderr.contains('\u{1b}'), "{refused}");
            let run = [
                "env",
                &format!("DUCTOR_BOT={line}"),
                "DUCTOR_HOME=/home/alice/other",
                "/usr/bin/ductor",
                "run",
            ];
            if cause.contains("shebang") || cause.contains("closed") {
                let refused = changes_nothing(&world, || world.run("alice", &run)?.ended(78))?;
                assert!(refused.stderr.contains(cause), "{line:?}: {refused}");
            }
        }
        for home in ["relative", "/a\nExecStart=/bin/sh"] {
            let install = ["env", &format!("DUCTOR_HOME={home}"), "/usr/bin/ductor", "service", "install"];
            changes_nothing(&world, || world.run("alice", &install)?.ended(2))?;
        }
        // Words for the bot pass as they are.
        let echo = world.give("alice", "echo", "#!/bin/sh\nprintf '<%s>' \"$@\"\n", 0o755)?;
        let exec = [
            "env",
            &format!("DUCTOR_BOT={echo}"),
            "/usr/bin/ductor",
            "bot",
            "exec",
            "--",
            "a\nb",
            "",
            "-v",
            "$HOME",
        ];
        assert_eq!(world.run("alice", &exec)?.ok()?, "<a\nb><><-v><$HOME>");
        assert!(
            fs::read_to_string(world.path("/home/alice/.config/systemd/user/ductor.service.d/ductor.conf"))?
                .contains(&bot)
        );
    }
    Ok(())
}
