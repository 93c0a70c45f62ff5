//! The *doctor* answers one question: which manager owns the bot's process, and why does it not behave?
//!
//! Each check gives a [`Finding`], good or bad, about one thing that the service rests on. The checks that cost
//! nothing are part of every status ([`Seen`]); [`examine`] does all.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::bot::{self, Source};
use crate::effects::file;
use crate::home::Home;
use crate::host::{self, HostState};
use crate::search_path;
use crate::shell::Shell;
use crate::words;

use super::definition::ServiceDefinition;
use super::manager::{Finding, Manager, Problem, State};
use super::status::{Owner, Status};

/// The command-line agents that the bot can drive.
const AGENTS: [&str; 5] = ["claude", "codex", "gemini", "grok", "opencode"];
/// Less room than this, and the bot soon can't write.
const LITTLE_ROOM: u64 = 200 << 20;
/// More than this in the log folder, and something does not rotate.
const LARGE_LOGS: u64 = 500 << 20;

/// What can be seen before the manager says anything.
pub struct Seen<'a> {
    home: &'a Home,
    definition: ServiceDefinition,
    shadowed: Option<Problem>,
    disk: Option<Problem>,
}

impl<'a> Seen<'a> {
    /// Looks.
    pub fn look(home: &'a Home, definition: ServiceDefinition) -> Self {
        Self { home, definition, shadowed: shadowed(), disk: disk(home).err() }
    }

    /// What is wrong and can be seen without a further program being run, but where no bot runs.
    pub fn problems(self, manager: &dyn Manager, status: &Status) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.shadowed.into_iter().collect();
        let is_elsewhere = status.problems.iter().any(|known| known.id == "other-home");
        if status.installed == Some(true) && !is_elsewhere && !manager.is_current(&self.definition) {
            let message = "the definition is not the one that this ductor makes";
            problems.push(Problem::new("definition-stale", message, "ductor service install"));
        }
        let waits_for_bot = status.running && status.bot_pid.is_none();
        if (status.owner == Owner::None && status.state != State::Unknown) || waits_for_bot {
            problems.extend(bot(self.home, &self.definition).err());
        }
        problems.extend(self.disk);
        problems
    }
}

/// Everything that the service rests on.
pub fn examine(
    home: &Home,
    manager: &dyn Manager,
    definition: &ServiceDefinition,
    status: &Status,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if status.state != State::Unknown {
        findings.push(Finding::good("manager", format!("the {} answers", manager.title())));
    }
    findings.push(owner(status));
    if status.survives_logout == Some(true) {
        findings.push(Finding::good("linger", "the service runs on when you log out"));
    }
    match bot(home, definition) {
        Ok(found) => findings.push(Finding::good("bot", found)),
        Err(problem) if status.problems.iter().all(|known| known.id != problem.id) => {
            findings.push(problem.into());
        }
        Err(_) => {}
    }
    findings.extend(manager.examine(definition));
    findings.push(agents(home, definition));
    findings.extend(disk(home).map(|free| Finding::good("disk", free)));
    findings.push(log_growth(home));
    if status.problems.iter().all(|known| known.id != "definition-stale") && status.installed == Some(true) {
        findings.push(Finding::good("definition", "the definition is current"));
    }
    findings.extend(status.problems.iter().cloned().map(Finding::from));
    findings
}

fn owner(status: &Status) -> Finding {
    let pid = |pid: Option<u32>| pid.map_or("unknown".into(), |pid| pid.to_string());
    let what = match status.owner {
        Owner::Service => {
            format!("the service runs the bot: host {}, bot {}", pid(status.pid), pid(status.bot_pid))
        }
        Owner::Foreground => "a host in the foreground runs the bot, and holds the lock".into(),
        Owner::Other => "a bot runs that ductor did not start".into(),
        Owner::None => "nobody runs the bot; the lock is free".into(),
    };
    Finding::good("owner", what)
}

/// The bot that the host will find, or why there is none that it would start.
fn bot(home: &Home, definition: &ServiceDefinition) -> Result<String, Problem> {
    let chosen = definition.chosen.bot.as_deref().map(str::as_ref);
    let found = bot::find(home, &hosts_path(home, definition), chosen);
    let found = found.map_err(|error| {
        Problem::new(
            "no-bot",
            format!("{}: {}", error.what, error.cause),
            error.fix.unwrap_or_else(|| "ductor bot install".into()),
        )
    })?;
    if !matches!(found.source, Source::Chosen) {
        bot::configured::check(home).map_err(|error| {
            let fix = error.fix.unwrap_or_else(|| "ductor onboarding".into());
            Problem::new("not-configured", format!("{}: {}", error.what, error.cause), fix)
        })?;
    }
    let command = words::join(found.command.iter().map(|word| word.to_string_lossy()));
    Ok(format!("the bot is {command}, version {}", found.version().unwrap_or_else(|| "unknown".into())))
}

