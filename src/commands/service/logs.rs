//! `ductor service logs`: what the bot writes, from wherever it can be read.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

use crate::effects;
use crate::error::{Code, Context as _, Error, Result};
use crate::host;
use crate::service::harmless::{Harmless, harmless};
use crate::service::logs::{Lines, changed};
use crate::service::manager::{Logs, Manager};
use crate::service::systemd::bus;
use crate::user;

use super::{Context, ctrl_c};

/// So long last words are waited for, of which there may be none.
const ON_THE_WAY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub fn run(context: &Context<'_>, count: u32, follow: bool) -> Result<Code> {
    let manager = context.manager()?;
    match manager.logs() {
        Logs::Journal(unit) if journal_has_lines(context, unit) => journal(unit, count, follow),
        Logs::Files(files) => print_files(context, &files, count, follow),
        Logs::Journal(_) => {
            let file = context.home.agent_log();
            context
                .screen
                .say(format_args!("the journal shows no lines of ductor; these are from {}", file.display()));
            print_files(context, &[file], count, follow)
        }
    }
}

/// The last lines that the bot and its host wrote since a moment, for an error that shows them.
pub fn since(context: &Context<'_>, manager: &dyn Manager, then: Timestamp, count: u32) -> Vec<u8> {
    let logs = manager.logs();
    let mut said = settled(|| match &logs {
        Logs::Journal(unit) => journal_since(unit, then, count),
        Logs::Files(files) => files_since(files, then, count),
    });
    if said.is_empty() && matches!(logs, Logs::Journal(_)) {
        let _unreadable = Lines::last(&[context.home.agent_log()], count, &mut said);
    }
    harmless(&said)
}

/// What two looks in a row show. The end of a bot is known before its last words are where they are kept: journald, or
/// a thread of the host, has them on the way.
fn settled(look: impl Fn() -> Vec<u8>) -> Vec<u8> {
    let deadline = Instant::now() + ON_THE_WAY;
    let mut said = look();
    while Instant::now() < deadline {
        thread::sleep(LOOK_EVERY);
        let now = look();
        if !now.is_empty() && now == said {
            break;
        }
        said = now;
    }
    said
}

fn files_since(files: &[PathBuf], then: Timestamp, count: u32) -> Vec<u8> {
    let is_new = |file: &&PathBuf| changed(file).is_some_and(|at| at >= SystemTime::from(then));
    let new: Vec<PathBuf> = files.iter().filter(is_new).cloned().collect();
    let mut said = Vec::new();
    let _unreadable = Lines::last(&new, count, &mut said);
    said
}

/// Not what the manager itself says about the unit.
fn journal_since(unit: &str, then: Timestamp, count: u32) -> Vec<u8> {
    let since = format!("--since=@{}", then.as_second());
    let (number, written_by) = (count.to_string(), from_within(unit));
    let mut words = vec!["--output=cat", since.as_str(), "-n", number.as_str()];
    words.extend(written_by.iter().map(String::as_str));
    look(&words)
}

/// What selects the lines of the host and its tree. `-u` alone loses those of who ends at once, the last words of a
/// bot and all that a short command writes: journald asks /proc for the unit of a line's writer, which may be gone by
/// then (systemd issue 2913). The identifier comes from the unit itself.
fn from_within(unit: &str) -> [String; 5] {
    let name = unit.trim_end_matches(".service");
    let by_unit = format!("_SYSTEMD_USER_UNIT={unit}");
    [by_unit, of_us(), "+".into(), format!("SYSLOG_IDENTIFIER={name}"), of_us()]
}

/// The same with what is said about the unit, by its manager and of a dump of its memory: what `-u` shows, and no less
/// of it.
fn from_within_and_about(unit: &str) -> Vec<String> {
    let about =
        ["USER_UNIT", "COREDUMP_USER_UNIT"].map(|field| ["+".into(), format!("{field}={unit}"), of_us()]);
    from_within(unit).into_iter().chain(about.into_iter().flatten()).collect()
}

fn of_us() -> String {
    format!("_UID={}", user::number())
}

/// As people know it, with what the manager says about the unit.
fn journalctl(unit: &str, count: u32, args: &[&str]) -> Command {
    let mut command = Command::new("journalctl");
    command.args(["--user", "--no-hostname", "-n", &count.to_string()]).args(args);
    command.args(from_within_and_about(unit)).envs(bus::environment());
    command
}

/// Readable, and with lines of the host that runs, if one does: what is older says nothing about a journal that
/// is not kept any more.
fn journal_has_lines(context: &Context<'_>, unit: &str) -> bool {
    let host = host::find(&context.home);
    let since = host.map(|host| format!("--since=@{}", host.process.started_at().as_second()));
    let selected = from_within_and_about(unit);
    let mut words = vec!["--output=cat", "-n", "1"];
    words.extend(since.iter().chain(&selected).map(String::as_str));
    !look(&words).is_empty()
}

/// What journalctl tells of the user's journal; nothing where it can't be read, which it does not count as a
/// failure.
fn look(words: &[&str]) -> Vec<u8> {
    let words = ["--user", "--quiet", "--no-pager"].iter().chain(words);
    let ask_it = effects::Command::new("journalctl", words);
    let ask_it = bus::environment().into_iter().fold(ask_it, |it, (name, value)| it.env(name, value));
    effects::ask(&ask_it).map_or(Vec::new(), |output| output.stdout)
}

fn journal(unit: &str, count: u32, follow: bool) -> Result<Code> {
    let interrupted = ctrl_c::note()?; // it ends journalctl, and so us
    let mut command = journalctl(unit, count, if follow { &["-f"] } else { &["--no-pager"] });
    let status = command.status().about("journalctl")?;
    match status.code() {
        Some(0) => Ok(Code::Done),
        _ if ctrl_c::reader_went(status) => Ok(Code::Done),
        _ if follow && interrupted.load(Ordering::Relaxed) => Ok(Code::Done),
        _ => Err(Error::new("journalctl", status)),
    }
}

fn print_files(context: &Context<'_>, files: &[PathBuf], count: u32, follow: bool) -> Result<Code> {
    if follow {
        ctrl_c::end()?; // from the first line on
    }
    let stdout = io::stdout();
    let mut sink: Box<dyn Write> =
        if stdout.is_terminal() { Box::new(Harmless::new(stdout.lock())) } else { Box::new(stdout.lock()) };
    let printed = Lines::last(files, count, &mut *sink).and_then(|lines| {
        if lines.are_none() {
            context.screen.say("nothing yet");
        }
        if follow { lines.follow(&mut *sink) } else { Ok(()) }
    });
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(context.home.logs().display(), error))
        }
        _ => Ok(Code::Done),
    }
}
