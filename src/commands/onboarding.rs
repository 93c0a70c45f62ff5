//! `ductor onboarding`: get the bot, set it up with its own wizard, offer the service, and say what to remember. Never
//! resets anything.

use std::env;

use crate::bot::configured::Lack;
use crate::bot::{self, Bot, Source};
use crate::cli::{InstallArgs, OnboardingArgs, ServiceVerb};
use crate::error::{Code, Error, Result};
use crate::host;
use crate::search_path;

use super::{Context, is_interactive, restart, service};

pub fn run(context: &Context<'_>, args: OnboardingArgs) -> Result<Code> {
    let bot = find_or_get(context, args.yes)?;
    let ran = host::find(&context.home);
    let is_new = !matches!(bot.source, Source::Chosen) && set_up(context, &bot)?;
    if is_new && ran.is_some_and(|host| host.process.is_alive()) {
        restart::run(context)?; // what the wizard wrote a bot takes up when it starts
    }
    offer_service(context, args)?;
    remember(context);
    Ok(Code::Done)
}

/// Sets the service up, which shows what runs then; or says how else the bot is run.
fn offer_service(context: &Context<'_>, args: OnboardingArgs) -> Result<()> {
    let report = context.manager()?.report();
    let runs = report.as_ref().is_ok_and(|report| report.state.is_active());
    let wanted = || args.yes || runs || context.ask("Keep the bot always on, as a service?", true);
    if report.is_ok() && !args.no_service && wanted() {
        return service::run(context, ServiceVerb::Install(InstallArgs::default())).map(drop);
    }
    if runs {
        context.screen.say("the service runs on as it is");
        return Ok(());
    }
    context.screen.say(match report {
        Ok(report) if report.enabled => {
            "the service stays as it is, and starts by itself; to start it now: ductor service start"
        }
        Ok(_) => "no service; to set it up later: ductor service install",
        Err(_) => "this machine has no service manager for you",
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

/// Only the wizard; the bot's own `onboarding` would reset, set up the Python service, and start a second bot. Whether
/// it wrote anything.
fn set_up(context: &Context<'_>, bot: &Bot) -> Result<bool> {
    let lack = bot::configured::lack(&context.home);
    if lack.is_none() {
        context.screen.say(format_args!("already configured: {}", context.home.config().display()));
        return Ok(false);
    }
    if matches!(lack, Some(Lack::Keys(_))) {
        if !is_interactive() {
            let needs = |error: Error| Error {
                cause: format!("{}; the wizard needs a terminal", error.cause),
                ..error
            };
            return bot::configured::check(&context.home).map(|()| false).map_err(needs);
        }
        bot::onboarding::wizard(bot, &context.home)?;
    }
    bot::configured::check(&context.home).map(|()| true)
}