/// PATH as the host will see it: what the definition gives, and what the host adds by its own variables. The caller's
/// shell may have others (`NVM_DIR`), of which no definition knows; a host that runs tells its own.
pub fn hosts_path(home: &Home, definition: &ServiceDefinition) -> OsString {
    let environment = definition.environment(home.user());
    let path =
        environment.into_iter().find(|(name, _)| *name == "PATH").map(|(_, path)| OsString::from(path));
    // A task carries no environment: its host gets that of the user who logged on, as we did.
    if cfg!(windows) {
        return search_path::for_bot(home.user(), env::var_os("PATH").as_deref());
    }
    let host = host::find(home).filter(|host| host.state.as_ref().is_some_and(HostState::is_supervised));
    let variable = |name: &str| host.as_ref()?.process.environment(name);
    search_path::for_bot_of(home.user(), path.as_deref(), &variable)
}

fn agents(home: &Home, definition: &ServiceDefinition) -> Finding {
    let path = hosts_path(home, definition);
    let found: Vec<&str> =
        AGENTS.into_iter().filter(|agent| search_path::which(agent, &path).is_some()).collect();
    if found.is_empty() {
        let message =
            format!("the service finds no agent ({}) in {}", AGENTS.join(", "), path.to_string_lossy());
        // https://code.claude.com/docs/en/setup: it needs no npm.
        let fix = match Shell::here() {
            shell @ Shell::Unix => shell.run_script("https://claude.ai/install.sh", "bash"),
            shell @ Shell::PowerShell => shell.run_script("https://claude.ai/install.ps1", "iex"),
        };
        return Problem::new("no-agent", message, fix).into();
    }
    Finding::good("agents", format!("the service finds {}", found.join(", ")))
}

/// The first `ductor` on PATH is what people run when they type it. It may be the bot's own console script.
fn shadowed() -> Option<Problem> {
    let first = search_path::which("ductor", &env::var_os("PATH")?)?;
    let here = env::current_exe().ok()?.canonicalize().ok()?;
    let target = first.canonicalize().ok().filter(|target| *target != here)?;
    let message = format!("`ductor` starts {}, not {}", first.display(), here.display());
    let quoted = |path: &Path| words::quote(path.to_string_lossy());
    let within = |folder: &str| target.components().any(|part| part.as_os_str() == folder);
    let instead = |uninstall| Shell::here().then(&format!("{} bot install", quoted(&here)), uninstall);
    let path = env::var_os("PATH")?;
    let made_by = |tool| within(tool) && search_path::which(tool, &path).is_some();
    let fix = if made_by("pipx") {
        instead("pipx uninstall ductor")
    } else if made_by("uv") {
        instead("uv tool uninstall ductor")
    } else {
        Shell::here().put_first_on_path(here.parent()?)
    };
    Some(Problem::new("shadowed", message, fix))
}

/// How much room there is, or that there is too little.
fn disk(home: &Home) -> Result<String, Problem> {
    match free_bytes(home) {
        None => Ok("the free space is unknown".into()),
        Some(free) if free < LITTLE_ROOM => {
            let message = format!("{} has {} MiB left", home.root().display(), free >> 20);
            Err(Problem::new("disk-full", message, Shell::here().free_space(home.user())))
        }
        Some(free) => Ok(format!("{} MiB are free", free >> 20)),
    }
}

fn free_bytes(home: &Home) -> Option<u64> {
    file::free_bytes(if home.root().is_dir() { home.root() } else { home.user() })
}

fn log_growth(home: &Home) -> Finding {
    let files = fs::read_dir(home.logs()).into_iter().flatten().flatten();
    let size: u64 = files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum();
    if size > LARGE_LOGS {
        let message = format!("the logs take {} MiB", size >> 20);
        let fix = Shell::here().largest_files(&home.logs());
        return Problem::new("logs-large", message, fix).into();
    }
    Finding::good("logs", format!("the logs take {} MiB", size >> 20))
}
