//! Contests on a booted machine, where the real bot, which is a program in Python, has the same commands.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Arena, Contest, Side, Unit};
use crate::lab::{Machine, image};

/// Our program there.
pub(super) const OURS: &str = "/usr/local/bin/ductor";

/// The bot's own command line.
const PYTHON: &str = "/home/alice/.local/bin/ductor";

/// The watch.
const WATCH: &str = include_str!("watch.py");

/// The questions of this file.
pub fn contests() -> Vec<Contest> {
    vec![
        Contest {
            name: "ductor --version",
            unit: Unit::Seconds,
            goal: "at most 1.5 times `true`, a fiftieth of the Python ductor",
            why: "",
            run: version,
        },
        Contest {
            name: "ductor service render",
            unit: Unit::Seconds,
            goal: "at most 1.5 times `true`",
            why: "",
            run: render,
        },
        Contest {
            name: "ductor service status",
            unit: Unit::Seconds,
            goal: "at most 1.2 times the one call it needs, a twenty-fifth of the Python ductor",
            why: "Beyond the call: a process that starts another, as a shell around the same call does. The lock, the \
                  definition, and whether another `ductor` is in the way are looked at while systemd makes up its answer.",
            run: status,
        },
        Contest {
            name: "ductor service install, until the bot's first instruction",
            unit: Unit::Seconds,
            goal: "at most half of the Python ductor",
            why: "Both wait for systemd and for the interpreter. The commands themselves return later, ours when the \
                  bot has lived for a second.",
            run: install,
        },
    ]
}

fn version(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let machine = boot(arena)?;
    let sides = [
        side("ductor --version", &[OURS, "--version"]),
        side("true", &["/bin/true"]),
        side("the Python ductor --version", &[PYTHON, "--version"]),
    ];
    time(&machine, rounds, &sides)
}

fn render(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let machine = boot(arena)?;
    let sides = [side("ductor service render", &[OURS, "service", "render"]), side("true", &["/bin/true"])];
    time(&machine, rounds, &sides)
}

fn status(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let machine = with_service(arena)?;
    let sides = [
        side("ductor service status", &[OURS, "service", "status"]),
        side("systemctl --user show", &["systemctl", "--user", "show", "ductor.service"]),
        side("the Python ductor service status", &[PYTHON, "service", "status"]),
    ];
    time(&machine, rounds, &sides)
}

/// From the command until the bot's interpreter runs its first line, with nothing left of the round before. What Python
/// reads at every start notes that; not when it is asked something (`-c`) or is the command itself.
fn install(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let machine = boot(arena)?;
    configure(&machine)?;
    let hook =
        "import os, sys; {'service', '-c'} & {*sys.orig_argv} or open(os.path.expanduser('~/started'), 'w')";
    let put = "for site in ~/.local/share/pipx/venvs/ductor/lib/python3*/site-packages; do \
               echo \"$1\" >$site/started.pth; done";
    machine.run("alice", &["sh", "-c", put, "sh", hook])?.ok()?;
    let clean = format!("{OURS} service uninstall; rm -f ~/.config/systemd/user/ductor.service ~/started");
    let until_it_runs = "\"$@\" </dev/null >/dev/null 2>&1 & until [ -e ~/started ]; do sleep 0.005; done";
    let side = |name: &str, program: &str| {
        let command = ["sh", "-c", until_it_runs, "sh", program, "service", "install"];
        json!({"name": name, "command": command, "before": clean})
    };
    time(&machine, rounds.min(5), &[side("ductor service install", OURS), side("the Python ductor", PYTHON)])
}

/// A machine where alice has the real bot, and our program.
fn boot(arena: &Arena) -> Result<Machine> {
    let machine = Machine::boot(&image::BOT)?;
    fs::copy(&arena.program, machine.path(OURS)).context("put the program into the machine")?;
    fs::write(machine.path("/srv/watch.py"), WATCH)?;
    Ok(machine)
}

/// The same where the service runs the bot.
pub(super) fn with_service(arena: &Arena) -> Result<Machine> {
    let machine = boot(arena)?;
    configure(&machine)?;
    machine.run("alice", &[OURS, "service", "install"])?.ok()?;
    Ok(machine)
}

/// A token that is made up: the bot runs, and keeps trying to reach its chat.
fn configure(machine: &Machine) -> Result<()> {
    let config = json!({
        "telegram_token": "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        "allowed_user_ids": [4711],
    });
    let write = "umask 077; mkdir -p ~/.ductor/config; printf %s \"$1\" >~/.ductor/config/config.json";
    machine.run("alice", &["sh", "-c", write, "sh", &config.to_string()])?.ok().map(drop)
}

/// A command that is timed.
pub(super) fn side(name: &str, command: &[&str]) -> Value {
    json!({"name": name, "command": command, "before": null})
}

/// Has alice time the sides.
pub(super) fn time(machine: &Machine, rounds: usize, sides: &[Value]) -> Result<Vec<Side>> {
    fs::write(machine.path("/srv/wanted.json"), json!({"rounds": rounds, "sides": sides}).to_string())?;
    let said = machine.run("alice", &["sh", "-c", "exec python3 /srv/watch.py </srv/wanted.json"])?.ok()?;
    let mut figures: BTreeMap<String, Vec<f64>> = serde_json::from_str(&said).context(said)?;
    let name = |side: &Value| side["name"].as_str().unwrap_or_default().to_owned();
    let measured = |name: String| Side::new(name.clone(), figures.remove(&name).unwrap_or_default());
    Ok(sides.iter().map(name).map(measured).collect())
}
