//! `ductor onboarding`: typed into a real terminal, with the real bot's wizard.

use std::fs;

use anyhow::Result;
use serde_json::{Value, json};
use xtask::lab::image::{BOT, BOT_TRIXIE};
use xtask::lab::{Image, Output};

use crate::world::World;

crate::tests![
    a_new_person_answers_the_wizard_and_the_service_is_up,
    one_who_leaves_the_wizard_has_nothing_started,
    one_who_is_configured_is_told_so_and_nothing_is_reset,
    without_a_terminal_nothing_is_asked,
];

const TYPED: &str = include_str!("typed.py");
const TOKEN: &str = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";
const CONFIG: &str = "/home/alice/.ductor/config/config.json";

/// A machine where alice has the real bot and one of its agents is logged in.
fn boot(image: &Image) -> Result<World> {
    let world = World::with_package(image)?;
    world.give("alice", ".claude/.credentials.json", "{}", 0o600)?;
    fs::write(world.path("/srv/typed.py"), TYPED)?;
    Ok(world)
}

/// Runs `ductor WORDS` in a terminal and types each answer when its question is shown.
fn typed(world: &World, words: &[&str], answers: &Value) -> Result<Output> {
    let answers = answers.to_string();
    let typed = ["python3", "/srv/typed.py", &answers, "/usr/bin/ductor"];
    world.run("alice", &[&typed[..], words].concat())
}

fn a_new_person_answers_the_wizard_and_the_service_is_up() -> Result<()> {
    [&BOT, &BOT_TRIXIE].into_iter().try_for_each(a_new_person_answers_the_wizard)
}

fn a_new_person_answers_the_wizard(image: &Image) -> Result<()> {
    let world = boot(image)?;
    let _alice = world.login("alice")?;
    let answers = json!([
        ["I understand the risks", "y"],
        ["Select transport:", "\r"],
        ["Paste your bot token:", "not a token\r"],
        ["Paste your bot token:", format!("{TOKEN}\r")],
        ["Enter your numeric user ID:", "4711\r"],
        ["Select your timezone:", "\r"],
        ["Keep the bot always on, as a service? [Y/n]", "\r"],
    ]);
    // `ductor` alone is what a new person types.
    let ended = typed(&world, &[], &answers)?.ended(0)?;
    for command in ["ductor status", "ductor service logs", "ductor restart"] {
        assert!(ended.stdout.contains(command), "{ended}");
    }
    assert!(!ended.stdout.contains("background service?"), "the wizard's own offer: {ended}");
    let config: Value = serde_json::from_str(&fs::read_to_string(world.path(CONFIG))?)?;
    assert_eq!((&config["telegram_token"], &config["allowed_user_ids"]), (&TOKEN.into(), &json!([4711])));
    let status = world.status("alice")?;
    assert_eq!(
        (&status["state"], &status["owner"], &status["packaged"]),
        (&"running".into(), &"service".into(), &true.into())
    );
    // Neither the unit of the Python ductor nor a second bot of it.
    assert!(!world.path("/home/alice/.config/systemd").exists());
    world.only_real_bot("ductor_bot|pipx", &status["bot_pid"].to_string())?;
    Ok(())
}

fn one_who_leaves_the_wizard_has_nothing_started() -> Result<()> {
    let world = boot(&BOT)?;
    let _alice = world.login("alice")?;
    let left = typed(&world, &["onboarding"], &json!([["I understand the risks", "n"]]))?.ended(78)?;
    assert!(left.stdout.contains("ductor onboarding"), "what to do next: {left}");
    assert!(!world.path(CONFIG).exists() && !world.path("/home/alice/.config/systemd").exists());
    world.run("root", &["pgrep", "-u", "alice", "-f", "ductor_bot|pipx"])?.ended(1)?;

    // Ctrl-C in the middle is the same.
    let answers = json!([["I understand the risks", "y"], ["Select transport:", "\u{3}"]]);
    typed(&world, &["onboarding"], &answers)?.ended(78)?;
    assert!(!world.path(CONFIG).exists());
    Ok(())
}

fn one_who_is_configured_is_told_so_and_nothing_is_reset() -> Result<()> {
    let world = boot(&BOT)?;
    let _alice = world.login("alice")?;
    world.configure("alice")?;
    world.give("alice", ".ductor/workspace/mine.md", "precious", 0o600)?;
    let before = fs::read_to_string(world.path(CONFIG))?;
    let keys = |text: &str| -> Result<Value> {
        let config: Value = serde_json::from_str(text)?;
        Ok(json!([config["telegram_token"], config["allowed_user_ids"]]))
    };
    let no = typed(&world, &["onboarding"], &json!([["as a service? [Y/n]", "n\r"]]))?.ended(0)?;
    assert!(no.stdout.contains(&format!("already configured: {CONFIG}")), "{no}");
    assert!(no.stdout.contains("starts by itself; to start it now: /usr/bin/ductor service start"), "{no}");
    assert_eq!(fs::read_to_string(world.path(CONFIG))?, before, "not even written");
    world.run("root", &["pgrep", "-u", "alice", "-f", "ductor_bot"])?.ended(1)?;

    // `--yes` needs no terminal, and again changes nothing.
    let mut pid = Value::Null;
    for round in ["first", "again"] {
        let yes = world.ductor("alice", &["onboarding", "--yes"])?.ended(0)?;
        assert!(yes.stderr.contains("already configured"), "{round}: {yes}");
        let status = world.status("alice")?;
        assert_eq!(status["state"], "running", "{round}");
        assert!(round == "first" || status["pid"] == pid, "the host was left alone");
        pid = status["pid"].clone();
    }
    assert_eq!(keys(&fs::read_to_string(world.path(CONFIG))?)?, keys(&before)?);
    assert_eq!(fs::read_to_string(world.path("/home/alice/.ductor/workspace/mine.md"))?, "precious");
    Ok(())
}

fn without_a_terminal_nothing_is_asked() -> Result<()> {
    let world = boot(&BOT)?;
    let _alice = world.login("alice")?;
    for words in [&["onboarding"][..], &["onboarding", "--yes"], &[]] {
        let refused = world.ductor("alice", words)?.ended(78)?;
        assert!(refused.stderr.contains(CONFIG), "{refused}");
        assert!(!refused.stderr.contains("[Y/n]"), "{refused}");
    }
    world.give("alice", ".ductor/config/config.json", r#"{"telegram_token": "YOUR_TOKEN"}"#, 0o600)?;
    let refused = world.ductor("alice", &["onboarding", "--yes"])?.ended(78)?;
    for word in [CONFIG, "telegram_token", "allowed_user_ids"] {
        assert!(refused.stderr.contains(word), "{refused}");
    }
    // A bot of one's own has no wizard and no configuration that ductor knows.
    let bot = world.make_bot("alice")?;
    let own = ["env", &format!("DUCTOR_BOT={bot}"), "/usr/bin/ductor", "onboarding"];
    let own = world.run("alice", &own)?.ended(0)?;
    assert!(own.stderr.contains("the service stays as it is, and starts by itself"), "{own}");
    Ok(())
}
