//! The bot's own note of its pid, `bot.pid`, and the *other bot* that it may name: one that no host started.
//!
//! The note is dangerous. A bot that starts kills the process whose pid stands there, with all its
//! descendants, without a look at what it is (ductor 0.20 `infra/pidlock.py`); a stale note names a stranger
//! after a reboot, and a planted one may name anything. So the host never starts a bot while the note is
//! there: it names another living bot, which is dealt with first, or it is removed.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, Instant};

use super::lock;
use super::plan::CHOSEN;
use super::tree::Mark;
use crate::effects::file;
use crate::home::Home;
use crate::process::Process;
use crate::words;

/// A living bot of this home that no living host started. The note is believed only when the process is one
/// of this user, its command line runs the bot, and it was started for this home.
pub fn other_bot(home: &Home) -> Option<Process> {
    let note = file::read_bounded(&home.bot_pid(), 64).ok()?;
    let bot = Process::of(noted(&note)?)?;
    let runs_it = bot.is_ours() && runs_bot(&bot.command(), &chosen()) && is_for(home, &bot);
    (runs_it && !has_host(home, &bot)).then_some(bot)
}

/// The pid in a note.
pub(crate) fn noted(note: &[u8]) -> Option<u32> {
    std::str::from_utf8(note).ok()?.trim().parse().ok()
}

/// By the bot's own rule: `DUCTOR_HOME`, else `~/.ductor`. Another home's bot is a stranger to us.
fn is_for(home: &Home, bot: &Process) -> bool {
    let chosen = bot.environment("DUCTOR_HOME").filter(|chosen| !chosen.is_empty());
    let its = Home::of(home.user().to_owned(), chosen);
    its.is_ok_and(|its| its.is_the_same(home))
}

/// Whether another bot took the place of ours, which just ended with 0. It ends ours first and writes its note
/// afterwards, so the note is given a moment.
pub(super) fn was_replaced(home: &Home) -> bool {
    let deadline = Instant::now() + Duration::from_secs(1);
    while other_bot(home).is_none() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50)); // the host ends here in any case
    }
    true
}

/// It is in the tree of this home's host, or in that of a living host of another home: then the note lies.
fn has_host(home: &Home, bot: &Process) -> bool {
    let ancestors = bot.ancestors();
    let of_another_home = |mark: &Mark| !mark.is_about(home) && ancestors.contains(&mark.host);
    lock::holder(home).is_some_and(|host| ancestors.contains(&host))
        || Mark::of(bot).is_some_and(|mark| of_another_home(&mark))
}

fn chosen() -> Vec<String> {
    let line = std::env::var(CHOSEN).unwrap_or_default();
    words::split(&line).unwrap_or_default()
}

/// This command line runs the bot: its module or its console script by a Python, or the chosen command, which
/// an interpreter may have been put before.
pub(crate) fn runs_bot(command: &[OsString], chosen: &[String]) -> bool {
    let Some((program, args)) = command.split_first() else { return false };
    let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    (["python", "pypy"].iter().any(|python| name.starts_with(python)) && python_runs_bot(args))
        || is_chosen(command, chosen)
}

/// What stands behind `python`: see its manual page for the options that take a value.
fn python_runs_bot(args: &[OsString]) -> bool {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let word = arg.to_string_lossy();
        if word.starts_with("--") {
            continue;
        }
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            let script = Path::new(arg);
            let name = script.file_name().unwrap_or_default().to_string_lossy();
            let name = name.trim_end_matches(".exe"); // a launcher of Windows has its python run it
            return name == "ductor" || name == "ductor_bot" || script.ends_with("ductor_bot/__main__.py");
        };
        let Some(at) = letters.find(['m', 'c', 'W', 'X']) else { continue };
        let attached = Some(&letters[at + 1..]).filter(|value| !value.is_empty()).map(OsString::from);
        let value = attached.or_else(|| args.next().cloned());
        match &letters[at..=at] {
            "m" => return value.is_some_and(|module| module == "ductor_bot"),
            "c" => return false,
            _ => {}
        }
    }
    false
}

fn is_chosen(command: &[OsString], chosen: &[String]) -> bool {
    let Some((program, args)) = chosen.split_first() else { return false };
    let Some(start) = command.len().checked_sub(chosen.len()) else { return false };
    let same_file = Path::new(&command[start]).file_name() == Path::new(program).file_name();
    same_file && command[start + 1..].iter().map(OsString::as_os_str).eq(args.iter().map(OsStr::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(command: &str, chosen: &str) -> bool {
        let words = shell_words::split(command).unwrap();
        runs_bot(&words.iter().map(OsString::from).collect::<Vec<_>>(), &shell_words::split(chosen).unwrap())
    }

    #[test]
    fn a_bot_is_known_by_its_command_line() {
        for bot in [
            "python3 -m ductor_bot",
            "/v/bin/python3.11 -I -X dev -Wignore -m ductor_bot --verbose",
            "python -Imductor_bot",
            "/v/bin/python /home/u/.local/bin/ductor",
            "/v/bin/pypy3 /v/site-packages/ductor_bot/__main__.py",
            "/v/Scripts/python.exe /v/Scripts/ductor.exe --verbose",
            "/v/Scripts/pythonw.exe -m ductor_bot",
            "/Library/Frameworks/Python.app/Contents/MacOS/Python -m ductor_bot",
        ] {
            assert!(runs(bot, ""), "{bot}");
        }
    }

    #[test]
    fn whatever_else_is_a_stranger() {
        for stranger in [
            "/usr/bin/ductor",
            "vim ductor_bot",
            "python3 -c 'import ductor_bot' -m ductor_bot",
            "python3 script.py -m ductor_bot",
            "python3 -X ductor_bot",
            "python3 -m ductor_bot.tests",
            "python3 - ductor",
            "python3",
            "",
        ] {
            assert!(!runs(stranger, ""), "{stranger}");
        }
    }

    #[test]
    fn the_chosen_command_counts_with_an_interpreter_before_it() {
        assert!(runs("/bin/sh /opt/bot.sh -x", "/opt/bot.sh -x"));
        assert!(runs("/usr/bin/node /opt/bot.js", "bot.js"));
        assert!(!runs("/bin/sh /opt/bot.sh -x", "/opt/bot.sh"));
        assert!(!runs("/opt/other.sh", "/opt/bot.sh"));
        assert!(!runs("/opt/bot.sh", ""));
    }
}
