//! Words that belong to the bot's own command line: they go there unchanged, and its exit code is ours.

use std::env;
use std::ffi::{OsStr, OsString};
use std::process::Command;

use crate::bot::{self, Bot};
use crate::error::{Context as _, Result};
use crate::home::Home;
use crate::host::{self, tree};
use crate::search_path;
use crate::user;

use super::screen::Screen;

const WORDS: [&str; 4] = ["agents", "docker", "api", "install"];

/// The word and what follows it, where the first word is the bot's. Before our own parser sees it: `-v` behind
/// such a word is the bot's too.
pub fn split(args: &[OsString]) -> Option<(&OsStr, &[OsString])> {
    let (word, rest) = args.get(1..)?.split_first()?;
    WORDS.iter().any(|known| word == known).then_some((word.as_os_str(), rest))
}

/// Hands the word on.
pub fn run(_: &Screen, word: &OsStr, rest: &[OsString]) -> Result<u8> {
    user::check()?;
    let words: Vec<&OsStr> = std::iter::once(word).chain(rest.iter().map(OsString::as_os_str)).collect();
    let home = host::home()?;
    user::check_home(&home)?;
    exec(&home, &words)
}

/// Runs the bot's own command line. It is no child of a host, so it gets none of the host's variables.
pub fn exec(home: &Home, words: &[&OsStr]) -> Result<u8> {
    let path = search_path::for_bot(home.user(), env::var_os("PATH").as_deref());
    let Bot { command, .. } = bot::find(home, &path, env::var_os("DUCTOR_BOT").as_deref())?;
    let (program, args) =
        command.split_first().map_or((OsStr::new(""), &[][..]), |(p, a)| (p.as_os_str(), a));
    let mut process = Command::new(program);
    process.args(args).args(words).env("PATH", path);
    for of_the_host in ["DUCTOR_SUPERVISOR", tree::HOST_HOME, tree::HOST] {
        process.env_remove(of_the_host);
    }
    // Inside the bot's tree the variable may be that of a bot below it.
    if home.is_default() {
        process.env_remove("DUCTOR_HOME");
    } else {
        process.env("DUCTOR_HOME", home.root());
    }
    become_it(process).about(program.to_string_lossy())
}

/// Replaces this process, so that signals, terminal and exit code are the bot's alone.
#[cfg(unix)]
fn become_it(mut process: Command) -> std::io::Result<u8> {
    use std::os::unix::process::CommandExt;
    Err(process.exec())
}

#[cfg(not(unix))]
fn become_it(mut process: Command) -> std::io::Result<u8> {
    let status = process.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
