//! `ductor service`: the verbs of the service, one file each.

mod ctrl_c;
mod doctor;
mod install;
mod logs;
mod reader;
mod render;
mod restart;
mod start;
mod status;
mod stop;
mod uninstall;

use std::env;
use std::path::{Path, PathBuf, is_separator};

use crate::bot::{self, Source, secrets};
use crate::cli::ServiceVerb;
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::host::Host;
use crate::service::definition::ServiceDefinition;
use crate::service::doctor::{Seen, hosts_path};
use crate::service::manager::{Manager, Problem, State};
use crate::service::program;
use crate::service::status::{Status, look_while};
use crate::service::up::{self, Before};
use crate::words;

use super::Context;

pub use status::{print_of_bot, show};

/// Runs one verb.
pub fn run(context: &Context<'_>, verb: ServiceVerb) -> Result<Code> {
    match verb {
        ServiceVerb::Install(args) => install::run(context, &args),
        ServiceVerb::Uninstall { dry_run } => uninstall::run(context, dry_run),
        ServiceVerb::Start => start::run(context),
        ServiceVerb::Stop => stop::run(context),
        ServiceVerb::Restart => restart::run(context),
        ServiceVerb::Status(args) => status::run(context, args.json),
        ServiceVerb::Logs { lines, no_follow, follow: _ } => logs::run(context, lines, !no_follow),
        ServiceVerb::Doctor(args) => doctor::run(context, args.json),
        ServiceVerb::Render { manager, packaged } => render::run(context, manager, packaged),
    }
}

/// The definition of this user's service, with what was chosen before.
fn definition(
    context: &Context<'_>,
    manager: &dyn Manager,
    bot: Option<String>,
) -> Result<ServiceDefinition> {
    let chosen = manager.chosen();
    let bot = match bot {
        Some(none) if none.trim().is_empty() => None,
        Some(bot) => Some(anchored(bot)),
        None => chosen.bot,
    };
    let mut definition = ServiceDefinition::for_user(program::stable()?, &context.home, bot);
    definition.chosen.direct = chosen.direct;
    Ok(definition)
}

/// The same command, wherever it is run: `./bot.sh` was meant from here. Words without a slash are looked up in
/// PATH at every start; what is no command is refused later, with its reason.
fn anchored(bot: String) -> String {
    let Some(mut words) = words::split(&bot) else { return bot };
    match (words.first_mut(), env::current_dir()) {
        (Some(program), Ok(here)) if program.contains(is_separator) && !Path::new(program).is_absolute() => {
            let path: PathBuf = here.join(&*program).components().collect();
            *program = path.to_string_lossy().into_owned();
            words::join(words)
        }
        _ => bot,
    }
}

/// A bot that the service would find, and that is configured: looked at before anything is touched.
fn preflight(home: &Home, definition: &ServiceDefinition) -> Result<()> {
    let bot =
        bot::find(home, &hosts_path(home, definition), definition.chosen.bot.as_deref().map(str::as_ref))?;
    if matches!(bot.source, Source::Chosen) { Ok(()) } else { bot::configured::check(home) }
}

/// The status with everything that can be seen to be wrong.
pub fn examined(context: &Context<'_>, manager: &dyn Manager) -> Result<Status> {
    let seen = || definition(context, manager, None).map(|it| Seen::look(&context.home, it));
    let (mut status, seen) = look_while(&context.home, manager, seen);
    let found = seen?.problems(manager, &status);
    let is_new = |problem: &Problem| status.problems.iter().all(|known| known.id != problem.id);
    let found: Vec<Problem> = found.into_iter().filter(is_new).collect();
    status.problems.extend(found);
    Ok(status)
}

/// A host in the foreground holds the lock: the service's would be refused.
fn refuse_foreground(host: Option<&Host>, manager: &dyn Manager) -> Result<()> {
    match host {
        Some(host) if manager.report()?.pid != Some(host.process.pid) => {
            let pid = host.process.pid;
            Err(Error::new("the service", format!("a host in the foreground (pid {pid}) runs the bot"))
                .fix("ductor stop"))
        }
        _ => Ok(()),
    }
}

/// The state of the service, which has to be installed.
fn installed_state(manager: &dyn Manager) -> Result<State> {
    match manager.report()?.state {
        State::NotInstalled => Err(Error::new("the service", "it is not installed")
            .code(Code::NotInstalled)
            .fix("ductor service install")),
        state => Ok(state),
    }
}

/// Waits until the service is up; an error shows what the bot said last.
fn wait_until_up(context: &Context<'_>, manager: &dyn Manager, before: &mut Before) -> Result<()> {
    let up = context.screen.during("waiting for the bot", |_| up::wait(&context.home, manager, before));
    up.map_err(|error| with_last_words(context, manager, before, error))
}

/// The error with what the bot and its host said since.
fn with_last_words(context: &Context<'_>, manager: &dyn Manager, before: &mut Before, error: Error) -> Error {
    let said = logs::since(context, manager, before, 10);
    let said = secrets::hide(&context.home, &String::from_utf8_lossy(&said));
    let said: String = said.lines().map(|line| format!("\n  | {line}")).collect();
    Error { cause: format!("{}{said}", error.cause), ..error }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_command_from_here_is_kept_by_its_whole_path() {
        let here = env::current_dir().unwrap();
        assert_eq!(anchored("./bot -x 'a b'".into()), format!("{}/bot -x 'a b'", here.display()));
        for same in ["/opt/bot -x", "python3 -m bot", "'unbalanced"] {
            assert_eq!(anchored(same.into()), same);
        }
    }
}
