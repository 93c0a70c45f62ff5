//! `ductor service logs`: what the bot writes, from wherever it can be read.

use std::fmt;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdout, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Code, Context as _, Error, Result};
use crate::host::{self, Host, Supervision};
use crate::service::harmless::{Harmless, harmless};
use crate::service::logs::{End, Lines};
use crate::service::manager::{Logs, Manager};
use crate::service::systemd::journal::Journal;
use crate::service::up::Before;

use super::{Context, ctrl_c, reader};

/// So long last words are waited for, of which there may be none.
const ON_THE_WAY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub fn run(context: &Context<'_>, count: u64, follow: bool) -> Result<Code> {
    if follow {
        ctrl_c::end()?; // from the first line on
    }
    match context.manager()?.logs() {
        Logs::Files(files) => print_files(context, &files, count, follow),
        Logs::Journal(unit) => {
            let journal = Journal::of(unit);
            match in_journal(&journal, host::find(&context.home).as_ref()) {
                Found::Lines => print_journal(&journal, count, follow),
                Found::None => {
                    context.screen.say(NOTHING);
                    if follow { print_journal(&journal, count, follow) } else { Ok(Code::Done) }
                }
                Found::NoJournal => {
                    let file = context.home.agent_log();
                    let from = format!("these are from {}", file.display());
                    context.screen.say(format_args!("the journal shows no lines of ductor; {from}"));
                    print_files(context, &[file], count, follow)
                }
            }
        }
    }
}

const NOTHING: &str = "nothing yet";

/// What is found in the journal.
enum Found {
    Lines,
    /// None yet, or none is left.
    None,
    /// It is not kept, or not for us to read.
    NoJournal,
}

/// With a host there have to be lines of it: what is older says nothing about a journal that is not kept any more.
fn in_journal(journal: &Journal, host: Option<&Host>) -> Found {
    let is_services = |host: &Host| matches!(&host.state, Some(of) if of.supervision == Supervision::Systemd);
    let since = host.map(|host| host.process.started_at());
    if journal.has_lines(since) {
        return Found::Lines;
    }
    match since {
        Some(since) if host.is_some_and(is_services) && journal.is_kept(since) => {
            if journal.has_lines(None) {
                Found::Lines
            } else {
                Found::None
            }
        }
        _ => Found::NoJournal,
    }
}

/// The last lines of what the bot and its host wrote since `before`, for an error that shows them.
pub fn since(context: &Context<'_>, manager: &dyn Manager, before: &mut Before, count: usize) -> Vec<u8> {
    let since = before.news_since(&context.home);
    let mut end = End::default();
    let mut in_files = || {
        let _unreadable = before.files.as_mut().map(|files| files.copy_new(&mut end));
        end.lines(count).to_vec()
    };
    harmless(&match manager.logs() {
        Logs::Files(_) => settled(in_files),
        Logs::Journal(unit) => match settled(|| Journal::of(unit).last(count, since)) {
            none if none.is_empty() => in_files(),
            said => said,
        },
    })
}

/// What two looks in a row show. The end of a bot is known before its last words are where they are kept: journald, or
/// a thread of the host, has them on the way.
fn settled(mut look: impl FnMut() -> Vec<u8>) -> Vec<u8> {
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

fn print_journal(journal: &Journal, count: u64, follow: bool) -> Result<Code> {
    if count == 0 && !follow {
        return Ok(Code::Done); // journalctl would print that there are none
    }
    let mut journalctl = journal.reader(count, follow).stdout(Stdio::piped()).spawn().about("journalctl")?;
    let lines = journalctl.stdout.take();
    if let Err(error) = lines.map_or(Ok(()), |lines| copy(lines, &mut *sink())) {
        let _ended = journalctl.kill().and_then(|()| journalctl.wait());
        return reader_went_or(error, "journalctl");
    }
    // However we end, it does too, as nobody reads from it any more.
    let status = journalctl.wait().about("journalctl")?;
    if status.success() { Ok(Code::Done) } else { Err(Error::new("journalctl", status)) }
}

/// Line by line as they come, for as long as somebody reads them.
fn copy(mut lines: ChildStdout, sink: &mut dyn Write) -> io::Result<()> {
    let mut block = vec![0; 64 * 1024];
    while reader::waits_for(&lines)? {
        match lines.read(&mut block)? {
            0 => return Ok(()),
            length => sink.write_all(&block[..length])?,
        }
        sink.flush()?;
    }
    Err(io::ErrorKind::BrokenPipe.into())
}

/// Where lines are printed: as they are, but on a terminal.
fn sink() -> Box<dyn Write> {
    let stdout = io::stdout();
    if stdout.is_terminal() { Box::new(Harmless::new(stdout.lock())) } else { Box::new(stdout.lock()) }
}

/// A reader that had enough, as `head` has, is a good end.
fn reader_went_or(error: io::Error, what: impl fmt::Display) -> Result<Code> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(Code::Done) } else { Err(Error::new(what, error)) }
}

fn print_files(context: &Context<'_>, files: &[PathBuf], count: u64, follow: bool) -> Result<Code> {
    let mut sink = sink();
    let printed = Lines::last(files, count, &mut *sink).and_then(|lines| {
        if lines.are_none() {
            context.screen.say(NOTHING);
        }
        if follow { lines.follow(&mut *sink) } else { Ok(()) }
    });
    printed.map_or_else(|error| reader_went_or(error, context.home.logs().display()), |()| Ok(Code::Done))
}
