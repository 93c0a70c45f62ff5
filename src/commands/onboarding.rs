//! `ductor onboarding`: get the bot, set it up with its own wizard, offer the service. Never resets anything.

use std::env;

use crate::bot::{self, Bot, Source};
use crate::cli::{InstallArgs, ServiceVerb};
use crate::error::{Code, Result};
use crate::search_path;

use super::{Context, is_interactive, service};

pub fn run(context: &Context<'_>, yes: bool) -> Result<Code> {
    let bot = find_or_get(context, yes)?;
    if !matches!(bot.source, Source::Chosen) {
        set_up(context, &bot)?;
    }
    let available = context.manager()?.report().is_ok();
    if available && (yes || context.ask("Keep the bot always on, as a service?", true)) {
        service::run(context, ServiceVerb::Install(InstallArgs::default()))?;
    } else if available {
        context.screen.say("no service; to set it up later: ductor service install");
    } else {
        context.screen.say("this machine has no service manager for you; to run the bot here: ductor run");
    }
    context.screen.say("To remember: `ductor status`, `ductor service logs`, `ductor restart`.");
    Ok(Code::Done)
}

fn find_or_get(context: &Context<'_>, yes: bool) -> Result<Bot> {
    let home = &context.home;
    let path = search_path::for_bot(home.user(), env::var_os("PATH").as_deref());
    let find = || bot::find(home, &path, env::var_os("DUCTOR_BOT").as_deref());
    match find() {
        Ok(bot) => Ok(bot),
        Err(error) if yes || context.ask("No bot was found. Get it from the Python package index?", true) => {
            let progress = |step: &str| context.screen.say(step);
            context.effects(false, |effects| bot::install::install(home, &path, None, effects, &progress))?;
            find().map_err(|_| error)
        }
        Err(error) => Err(error),
    }
}

/// Only the wizard; the bot's own `onboarding` would reset, set up the Python service, and start a second bot.
fn set_up(context: &Context<'_>, bot: &Bot) -> Result<()> {
    match bot::configured::check(&context.home) {
        Ok(()) => {
            context.screen.say(format_args!("already configured: {}", context.home.config().display()));
            Ok(())
        }
        Err(error) if !is_interactive() => Err(error.fix("ductor onboarding, in a terminal")),
        Err(_) => {
            bot::onboarding::wizard(bot, &context.home)?;
            bot::configured::check(&context.home)
        }
    }
}
