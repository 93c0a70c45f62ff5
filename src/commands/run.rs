//! `ductor run`, and `ductor` alone: be the host of the bot, in the foreground or for the manager.

use std::env;
use std::ffi::OsStr;

use crate::bot::{self, Source};
use crate::cli::{OnboardingArgs, RunArgs};
use crate::error::Result;
use crate::host;
use crate::search_path;

use super::{Context, is_interactive, onboarding};

/// Does for a scheduled task what other managers' definitions do: gives the host its environment.
#[allow(unsafe_code, reason = "the environment is one of this process")]
pub fn take_environment(args: &RunArgs) {
    let given = [
        ("DUCTOR_HOME", args.home.as_ref().map(|home| home.as_os_str())),
        ("DUCTOR_BOT", args.bot.as_ref().map(OsStr::new)),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            // SAFETY: the program has just begun; no other thread runs that could read the environment.
            unsafe { env::set_var(name, value) };
        }
    }
}

pub fn run(context: &Context<'_>, takeover: bool) -> Result<u8> {
    if !host::is_supervised() {
        if is_interactive() && !is_configured(context) {
            return onboarding::run(context, OnboardingArgs::default()).map(|code| code as u8);
        }
        if takeover {
            stop_service(context)?;
        }
    }
    host::run(&context.home, takeover, &|line| context.screen.say(line))
}

fn is_configured(context: &Context<'_>) -> bool {
    let path = search_path::for_bot(context.home.user(), env::var_os("PATH").as_deref());
    let found = bot::find(&context.home, &path, env::var_os("DUCTOR_BOT").as_deref());
    match found {
        Ok(bot) => matches!(bot.source, Source::Chosen) || bot::configured::check(&context.home).is_ok(),
        Err(_) => false,
    }
}

/// The service would bring its host back; so it is stopped through its manager. In the tree of the host this
/// command would end with it, and nothing would run: that is refused later, in words.
fn stop_service(context: &Context<'_>) -> Result<()> {
    if host::inside(&context.home).is_some() {
        return Ok(());
    }
    let manager = context.manager()?;
    if manager.report().is_ok_and(|report| report.state.is_active()) {
        context.screen.say("stopping the service; to start it again: ductor service start");
        context.effects(false, |effects| manager.stop(effects))?;
    }
    Ok(())
}
