//! `ductor onboarding`: get the bot, set it up with its own wizard, offer the service, and say what to remember. Never
//! resets anything.

use std::env;

use crate::bot::{self, Bot, Source};
use crate::cli::{InstallArgs, OnboardingArgs, ServiceVerb};
use crate::error::{Code, Result};
use crate::search_path;

use super::{Context, is_interactive, service};

pub fn run(context: &Context<'_>, args: OnboardingArgs) -> Result<Code> {
    let bot = find_or_get(context, args.yes)?;
    if !matches!(bot.source, Source::Chosen) {
        set_up(context, &bot)?;
    }
    offer_service(context, args)?;
    remember(context);
    Ok(Code::Done)
}

/// Sets the service up, which shows what runs then; or says how else the bot is run.
fn offer_service(context: &Context<'_>, args: OnboardingArgs) -> Result<()> {
    let available = context.manager()?.report().is_ok();
    let wanted = |yes: bool| yes || context.ask("Keep the bot always on, as a service?", true);
    if available && !args.no_service && wanted(args.yes) {
        return service::run(context, ServiceVerb::Install(InstallArgs::default())).map(drop);
    }
    context.screen.say(if available {
        "no service; to set it up later: ductor service install"
    } else {
        "this machine has no service manager for you"
    });
    context.screen.say("to run the bot in this terminal: ductor run");
    Ok(())
}

/// The three commands that people need from now on.
fn remember(context: &Context<'_>) {
    let commands = [
        ("status", "what runs, and what to mend"),
        ("service logs", "what the bot writes"),
        ("restart", "end the bot and start it anew"),
    ];
    context.screen.say("\nTo remember:");
    for (command, what) in commands {
        context.screen.say(format_args!("  ductor {command:<12}  {what}"));
    }
}

fn find_or_get(context: &Context<'_>, yes: bool) -> Result<Bot> {
    let home = &context.home;
    let path = search_path::for_bot(home.user(), env::var_os("PATH").as_deref());
    let find = || bot::find(home, &path, env::var_os("DUCTOR_BOT").as_deref());
    match find() {
        Ok(bot) => Ok(bot),
        Err(error) if yes || context.ask("No bot was found. Get it from the Python package index?", true) => {
            context.screen.during("getting the bot", |step| {
                context.effects(false, |effects| bot::install::install(home, &path, None, effects, step))
            })?;
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
