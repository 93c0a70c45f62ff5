//! *Screens*: what people see, whole, as golden files in `tests/golden/screens`. Each is a session as it would stand in
//! a terminal: what is typed, what comes, and the exit code where it is not 0.
//!
//! After a change that is meant: `UPDATE_GOLDEN=1 cargo test --test it screens`, and look at the difference.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::process::Command;

use crate::golden;
use crate::launchd::Mac;
use crate::systemd::Linux;
use crate::task_scheduler::machine::Machine;
use crate::terminal::typed;
use crate::world::{BOT, Said, World, wait_for};

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

    /// What comes when these words are typed. Nothing is wider than a terminal, but for the commands at the ends.
    fn see(&mut self, typed: &str, said: &Said) {
        let text = self.still(&format!("{}{}", said.out, said.err));
        for line in
            text.lines().filter(|line| !["Fix: ", "fix: ", "error: "].iter().any(|it| line.contains(it)))
        {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let code = said.code.filter(|code| *code != 0).map(|code| format!("[{code}]\n")).unwrap_or_default();
        self.seen.push_str(&format!("$ {}\n{text}{code}\n", self.still(typed).trim_end()));
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
        let text = text.replace(&format!("enable-linger {}", self.user), "enable-linger alice");
        text.lines().map(|line| still(line) + "\n").collect()
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
    ["pid ", "bot ", "host ", "disk             ", "the logs take "].iter().fold(line, |line, before| {
        let Some((start, rest)) = line.split_once(before) else { return line };
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if number == 0 { line } else { format!("{start}{before}4711{}", still(&rest[number..])) }
    })
}

#[test]
fn every_help_fits_the_screen_and_has_examples() {
    fn all(command: &clap::Command, words: &str, helps: &mut Vec<String>) {
        helps.push(words.to_owned());
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
        {
            all(verb, format!("{words} {}", verb.get_name()).trim(), helps);
        }
    }
    let world = World::new("");
    let mut helps = Vec::new();
    all(&ductor::internals::command(), "", &mut helps);
    // The words that are the bot's show its own help, and that one is not ours.
    helps.retain(|words| !["agents", "docker", "api", "install"].contains(&words.as_str()));
    for family in ["", "bot", "service"] {
        let mut session = Session::new(&world);
        let of = |words: &str| {
            words.split(' ').next().filter(|it| ["bot", "service"].contains(it)).unwrap_or("").to_owned()
        };
        for words in helps.iter().filter(|words| of(words) == family) {
            let typed = format!("{words} --help");
            let mut command = world.ductor(&typed.split_whitespace().collect::<Vec<_>>());
            let said = Said::of(command.env("COLUMNS", "80").env("LANG", "C.UTF-8")).ended(0);
            session.see(&format!("ductor {}", typed.trim()), &said);
        }
        session.check(if family.is_empty() { "help".into() } else { format!("help-{family}") }.as_str());
    }
}

#[test]
fn the_life_of_a_service_on_linux() {
    let linux = Linux::new();
    let mut session = Session::new(&linux.world);
    let ductor = |words: &[&str]| linux.ductor(words);
    session.run("service status", ductor);
    session.run("service start", ductor);
    session.run(&format!("service install --bot {}", linux.world.path("bot").display()), ductor);
    session.run("service install", ductor);
    session.run("service status", ductor);
    session.run("status", ductor);
    fs::create_dir_all(linux.world.path(".local/bin")).unwrap();
    std::os::unix::fs::symlink("/bin/true", linux.world.path(".local/bin/claude")).unwrap();
    session.run("service doctor", ductor);
    session.run("service logs --no-follow -n 1", ductor);
    session.run("run", ductor);
    let ascii = |words: &[&str]| Said::of(linux.command(words).env("LC_ALL", "C"));
    session.see("LC_ALL=C ductor service status", &ascii(&["service", "status"]));
    session.see("LC_ALL=C ductor service doctor", &ascii(&["service", "doctor"]));
    session.run("service restart", ductor);
    session.run("service stop", ductor);
    session.run("service status", ductor);
    session.run("service stop", ductor);
    session.run("stop", ductor);
    session.run("service uninstall", ductor);
    session.run("service uninstall", ductor);
    session.check("linux");
}

/// A terminal shows it while it is waited for; in a pipe, on a dumb terminal and with `--quiet` nobody looks.
#[test]
fn a_terminal_tells_that_work_goes_on_and_then_leaves_no_trace() {
    let linux = Linux::installed();
    let restarted = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = linux.command(&[&["service", "restart"], words].concat());
        let (code, shown) = typed(command.envs(variables.iter().copied()), &[]);
        assert_eq!(code, Some(0), "{shown}");
        shown
    };
    let shown = restarted(&[], &[("TERM", "xterm")]);
    assert!(shown.contains("⠋ waiting for the bot  0 s⠙ waiting for the bot  "), "{shown}");
    assert!(shown.contains("  \x1b[32m●\x1b[0m ductor is running "), "{shown}");
    let shown = restarted(&[], &[("TERM", "xterm"), ("NO_COLOR", "1"), ("LC_ALL", "C")]);
    assert!(shown.starts_with("| waiting for the bot  0 s") && !shown.contains('\x1b'), "{shown}");
    assert!(shown.is_ascii(), "{shown}");
    for (words, terminal) in [(&["--quiet"][..], "xterm"), (&[], "dumb")] {
        let shown = restarted(words, &[("TERM", terminal), ("NO_COLOR", "1")]);
        assert!(shown.starts_with("● ductor is running "), "{shown}");
    }
}

