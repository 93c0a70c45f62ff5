//! `ductor service start`.

use crate::error::{Code, Result};
use crate::service::manager::State;
use crate::service::turn::Turn;

use super::{
    Before, Context, definition, installed_state, preflight, refuse_foreground, show, wait_until_up,
    with_last_words,
};

pub fn run(context: &Context<'_>) -> Result<Code> {
    let _turn = Turn::take(&context.home)?;
    let manager = context.manager()?;
    let manager = manager.as_ref();
    let state = installed_state(manager)?;
    if state == State::Running {
        context.screen.say("already running");
        return show(context, manager);
    }
    preflight(&context.home, &definition(context, manager, None)?)?;
    let mut before = Before::look(&context.home, manager);
    refuse_foreground(before.host.as_ref(), manager)?;
    context
        .screen
        .during("starting the service", |_| context.effects(false, |effects| manager.start(effects)))
        .map_err(|error| with_last_words(context, manager, &mut before, error))?;
    wait_until_up(context, manager, &mut before)?;
    show(context, manager)
}
