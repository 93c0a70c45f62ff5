//! `ductor stop`: the service first, so that it does not come back, then every host and bot of this home.

use crate::error::{Code, Result};
use crate::host::{self, Request};
use crate::service::manager::State;
use crate::service::turn::Turn;

use super::Context;

pub fn run(context: &Context<'_>) -> Result<Code> {
    if let Some(host) = host::inside(&context.home) {
        host.ask(Request::Stop)?;
        context.screen.data("scheduled");
        return Ok(Code::Done);
    }
    let _turn = Turn::take(&context.home)?;
    let manager = context.manager()?;
    let state = manager.report().map_or(State::Unknown, |report| report.state);
    let mut stopped = Vec::new();
    if matches!(state, State::Running | State::Starting | State::Restarting | State::Stopping) {
        context
            .screen
            .during("stopping the service", |_| context.effects(false, |effects| manager.stop(effects)))?;
        stopped.push("stopped the service; it starts again at the next boot".to_owned());
    }
    stopped.extend(context.screen.during("stopping the bot", |_| host::stop_everything(&context.home))?);
    if stopped.is_empty() {
        stopped.push("nothing runs".into());
    }
    for line in stopped {
        context.screen.data(line);
    }
    Ok(Code::Done)
}