#[test]
fn what_goes_wrong_on_linux() {
    let linux = Linux::with(&format!("[ -e mended ] || {{ echo 'no token'; exit 78; }}\n{BOT}"));
    let mut session = Session::new(&linux.world);
    let ductor = |words: &[&str]| linux.ductor(words);
    session.run(&format!("service install --bot {}", linux.world.path("bot").display()), ductor);
    session.run("service status", ductor);
    linux.log_out();
    session.run("service status", ductor);
    session.run("service start", ductor);
    session.check("linux-configuration");

    let linux = Linux::with("echo 'out of luck'; exit 3");
    let mut session = Session::new(&linux.world);
    let ductor = |words: &[&str]| linux.ductor(words);
    session.run(&format!("service install --bot {}", linux.world.path("bot").display()), ductor);
    wait_for("end of the tries", || linux.state() == "gave-up");
    session.run("service status", ductor);
    session.check("linux-crashes");
}

#[test]
fn the_life_of_a_service_on_a_mac() {
    let mac = Mac::new();
    let mut session = Session::new(&mac.world);
    let ductor = |words: &[&str]| mac.ductor(words);
    life(&mut session, &mac.world, ductor);
    session.check("macos");
}

#[test]
fn the_life_of_a_service_on_windows() {
    let windows = Machine::new();
    let mut session = Session::new(&windows.world);
    let ductor = |words: &[&str]| Said::of(&mut windows.command(words));
    life(&mut session, &windows.world, ductor);
    session.check("windows");
}

fn life(session: &mut Session, world: &World, ductor: impl Fn(&[&str]) -> Said) {
    session.run("service status", &ductor);
    session.run(&format!("service install --bot {}", world.path("bot").display()), &ductor);
    session.run("service status", &ductor);
    session.run("service stop", &ductor);
    session.run("service status", &ductor);
    session.run("service uninstall", &ductor);
}

#[test]
fn every_error_has_one_shape() {
    let world = World::new("");
    let mut session = Session::new(&world);
    let ductor = |words: &[&str]| {
        let mut command: Command = world.ductor(words);
        // No manager can be asked, whatever the machine of the tests has, and no bot is found.
        Said::of(command.env("PATH", world.path("")).env("LANG", "C.UTF-8").env_remove("DUCTOR_BOT"))
    };
    for words in [
        "statsu",
        "service statsu",
        "service install --no-lingr",
        "service render --manager upstart",
        "completions",
        "service install --bot /no/such/bot",
        "run",
        "bot install --version ../0.20.1",
        "upgrade",
    ] {
        session.run(words, ductor);
    }
    for error in session.seen.split("$ ").filter(|seen| !seen.is_empty()) {
        assert!(error.contains("\nerror: ") && error.contains("\n  fix: "), "{error}");
    }
    session.check("errors");
}
