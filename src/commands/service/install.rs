//! `ductor service install`: set the service up, and see the bot come up. Again: nothing changes.

use crate::cli::InstallArgs;
use crate::error::{Code, Result};
use crate::host;
use crate::service::manager::Install;
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

    let how = Install { linger: !args.no_linger, start: !args.no_start && !inside };
    let installed = context.effects(args.dry_run, |effects| manager.install(&definition, how, effects))?;
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
        wait_until_up(context, manager, running.map(|host| host.process).as_ref())?;
    } else {
        context.screen.say(match (args.no_start, inside) {
            (true, _) => "installed, not started; to start it: ductor service start",
            (_, true) => "installed; what changed takes effect with the next restart",
            _ => "already installed; nothing changed",
        });
    }
    show(context, manager)
}
