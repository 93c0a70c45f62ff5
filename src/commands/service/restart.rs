//! `ductor service restart`.

use crate::error::{Code, Result};
use crate::host::{self, Request};
use crate::service::turn::Turn;

use super::{
    Before, Context, definition, installed_state, preflight, refuse_foreground, show, wait_until_up,
    with_last_words,
};

pub fn run(context: &Context<'_>) -> Result<Code> {
    if let Some(host) = host::inside(&context.home) {
        host.ask(Request::Restart)?;
        context.screen.outcome("scheduled");
        return Ok(Code::Done);
    }
    let seen = host::find(&context.home);
    let _turn = Turn::take(&context.home)?;
    let manager = context.manager()?;
    let manager = manager.as_ref();
    installed_state(manager)?;
    preflight(&context.home, &definition(context, manager, None)?)?;
    let mut before = Before::look(&context.home, manager);
    let is_new = before.host.as_ref().is_some_and(|host| Some(host.process) != seen.map(|host| host.process));
    if is_new {
        context.screen.say("already restarted, by another command at the same time");
        return show(context, manager);
    }
    refuse_foreground(before.host.as_ref(), manager)?;
    context
        .screen
        .during("restarting the service", |_| context.effects(false, |effects| manager.restart(effects)))
        .map_err(|error| with_last_words(context, manager, &mut before, error))?;
    wait_until_up(context, manager, &mut before)?;
    show(context, manager)
}
