//! `ductor onboarding`, typed into a terminal, under every manager: the exact screen, from nothing to what runs.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::process::{Command, Stdio};

use fakes::without_numbers;

use crate::launchd::Mac;
use crate::systemd::Linux;
use crate::task_scheduler::machine::Machine;
use crate::terminal::typed;
use crate::world::{BOT, World};

/// A bot that is set up by one question of its wizard, as the real one is by many.
pub fn bot_with_wizard() -> String {
    format!(
        "if [ ! -e .ductor/config/config.json ]; then
             read -r -p 'Paste your bot token: ' token
             [ -n \"$token\" ] || exit 0
             mkdir -p .ductor/config
             echo '{{\"telegram_token\": \"'$token'\", \"allowed_user_ids\": [1]}}' >.ductor/config/config.json
             exit 0
         fi
         {BOT}"
    )
}

pub const TOKEN: &str = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";
pub const SERVICE: &str = "Keep the bot always on, as a service? [Y/n]";

const REMEMBER: &str = "
To remember:
  ductor status        what runs, and what to mend
  ductor service logs  what the bot writes
  ductor restart       end the bot and start it anew
";

/// Everything from the first question to what runs then.
fn from_nothing_to_up(world: &World, command: &mut Command, service: &str) {
    world.python(&bot_with_wizard());
    let answers = [("Paste your bot token: ", &*format!("{TOKEN}\n")), (SERVICE, "\n")];
    let (code, shown) = typed(command, &answers);
    let screen = format!("Paste your bot token: {TOKEN}\n{SERVICE}\n\n{service}{REMEMBER}");
    assert_eq!((code, without_numbers(&shown)), (Some(0), without_numbers(&screen)));
    assert_eq!(world.bots().len(), 1);
}

#[test]
fn under_launchd_it_ends_with_what_runs_and_what_to_remember() {
    let mac = Mac::new();
    let service = "\
\x1b[32m●\x1b[0m ductor is running          since 2026-11-25 13:00 (1 s)
  owner     launchd agent                       pid 1, bot 2
  restarts  0
  survives  logout no      reboot yes
";
    // `ductor` alone is what a new person types.
    from_nothing_to_up(&mac.world, &mut mac.command(&[]), service);
}

#[test]
fn under_the_task_scheduler_it_ends_with_what_runs_and_what_to_remember() {
    let machine = Machine::new();
    let service = "\
the bot runs only while you are logged on; it starts 10 s after you log on
\x1b[32m●\x1b[0m ductor is running          since 2026-11-25 13:00 (1 s)
  owner     scheduled task                      pid 1, bot 2
  restarts  0
  survives  logout no      reboot yes
";
    from_nothing_to_up(&machine.world, &mut machine.command(&["onboarding"]), service);
}

#[test]
fn under_systemd_it_ends_with_what_runs_and_what_to_remember() {
    let linux = Linux::new();
    let service = "\
\x1b[32m●\x1b[0m ductor is running          since 2026-11-25 13:00 (1 s)
  owner     systemd user service                pid 1, bot 2
  restarts  0
  survives  logout yes     reboot yes
";
    let mut command = linux.command(&["onboarding"]);
    from_nothing_to_up(&linux.world, &mut command, service);
}

#[test]
fn one_who_wants_no_service_is_told_both_ways_to_run_the_bot() {
    let mac = Mac::new();
    mac.world.python(&bot_with_wizard());
    let answers = [("Paste your bot token: ", &*format!("{TOKEN}\n")), (SERVICE, "n\n")];
    let (code, shown) = typed(&mut mac.command(&["onboarding"]), &answers);
    let end = "no service; to set it up later: ductor service install\nto run the bot in this terminal: ductor run\n";
    assert!(code == Some(0) && shown.ends_with(&format!("\nn\n{end}{REMEMBER}")), "{shown}");
    assert!(!mac.agent().exists());
}

#[test]
fn every_question_has_a_flag_and_is_not_asked_with_it() {
    let mac = Mac::new();
    mac.world.python(&bot_with_wizard());
    fs::create_dir_all(mac.world.home("config")).unwrap();
    let config = format!("{{\"telegram_token\": \"{TOKEN}\", \"allowed_user_ids\": [1]}}");
    fs::write(mac.world.home("config/config.json"), config).unwrap();
    let (code, shown) = typed(&mut mac.command(&["onboarding", "--no-service"]), &[]);
    assert!(code == Some(0) && !shown.contains("[Y/n]") && !mac.agent().exists(), "{shown}");
    let (code, shown) = typed(&mut mac.command(&["onboarding", "--yes"]), &[]);
    assert!(code == Some(0) && !shown.contains("[Y/n]") && mac.state() == "running", "{shown}");
}

#[test]
fn a_question_is_shown_also_when_quiet() {
    let mac = Mac::new();
    mac.world.python(&bot_with_wizard());
    let answers = [("Paste your bot token: ", &*format!("{TOKEN}\n")), (SERVICE, "n\n")];
    let (code, shown) = typed(&mut mac.command(&["--quiet", "onboarding"]), &answers);
    assert_eq!((code, shown), (Some(0), format!("Paste your bot token: {TOKEN}\n{SERVICE}\nn\n")));
}

#[test]
fn without_a_terminal_it_asks_nothing_and_names_what_is_missing() {
    let mac = Mac::new();
    mac.world.python(&bot_with_wizard());
    for words in [&["onboarding"][..], &["onboarding", "--yes"], &[]] {
        let output = mac.command(words).stderr(Stdio::piped()).stdout(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(78), 0), "{words:?}: {said}");
        assert!(said.contains("config.json") && !said.contains("[Y/n]"), "{words:?}: {said}");
    }
}
