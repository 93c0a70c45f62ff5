//! `ductor service uninstall`: stop the service, remove everything that was made for it.

use crate::error::{Code, Error, Result};
use crate::host;
use crate::service::turn::Turn;

use super::Context;

pub fn run(context: &Context<'_>, dry_run: bool) -> Result<Code> {
    if !dry_run && host::inside(&context.home).is_some() {
        return Err(Error::new("the service", "this command runs inside the bot, which would end with it")
            .fix("run it in a terminal of your own"));
    }
    let _turn = Turn::take(&context.home)?;
    let manager = context.manager()?;
    let uninstall = || context.effects(dry_run, |effects| manager.uninstall(effects));
    let said =
        if dry_run { uninstall() } else { context.screen.during("stopping the service", |_| uninstall()) }?;
    if dry_run {
        return Ok(Code::Done);
    }
    for line in &said {
        context.screen.say(line);
    }
    context.screen.outcome(if said.is_empty() {
        "the service was not installed"
    } else {
        "the service is uninstalled"
    });
    Ok(Code::Done)
}
