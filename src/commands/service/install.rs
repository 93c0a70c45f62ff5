//! `ductor service install`: set the service up, and see the bot come up. Again: nothing changes.

use std::path::PathBuf;

use crate::bot;
use crate::cli::InstallArgs;
use crate::error::{Code, Error, Result};
use crate::host;
use crate::service::definition::ServiceDefinition;
use crate::service::doctor::hosts_path;
use crate::service::manager::{Install, Manager};
use crate::service::turn::Turn;

use super::{
    Before, Context, definition, preflight, refuse_foreground, show, wait_until_up, with_last_words,
};

pub fn run(context: &Context<'_>, args: &InstallArgs) -> Result<Code> {
    let _turn = Turn::take(&context.home)?;
    let manager = context.manager()?;
    let manager = manager.as_ref();
    let mut definition = definition(context, manager, args.bot.clone())?;
    definition.chosen.direct = if args.direct { Some(direct(context, manager, &definition)?) } else { None };
    preflight(&context.home, &definition).map_err(|error| match args.bot.as_deref().map(str::trim) {
        None | Some("") => error,
        Some(bot) => Error { what: format!("--bot {bot}"), ..error }.fix("ductor service install --bot ''"),
    })?;

    let mut before = Before::look(&context.home, manager);
    let inside = host::inside(&context.home).is_some();
    if !args.dry_run && !args.no_start {
        refuse_foreground(before.host.as_ref(), manager)?;
    }

    let how = Install { linger: !args.no_linger, start: !args.no_start && !inside };
    let installed = context.effects(args.dry_run, |effects| manager.install(&definition, how, effects));
    let installed = installed.map_err(|error| match args.dry_run {
        true => error,
        false => with_last_words(context, manager, &mut before, error),
    })?;
    for note in &installed.notes {
        context.screen.say(note);
    }
    if args.dry_run {
        return Ok(Code::Done);
    }
    for problem in &installed.problems {
        context.screen.say(context.screen.problem(problem));
    }

    if installed.started {
        wait_until_up(context, manager, &mut before)?;
    } else {
        context.screen.say(match (args.no_start, inside, &*installed.switched_on) {
            (true, ..) => "installed, not started; to start it: ductor service start".into(),
            (_, true, _) => "installed; what changed takes effect with the next restart".into(),
            (.., []) => "already installed; nothing changed".into(),
            (.., on) => format!("already installed; switched on: {}", on.join(", ")),
        });
    }
    show(context, manager)
}

/// The Python that the Task Scheduler shall run as the bot itself.
fn direct(context: &Context<'_>, manager: &dyn Manager, definition: &ServiceDefinition) -> Result<PathBuf> {
    let refused = |cause: &str| Error::new("--direct", cause).fix("the same without --direct");
    if manager.name() != "task-scheduler" {
        return Err(refused("only the Task Scheduler of Windows can run the bot itself").code(Code::Usage));
    }
    if definition.chosen.bot.is_some() {
        return Err(refused("it runs the bot's Python module; --bot names another command").code(Code::Usage));
    }
    let bot = bot::find(&context.home, &hosts_path(&context.home, definition), None)?;
    bot.without_window().ok_or_else(|| refused("the bot's Python has no pythonw beside it"))
}
