//! `ductor bot`: the bot program itself.

use std::env;
use std::ffi::OsStr;

use serde_json::json;

use crate::bot::{self, Source};
use crate::cli::BotVerb;
use crate::error::{Code, Result};
use crate::search_path;
use crate::words;

use super::{Context, handed, to_json};

pub fn run(context: &Context<'_>, verb: BotVerb) -> Result<u8> {
    match verb {
        BotVerb::Path(args) => path(context, args.json).map(|code| code as u8),
        BotVerb::Install { version } => install(context, version.as_deref()).map(|code| code as u8),
        BotVerb::Exec { args } => {
            let words: Vec<&OsStr> = args.iter().map(AsRef::as_ref).collect();
            handed::exec(&context.home, &words)
        }
    }
}

fn path(context: &Context<'_>, json: bool) -> Result<Code> {
    let (home, screen) = (&context.home, context.screen);
    let chosen = env::var_os("DUCTOR_BOT");
    let path = search_path::for_bot(home.user(), env::var_os("PATH").as_deref());
    let candidates = bot::candidates(home, &path, chosen.as_deref());
    let found = bot::find(home, &path, chosen.as_deref());
    if json {
        let others: Vec<_> = candidates
            .iter()
            .map(|c| json!({"place": c.place, "found": found_there(c), "taken": c.taken}))
            .collect();
        let bot = found.as_ref().ok();
        screen.give(&to_json(&json!({
            "command": bot.map(|bot| command_line(&bot.command)),
            "source": bot.map(|bot| why(&bot.source)),
            "version": bot.and_then(bot::Bot::version),
            "candidates": others,
        })))?;
    } else {
        for candidate in &candidates {
            let mark = if candidate.taken { "->" } else { "  " };
            screen.say(format_args!("{mark} {}: {}", candidate.place, found_there(candidate)));
        }
        if let Ok(bot) = &found {
            screen.give(&command_line(&bot.command))?;
        }
    }
    found.map(|_| Code::Done)
}

fn install(context: &Context<'_>, version: Option<&str>) -> Result<Code> {
    let home = &context.home;
    let path = search_path::for_bot(home.user(), env::var_os("PATH").as_deref());
    let installed = context.screen.during("getting the bot", |step| {
        context.effects(false, |effects| bot::install::install(home, &path, version, effects, step))
    })?;
    let by = installed.by.map_or_else(|| "was there already".into(), |tool| format!("installed by {tool}"));
    context.screen.outcome(format_args!("ductor {} {by}", installed.version));
    Ok(Code::Done)
}

/// What is at a place, in a few words.
fn found_there(candidate: &bot::Candidate) -> String {
    match &candidate.bot {
        Ok(bot) => command_line(&bot.command),
        Err(error) => error.cause.clone(),
    }
}

/// A command as a person would type it.
pub fn command_line(command: &[std::ffi::OsString]) -> String {
    words::join(command.iter().map(|word| word.to_string_lossy()))
}

/// Why a bot is the one.
pub fn why(source: &Source) -> &'static str {
    match source {
        Source::Chosen => "chosen",
        Source::Installed => "installed",
        Source::Script(_) => "script",
        Source::Module(_) => "module",
    }
}
