//! `ductor service stop`.

use crate::error::{Code, Result};
use crate::host::{self, Request};
use crate::service::manager::State;
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
    let report = manager.report()?;
    match report.state {
        State::NotInstalled => context.screen.outcome("the service is not installed"),
        State::Stopped | State::Failed | State::GaveUp => {
            context.screen.outcome("already stopped");
            if let Some(host) = host::find(&context.home) {
                let pid = host.process.pid;
                let goes_on = "runs the bot; to stop it too: ductor stop";
                context.screen.say(format_args!("a host in the foreground (pid {pid}) {goes_on}"));
            }
        }
        _ => {
            context.screen.during("stopping the service", |_| {
                context.effects(false, |effects| manager.stop(effects))
            })?;
            context.screen.outcome("stopped");
            if let Some(when) = report.starts_again() {
                context.screen.say(format_args!("it starts again {when}"));
            }
        }
    }
    Ok(Code::Done)
}
