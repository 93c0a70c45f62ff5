//! `ductor service install`: set the service up, and see the bot come up. Again: nothing changes.

use crate::cli::InstallArgs;
use crate::error::{Code, Result};
use crate::host;
use crate::service::manager::{Install, State};
use crate::service::turn::Turn;

use super::{Context, definition, preflight, refuse_foreground, show, wait_until_up};

pub fn run(context: &Context<'_>, args: &InstallArgs) -> Result<Code> {
    let _turn = Turn::take(&context.home)?;
    let manager = context.manager()?;
    let manager = manager.as_ref();
    let definition = definition(context, manager, args.bot.clone())?;
    preflight(&context.home, &definition)?;

    let running = host::find(&context.home);
    let inside = host::inside(&context.home).is_some();
    if !args.dry_run && !args.no_start {
        refuse_foreground(running.as_ref(), manager)?;
    }

    let how = Install { linger: !args.no_linger };
    let installed = context.effects(args.dry_run, |effects| {
        let installed = manager.install(&definition, how, effects)?;
        if args.dry_run && !args.no_start {
            manager.start(effects)?;
        }
        Ok(installed)
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

    let state = manager.report()?.state;
    let before = running.map(|host| host.process);
    match (args.no_start, state) {
        (true, _) => context.screen.say("installed, not started; to start it: ductor service start"),
        _ if inside => context.screen.say("installed; what changed takes effect with the next restart"),
        (false, State::Running) if !installed.changed => {
            context.screen.say("already installed; nothing changed");
        }
        (false, State::Running) => {
            context.effects(false, |effects| manager.restart(effects))?;
            wait_until_up(context, manager, before.as_ref())?;
        }
        (false, _) => {
            context.effects(false, |effects| manager.start(effects))?;
            wait_until_up(context, manager, before.as_ref())?;
        }
    }
    show(context, manager)
}
