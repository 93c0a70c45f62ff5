//! *Commands*: what people type, one file a verb, each step by step. The only place that prints.
//!
//! stdout carries what was asked for, stderr carries talk; [`screen`] knows the difference. An error goes up as
//! a value and is printed here, once.

mod bot;
mod completions;
mod diff;
mod handed;
mod onboarding;
mod place;
mod restart;
mod run;
pub mod screen;
mod service;
mod status;
mod stop;
mod typed;
mod uninstall;
mod upgrade;
mod usage;
mod working;

use std::cell::Cell;
use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use serde_json::Value;

use crate::cli::{Cli, RunArgs, Verb};
use crate::effects::{self, Effect, Effects};
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::host;
use crate::service::{self as service_of, Manager};
use crate::user;
use screen::Screen;
use typed::typed;

/// Runs `ductor ARGS`, the program's whole life. `args` holds the program's name first.
pub fn main(args: &[OsString]) -> ExitCode {
    #[cfg(feature = "auditable")]
    crate::made_of::keep();
    if let Some((word, rest)) = handed::split(args) {
        let screen = Screen::new(crate::cli::Global::default());
        return end(&screen, handed::run(&screen, word, rest));
    }
    // The service's own command line has no words. Its process stays, and would keep the memory of a whole tree of verbs.
    let parsed = if args.len() > 1 { Cli::try_parse_from(args) } else { Ok(Cli::default()) };
    let cli = match parsed {
        Ok(cli) => cli,
        Err(wrong) if is_help(&wrong) => wrong.exit(),
        Err(wrong) => {
            return end(&Screen::new(crate::cli::Global::default()), Err(usage::error(args, &wrong)));
        }
    };
    let screen = Screen::new(cli.global);
    end(&screen, dispatch(cli.verb.unwrap_or(Verb::Run(RunArgs::default())), &screen))
}

/// `--help`, `--version`, and a family of commands without a verb, which is answered with its help.
fn is_help(wrong: &clap::Error) -> bool {
    !wrong.use_stderr() || wrong.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

fn end(screen: &Screen, result: Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            screen.error(&error);
            error.code.into()
        }
    }
}

/// The code that a command ends with: one of [`Code`], or the bot's own where it is handed through.
fn dispatch(verb: Verb, screen: &Screen) -> Result<u8> {
    if let Verb::Completions { shell } = verb {
        return completions::run(screen, shell).map(|code| code as u8);
    }
    user::check()?;
    if let Verb::Run(args) = &verb {
        run::take_environment(args);
    }
    let context = Context { screen, home: host::home()? };
    user::check_home(&context.home)?;
    let code = match verb {
        Verb::Run(args) => return run::run(&context, args.takeover),
        Verb::Bot(verb) => return bot::run(&context, verb),
        Verb::Agents(_) | Verb::Docker(_) | Verb::Api(_) | Verb::Install(_) => {
            return Err(Error::new("the command line", "options go behind the word").code(Code::Usage));
        }
        Verb::Onboarding(args) => onboarding::run(&context.of_service()?, args),
        Verb::Status(args) => status::run(&context.of_service()?, args.json),
        Verb::Stop => stop::run(&context.of_service()?),
        Verb::Restart => restart::run(&context.of_service()?),
        Verb::Service(verb) => service::run(&context.of_service()?, verb),
        Verb::Completions { shell } => completions::run(screen, shell),
        Verb::Uninstall(args) => uninstall::run(&context.of_service()?, &args),
        Verb::Upgrade(args) => upgrade::run(&context.of_service()?, &args),
        Verb::Place(args) => place::run(&context, &args),
    };
    code.map(|code| code as u8)
}

/// No command asks anything unless both ends are a terminal.
fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// What a file would get: all of it, or how it differs from what is there.
fn written(path: &Path, text: &str) -> String {
    let there =
        effects::file::read_bounded(path, 1 << 20).ok().and_then(|there| String::from_utf8(there).ok());
    there.map_or_else(|| text.to_owned(), |old| diff::unified(&path.display().to_string(), &old, text))
}

/// For scripts: one object, indented so that people can read it too. Its fixes can be pasted, as those on the screen.
fn to_json(value: &impl serde::Serialize) -> String {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    type_fixes(&mut value);
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

fn type_fixes(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(fix) if name == "fix" => *fix = typed(fix),
                    _ => type_fixes(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(type_fixes),
        _ => {}
    }
}

/// What every command works with.
pub struct Context<'a> {
    /// Where it prints.
    pub screen: &'a Screen,
    /// Which bot it is about.
    pub home: Home,
}

impl Context<'_> {
    /// The same about the home that the service is for, where the caller named none and is in no host's tree.
    fn of_service(self) -> Result<Self> {
        if env::var_os("DUCTOR_HOME").is_some_and(|home| !home.is_empty()) {
            return Ok(self);
        }
        let chosen = self.manager()?.chosen().ductor_home;
        let services = Home::of(self.home.user().to_owned(), chosen.map(Into::into));
        // Mostly it is the same one, and nobody has to be looked at.
        if services.as_ref() == Ok(&self.home) || host::inside(&self.home).is_some() {
            return Ok(self);
        }
        Ok(Self { home: services?, ..self })
    }

    fn manager(&self) -> Result<Box<dyn Manager>> {
        service_of::native(&self.home)
    }

    /// Does `work` with effects that happen (`--verbose` tells of them), or are only printed.
    fn effects<T>(&self, dry_run: bool, work: impl FnOnce(&Effects<'_>) -> T) -> T {
        if dry_run {
            let told = Cell::new(false);
            let print = |effect: &Effect<'_>| {
                told.set(true);
                self.screen.data(effect);
                if let Effect::Write(path, bytes) = effect {
                    for line in written(path, &effects::text(bytes)).lines() {
                        self.screen.data(format!("    {line}").trim_end());
                    }
                }
            };
            let done = work(&Effects::rehearsal(&print));
            if !told.get() {
                self.screen.say("nothing would change");
            }
            done
        } else {
            let tell = |effect: &Effect<'_>| self.screen.trace(effect);
            work(&Effects::real(&tell))
        }
    }

    /// Prints the effects of `work` without what would be written, which is no text.
    fn rehearse<T>(&self, work: impl FnOnce(&Effects<'_>) -> T) -> T {
        let print = |effect: &Effect<'_>| self.screen.data(effect);
        work(&Effects::rehearsal(&print))
    }

    /// Asks a question of ours. Enter is `default`; without a terminal nothing is asked and the answer is no.
    fn ask(&self, question: &str, default: bool) -> bool {
        if !is_interactive() {
            return false;
        }
        self.screen.ask(format_args!("{question} {}", if default { "[Y/n]" } else { "[y/N]" }));
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer).unwrap_or(0);
        match answer.trim().to_lowercase().as_str() {
            "" => read > 0 && default,
            answer => matches!(answer, "y" | "yes"),
        }
    }
}
