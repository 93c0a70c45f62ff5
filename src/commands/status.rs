//! `ductor status`: the whole picture: the bot, its host, the service, the paths.

use std::env;

use serde_json::json;

use crate::bot::{self, Source};
use crate::effects::text;
use crate::error::{Code, Result};
use crate::host;
use crate::search_path;
use crate::service::harmless::harmless;
use crate::service::status::Owner;
use crate::words;

use super::bot::{command_line, why};
use super::{Context, service, to_json};

pub fn run(context: &Context<'_>, json: bool) -> Result<Code> {
    let home = &context.home;
    let manager = context.manager()?;
    let service = service::examined(context, manager.as_ref())?;
    let path = search_path::for_bot(home.user(), env::var_os("PATH").as_deref());
    let chosen = env::var_os("DUCTOR_BOT").or_else(|| manager.chosen().bot.map(Into::into));
    let bot = bot::find(home, &path, chosen.as_deref());
    let configured = match &bot {
        Ok(bot) if matches!(bot.source, Source::Chosen) => Ok(()),
        _ => bot::configured::check(home),
    };
    let host = host::find(home);
    let version = bot.as_ref().ok().and_then(bot::Bot::version);
    let code = match (service.owner, service.code()) {
        (Owner::None, Code::Done) => Code::NotRunning, // the manager's host has no bot
        (Owner::None, code) => code,
        _ => Code::Done,
    };
    let log = home.agent_log();
    if json {
        let command = bot.as_ref().ok().map(|bot| command_line(&bot.command));
        let source = bot.as_ref().ok().map(|bot| why(&bot.source));
        let since = host.as_ref().and_then(|host| Some(host.state.as_ref()?.since.clone()));
        context.screen.give(&to_json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "home": home.root(),
            "bot": {"command": command, "source": source, "version": version, "configured": configured.is_ok()},
            "host": {"pid": host.as_ref().map(|host| host.process.pid), "since": since},
            "service": service,
            "paths": {"config": home.config(), "log": log, "lock": home.lock(), "data": home.data()},
        })))?;
        return Ok(code);
    }
    let runs = host.as_ref().and_then(|host| host.state.as_ref()?.bot.as_ref());
    let runs = runs.filter(|_| bot.is_err()).map(|bot| text(&harmless(words::join(&bot.command).as_bytes())));
    service::print_of_bot(context.screen, manager.title(), &service, host.as_ref());
    let row =
        |name: &str, text: &dyn std::fmt::Display| context.screen.data(format_args!("  {name:<10}{text}"));
    match &bot {
        Ok(bot) => row(
            "bot",
            &format_args!("{} {}", command_line(&bot.command), version.unwrap_or_default())
                .to_string()
                .trim_end(),
        ),
        // Chosen where its host was started; from here it would not be found.
        Err(_) if runs.is_some() => row("bot", &runs.as_deref().unwrap_or_default()),
        Err(error) => row("bot", &error.cause),
    }
    if let (Err(error), None) = (&configured, &runs) {
        row("config", &format_args!("{}: {}", error.what, error.cause));
    }
    row("home", &home.root().display());
    row("log", &log.display());
    Ok(code)
}
