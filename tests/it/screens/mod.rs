//! *Screens*: what people see, whole, as golden files in `tests/golden/screens`. Each is a session as it would stand in
//! a terminal: what is typed, what comes, and the exit code where it is not 0.
//!
//! After a change that is meant: `UPDATE_GOLDEN=1 cargo test --test it screens`, and look at the difference.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod life;
mod program;
mod tree;

use std::fs;
use std::process::Command;

use fakes::without_numbers;

use crate::cut::release::next_version;
use crate::golden;
use crate::systemd::Linux;
use crate::terminal::typed;
use crate::world::{BOT, Said, World};

const THIS: &str = env!("CARGO_PKG_VERSION");

/// What was seen in one world.
struct Session {
    home: String,
    user: String,
    seen: String,
}

impl Session {
    fn new(world: &World) -> Self {
        let home = world.path("").components().collect::<std::path::PathBuf>();
        let user = Said::of(Command::new("id").arg("-un")).out.trim().to_owned();
        Self { home: home.display().to_string(), user, seen: String::new() }
    }

    /// What comes when these words are typed. Nothing of ours is wider than a terminal, but for the commands at the ends.
    fn see(&mut self, typed: &str, said: &Said) {
        let text = self.still(&format!("{}{}", said.out, said.err));
        let may_be_wide = ["Fix: ", "fix: ", "error: ", "warning: ", "/home/alice", "run ", "    "];
        let ours = if typed.contains(" render") { "" } else { text.as_str() };
        for line in ours.lines().filter(|line| !may_be_wide.iter().any(|it| line.contains(it))) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let code = said.code.filter(|code| *code != 0).map(|code| format!("[{code}]\n")).unwrap_or_default();
        self.seen.push_str(&format!("$ {}\n{text}{code}\n", self.still(typed).trim_end()));
    }

    /// What changed, before what comes next.
    fn note(&mut self, what: &str) {
        self.seen.push_str(&format!("# {what}\n\n"));
    }

    fn run(&mut self, words: &str, ductor: impl Fn(&[&str]) -> Said) {
        let said = ductor(&words.split(' ').collect::<Vec<_>>());
        self.see(&format!("ductor {words}"), &said);
    }

    fn check(&self, name: &str) {
        golden::check(&format!("screens/{name}.txt"), &self.seen);
    }

    /// Without what is different in every run, for everybody, and everywhere: who runs it and where, pids, times.
    fn still(&self, text: &str) -> String {
        let text =
            text.replace(env!("CARGO_BIN_EXE_ductor"), "/usr/bin/ductor").replace(&self.home, "/home/alice");
        let text = text.replace(&format!(" {}:", self.user), " alice:");
        let text = text.replace(&format!("able-linger {}", self.user), "able-linger alice");
        let text = text.replace(&format!("gui/{}", fakes::launchd::uid()), "gui/501");
        let text = text.replace(&next_version(), "NEXT").replace(&format!(" is {THIS}"), " is VERSION");
        let text = text.replace(&format!(" of {THIS}"), " of VERSION");
        // What pythons the machine of the tests has is its own business.
        let lines = text.lines().filter(|line| !line.ends_with(": it has no module ductor_bot"));
        lines.map(|line| still(line) + "\n").collect()
    }
}

fn still(line: &str) -> String {
    if let Some((before, _)) = line.split_once("the service finds ") {
        return format!("{before}the service finds claude");
    }
    let line = match line.split_once("  since ") {
        Some((before, _)) => format!("{before}  since 2026-11-22 14:03 (2 h)"),
        None => line.to_owned(),
    };
    let line = match line.rsplit_once(", ").filter(|(_, end)| end.ends_with(" ago")) {
        Some((before, _)) => format!("{before}, 2 s ago"),
        None => line,
    };
    ["pid ", "bot ", "host ", "disk             ", "disk                ", "the logs take "].iter().fold(
        line,
        |line, before| {
            let Some((start, rest)) = line.split_once(before) else { return line };
            let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if number == 0 { line } else { format!("{start}{before}4711{}", still(&rest[number..])) }
        },
    )
}

/// A terminal shows it while it is waited for; in a pipe, on a dumb terminal and with `--quiet` nobody looks.
#[test]
fn a_terminal_tells_that_work_goes_on_and_then_leaves_no_trace() {
    // It is waited for well over a moment, however late somebody begins to wait: four bots ask for the next one.
    let linux = Linux::with(&format!("[ -s more ] && {{ sed -i 1d more; sleep 0.5; exit 42; }}\n{BOT}"));
    linux.install(&[]).ended(0);
    let restarted = |words: &[&str], variables: &[(&str, &str)]| {
        fs::write(linux.world.path("more"), "\n".repeat(4)).unwrap();
        let mut command = linux.command(&[&["service", "restart"], words].concat());
        let (code, shown) = typed(command.envs(variables.iter().copied()), &[]);
        assert_eq!(code, Some(0), "{shown}");
        shown
    };
    let shown = restarted(&[], &[("TERM", "xterm")]);
    let turned = "⠋ waiting for the bot  9 s⠙ waiting for the bot  ";
    assert!(without_numbers(&shown).contains(turned), "{shown}");
    assert!(shown.contains("  \x1b[32m●\x1b[0m ductor is running "), "{shown}");
    let shown = restarted(&[], &[("TERM", "xterm"), ("NO_COLOR", "1"), ("LC_ALL", "C")]);
    assert!(shown.contains("| waiting for the bot  ") && !shown.contains('\x1b'), "{shown}");
    assert!(shown.is_ascii(), "{shown}");
    let shown = restarted(&[], &[("TERM", "dumb"), ("NO_COLOR", "1")]);
    assert!(shown.starts_with("● ductor is running "), "{shown}");
    assert_eq!(restarted(&["--quiet"], &[("TERM", "xterm")]), "");
}
