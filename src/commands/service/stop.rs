//! `ductor service stop`.

use crate::error::{Code, Result};
use crate::host::{self, Request};
use crate::service::manager::State;
use crate::service::turn::Turn;

use super::Context;

pub fn run(context: &Context<'_>) -> Result<Code> {
    let _turn = Turn::take(&context.home)?;
    let manager = context.manager()?;
    if let Some(host) = host::inside(&context.home) {
        host.ask(Request::Stop)?;
        context.screen.data("scheduled");
        return Ok(Code::Done);
    }
    match manager.report()?.state {
        State::NotInstalled => context.screen.data("the service is not installed"),
        State::Stopped | State::Failed | State::GaveUp => context.screen.data("already stopped"),
        _ => {
            context.effects(false, |effects| manager.stop(effects))?;
            context.screen.data("stopped");
        }
    }
    Ok(Code::Done)
}
