//! The whole tree of commands: each verb has its help, with an example, and its screens.

use std::fs;
use std::path::Path;

use super::Session;
use crate::world::{Said, World};

/// Words that are the bot's: what they show is its own.
const HANDED: [&str; 4] = ["agents", "docker", "api", "install"];
/// What `ductor service VERB` shows differs under each.
const OF_EACH_MANAGER: [&str; 3] = ["linux", "macos", "windows"];
/// These don't fail: where there is nothing to do, they say so, and that is their second screen.
const NEVER_FAIL: [&str; 3] = ["stop", "service logs", "service uninstall"];
/// These print a text that is long, and not made here: the scripts of clap_complete.
const PRINT_A_FILE: [&str; 1] = ["completions"];

/// The words of all that people can type.
fn commands() -> Vec<(String, clap::Command)> {
    fn add(command: &clap::Command, words: &str, all: &mut Vec<(String, clap::Command)>) {
        all.push((words.to_owned(), command.clone()));
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            add(verb, format!("{words} {}", verb.get_name()).trim(), all);
        }
    }
    let mut all = Vec::new();
    add(&ductor::internals::command(), "", &mut all);
    all
}

#[test]
fn every_help_fits_the_screen_and_has_examples() {
    let world = World::new("");
    for family in ["", "bot", "service"] {
        let mut session = Session::new(&world);
        for (words, command) in commands() {
            let of = words.split(' ').next().filter(|it| ["bot", "service"].contains(it)).unwrap_or_default();
            if of != family || command.is_hide_set() || HANDED.contains(&words.as_str()) {
                continue;
            }
            let typed = format!("{words} --help");
            let mut ductor = world.ductor(&typed.split_whitespace().collect::<Vec<_>>());
            let said = Said::of(ductor.env("COLUMNS", "80").env("LANG", "C.UTF-8")).ended(0);
            assert!(said.out.contains(&format!("\nExamples:\n  ductor {words}")), "{}", said.out);
            session.see(&format!("ductor {}", typed.trim()), &said);
        }
        session.check(if family.is_empty() { "help".into() } else { format!("help-{family}") }.as_str());
    }
}

/// What was typed with these words, and maybe more: whether each ended with 0.
fn seen(sessions: &str, words: &str) -> Vec<bool> {
    let typed = format!("ductor {words}");
    let is_code = |line: &str| line.trim_start_matches('[').trim_end_matches(']').parse::<u8>().is_ok();
    let mut screens = Vec::new();
    let mut is_open = false;
    for line in sessions.lines() {
        if let Some(line) = line.strip_prefix("$ ") {
            let more = line.strip_prefix(&typed);
            is_open = more.is_some_and(|more| more.is_empty() || more.starts_with(' '));
            screens.extend(is_open.then_some(true));
        } else if let Some(well) = screens.last_mut().filter(|_| is_open && is_code(line)) {
            *well = false;
        }
    }
    screens
}

#[test]
fn every_verb_has_a_screen_where_all_is_well_and_one_where_it_is_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/screens");
    let read = |name: &str| fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
    let everywhere: Vec<String> = OF_EACH_MANAGER.map(|name| read(name) + &read("errors")).into();
    let anywhere = ["linux", "foreground", "bot", "program", "onboarding", "errors"].map(read).join("\n");
    let leaves = commands().into_iter().filter(|(_, command)| command.get_subcommands().next().is_none());
    for (words, _) in leaves.filter(|(_, command)| !command.is_hide_set()) {
        let all = if words.starts_with("service ") {
            everywhere.as_slice()
        } else {
            std::slice::from_ref(&anywhere)
        };
        for sessions in all {
            let screens = seen(sessions, &words);
            let well = screens.iter().filter(|well| **well).count();
            let failed = screens.len() - well;
            assert!(well > 0 || PRINT_A_FILE.contains(&words.as_str()), "no usual screen of: ductor {words}");
            let second = if NEVER_FAIL.contains(&words.as_str()) { well > 1 } else { failed > 0 };
            assert!(second, "no screen of a failure of: ductor {words}");
        }
    }
    // What can be rehearsed is.
    for (words, command) in commands().into_iter().filter(|(_, command)| !command.is_hide_set()) {
        if command.get_arguments().any(|option| option.get_id() == "dry_run") {
            let all = if words.starts_with("service ") { everywhere.join("\n") } else { anywhere.clone() };
            let rehearsed = all
                .lines()
                .any(|line| line.starts_with(&format!("$ ductor {words}")) && line.contains(" --dry-run"));
            assert!(rehearsed, "no rehearsal of: ductor {words}");
        }
    }
}
