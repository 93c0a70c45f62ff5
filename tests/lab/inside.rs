//! An agent in the bot's tree calls `ductor`: it is asked for, not done to the agent itself.

use anyhow::Result;
use serde_json::Value;
use xtask::lab::image::{BOOKWORM, TRIXIE};
use xtask::lab::{Image, wait_for};

use crate::world::{PATIENCE, World};

crate::tests![
    restart_is_scheduled_and_not_counted,
    stop_is_scheduled_and_it_stays_stopped,
    in_the_foreground_restart_and_stop_are_scheduled_too,
    uninstall_is_refused,
    install_converges_without_a_restart,
    a_takeover_is_refused_and_start_changes_nothing,
];

/// An agent with a session of its own, which runs what stands in `~/ask`. The bot ends when it was answered; the
/// answer stays for who reads it.
const AGENT: &str = r#"
trap 'until [ ! -e ~/asked ] || [ -e ~/code ]; do sleep 0.05; done; note term; exit 0' TERM
setsid -f bash -c '
    while :; do
        if [ -e ~/ask ]; then
            mv ~/ask ~/asked; . ~/asked >~/answer 2>&1; echo $? >~/code.new; mv ~/code.new ~/code
        fi
        sleep 0.05
    done'
"#;

/// As the main agent is started, and as the bot starts a sub-agent.
const HOMES: [&str; 2] = ["true", "export DUCTOR_HOME=~/.ductor/agents/x"];

/// A machine where an agent listens in the bot's tree.
fn with_agent(image: &Image) -> Result<World> {
    let world = World::with_service(image)?;
    world.begin_with("alice", AGENT)?;
    world.ductor("alice", &["service", "restart"])?.ended(0)?;
    world.started("alice", 2)?;
    Ok(world)
}

/// What the agent is answered: the code, and all that was said.
fn ask(world: &World, home: &str, words: &str) -> Result<(i32, String)> {
    world.run("root", &["rm", "-f", "/home/alice/code", "/home/alice/asked"])?.ok()?;
    world.give("alice", "ask.new", &format!("{home}; /usr/bin/ductor {words}"), 0o644)?;
    world.run("root", &["mv", "/home/alice/ask.new", "/home/alice/ask"])?.ok()?;
    let code = wait_for(&format!("an answer to {words}"), PATIENCE, || {
        Ok(world.read("alice", "code").trim().parse().ok())
    })?;
    Ok((code, world.read("alice", "answer")))
}

fn scheduled() -> (i32, String) {
    (0, "scheduled\n".into())
}

fn restart_is_scheduled_and_not_counted() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = with_agent(image)?;
        let before = world.status("alice")?;
        let mut starts = 2;
        for home in HOMES {
            for words in ["restart", "service restart"] {
                assert_eq!(ask(&world, home, words)?, scheduled(), "{words}");
                starts += 1;
                world.started("alice", starts)?;
                let after = world.status_when("alice", "a bot", |status| status["bot_pid"].is_u64())?;
                assert_eq!((&after["pid"], &after["restarts"]), (&before["pid"], &0.into()), "{after:#}");
                assert_eq!(world.count("alice", "term")?, starts - 1, "each ended in order");
            }
        }
    }
    Ok(())
}

fn stop_is_scheduled_and_it_stays_stopped() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = with_agent(image)?;
        for (home, words) in [(HOMES[0], "stop"), (HOMES[1], "service stop"), (HOMES[1], "stop")] {
            assert_eq!(ask(&world, home, words)?, scheduled(), "{words}");
            let status =
                world.status_when("alice", "it is stopped", |status| status["state"] == "stopped")?;
            assert_eq!(
                (&status["owner"], &status["last_exit"]["code"]),
                (&"none".into(), &0.into()),
                "{status:#}"
            );
            let sub =
                world.run("alice", &["systemctl", "--user", "show", "-P", "SubState", "ductor"])?.ok()?;
            assert_eq!(sub, "dead", "nothing is scheduled");
            assert_eq!(world.processes("alice", "bot")?, [""; 0]);
            assert!(!world.read("alice", ".ductor/host.json").contains("crashed"));
            world.ductor("alice", &["service", "start"])?.ended(0)?;
        }
    }
    Ok(())
}

