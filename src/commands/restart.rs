//! `ductor restart`: through whoever owns the bot.

use crate::cli::ServiceVerb;
use crate::error::{Code, Error, Result};
use crate::host::{self, HostState, Request};
use crate::service::manager::State;
use crate::service::up;

use super::{Context, service};

pub fn run(context: &Context<'_>) -> Result<Code> {
    if let Some(host) = host::inside(&context.home) {
        host.ask(Request::Restart)?;
        context.screen.outcome("scheduled");
        return Ok(Code::Done);
    }
    let report = context.manager()?.report();
    let host = host::find(&context.home);
    let services =
        host.as_ref().filter(|host| report.as_ref().is_ok_and(|report| report.pid == Some(host.process.pid)));
    if let (Some(host), None) = (&host, services) {
        // Without the manager's word the host's own is what there is.
        let is_services = report.is_err() && host.state.as_ref().is_some_and(HostState::is_supervised);
        let whose = if is_services { "service's" } else { "foreground" };
        host.ask(Request::Restart)?;
        context.screen.during("waiting for the bot", |_| up::wait_for_new_bot(&context.home, host))?;
        context
            .screen
            .outcome(format_args!("restarted the bot of the {whose} host (pid {})", host.process.pid));
        return Ok(Code::Done);
    }
    match report {
        Ok(report) if report.state != State::NotInstalled => service::run(context, ServiceVerb::Restart),
        Ok(_) => {
            Err(Error::new("the bot", "nothing runs, and no service is installed")
                .fix("ductor service install"))
        }
        Err(error) => Err(error),
    }
}
