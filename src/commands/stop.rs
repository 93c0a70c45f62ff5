//! `ductor stop`: the service first, so that it does not come back, then every host and bot of this home.

use crate::error::{Code, Result};
use crate::host::{self, Request};
use crate::service::turn::Turn;

use super::Context;

pub fn run(context: &Context<'_>) -> Result<Code> {
    if let Some(host) = host::inside(&context.home) {
        host.ask(Request::Stop)?;
        context.screen.outcome("scheduled");
        return Ok(Code::Done);
    }
    let _turn = Turn::take(&context.home)?;
    let manager = context.manager()?;
    let mut stopped = Vec::new();
    if let Some(report) = manager.report().ok().filter(|report| report.state.is_active()) {
        context
            .screen
            .during("stopping the service", |_| context.effects(false, |effects| manager.stop(effects)))?;
        let again = report.starts_again().map(|when| format!("; it starts again {when}"));
        stopped.push(format!("stopped the service{}", again.unwrap_or_default()));
    }
    stopped.extend(context.screen.during("stopping the bot", |_| host::stop_everything(&context.home))?);
    if stopped.is_empty() {
        stopped.push("nothing runs".into());
    }
    for line in stopped {
        context.screen.outcome(line);
    }
    Ok(Code::Done)
}