fn in_the_foreground_restart_and_stop_are_scheduled_too() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = with_agent(image)?;
        world.ductor("alice", &["service", "stop"])?.ended(0)?;
        world.foreground("alice", "")?;
        let host = world.processes("alice", "ductor")?;
        assert_eq!(ask(&world, HOMES[1], "restart")?, scheduled());
        world.started("alice", 4)?;
        assert_eq!(world.processes("alice", "ductor")?, host);
        assert_eq!(ask(&world, HOMES[1], "stop")?, scheduled());
        wait_for("the end of the host", PATIENCE, || {
            Ok(world.processes("alice", "ductor")?.is_empty().then_some(()))
        })?;
        assert_eq!(world.processes("alice", "bot")?, [""; 0]);
        assert_eq!(world.status("alice")?["state"], "stopped", "the service did not come instead");
    }
    Ok(())
}

/// What must not change: the processes and how often they were started.
fn picture(world: &World) -> Result<(Value, Value, Value, usize)> {
    let mut status = world.status("alice")?;
    let mut take = |key: &str| status[key].take();
    Ok((take("state"), take("pid"), take("bot_pid"), world.count("alice", "start")?))
}

fn uninstall_is_refused() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = with_agent(image)?;
        let before = picture(&world)?;
        for home in HOMES {
            let (code, said) = ask(&world, home, "service uninstall")?;
            assert_eq!(code, 1, "{said}");
            assert!(
                said.contains("error: ") && said.contains("inside the bot") && said.contains("  fix: "),
                "{said}"
            );
        }
        assert_eq!(picture(&world)?, before);
        assert_eq!(world.status("alice")?["installed"], true);
    }
    Ok(())
}

fn install_converges_without_a_restart() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = with_agent(image)?;
        let before = picture(&world)?;
        for home in HOMES {
            let (code, said) = ask(&world, home, "service install")?;
            assert_eq!((code, picture(&world)?), (0, before.clone()), "{said}");
        }
        // What differs is written, and waits for the next restart.
        world.run("root", &["cp", "-p", "/home/alice/bot", "/home/alice/robot"])?.ok()?;
        let (code, said) = ask(&world, HOMES[1], "service install --bot /home/alice/robot")?;
        assert_eq!((code, picture(&world)?), (0, before.clone()), "{said}");
        assert!(said.contains("next restart"), "{said}");
        let drop_in = world.read("alice", ".config/systemd/user/ductor.service.d/ductor.conf");
        assert!(
            drop_in.contains("DUCTOR_BOT=/home/alice/robot") && !drop_in.contains("DUCTOR_HOME"),
            "{drop_in}"
        );
        world.ductor("alice", &["service", "restart"])?.ended(0)?;
        world.started("alice", 3)?;
        // What it starts at its beginning is called as itself for a moment.
        wait_for(
            "one robot",
            PATIENCE,
            || Ok((world.processes("alice", "robot")?.len() == 1).then_some(())),
        )?;
    }
    Ok(())
}

fn a_takeover_is_refused_and_start_changes_nothing() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = with_agent(image)?;
        let before = picture(&world)?;
        for home in HOMES {
            for words in ["run", "run --takeover"] {
                let (code, said) = ask(&world, home, words)?;
                assert_eq!(code, 1, "{said}");
                assert!(said.contains(&format!("pid {}", before.1)), "{said}");
            }
            let (code, said) = ask(&world, home, "service start")?;
            assert_eq!(code, 0, "{said}");
            assert!(said.contains("already running"), "{said}");
        }
        assert_eq!(picture(&world)?, before);
    }
    Ok(())
}
