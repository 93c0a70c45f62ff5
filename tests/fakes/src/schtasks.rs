//! A model of `schtasks.exe` and of the Task Scheduler behind it, in one program.
//!
//! Sources: Microsoft's pages on schtasks and \[MS-TSCH\] for verbs, columns and codes; issues of others' projects
//! for its habits (openclaw #77993, #116875; companion-emergence #260; headroom #3418), as `service-managers` of our
//! research collected them. It was never compared with Windows. What it models:
//!
//! - The exit code is 0, or 1 for every kind of failure. Texts are localised, in the console's code page.
//! - A task belongs to who made it; another user who is no administrator neither sees nor changes it, and its name
//!   is taken. A logon trigger without a user, and a principal who is somebody else, take an administrator.
//! - `/Create` takes only what the [schema](crate::task_schema) allows, and without `/F` no name that is taken. The
//!   stored definition has more in it than the one given (`URI`, and who made it).
//! - `/Run` takes the order and returns; a second instance is not started, and that is no failure. The action gets
//!   the environment of the machine, none of ours. `/End` ends the action's process alone, in no orderly way.
//!
//! Settings, besides those of [`State`]: `user` (`NAME NUMBER`; alice 1001), `elevated`, `denied` (a policy), `down`
//! (the service does not run), `language` (`de`, `fr`, `zh`), `xml` (the form of `/Query /XML`: `utf16`,
//! `utf16-bare`, else UTF-8), `environment` (`NAME=value` lines).

mod action;
mod stored;
mod words;

use std::io::Write;

use crate::state::{Order, State};
use crate::whoami::User;
use stored::Task;
use words::{Status, Words};

/// Results of a task that the scheduler itself makes (`SCHED_S_…`).
const RUNNING: u32 = 0x41301;
const NEVER_RAN: u32 = 0x41303;
const ENDED_BY_USER: u32 = 0x41306;

/// What the program ends with: its text for stdout, or one for stderr.
type Answer = Result<Vec<u8>, Vec<u8>>;

/// Is `schtasks.exe`.
pub fn main(args: &[String]) -> u8 {
    let Some(state) = State::find() else { return 1 };
    match args {
        [flag, name] if flag == action::INSTANCE => action::run(&state, name),
        _ => answer(&state, args),
    }
}

fn answer(state: &State, args: &[String]) -> u8 {
    let words = Words::of(state);
    let answer = match state.call("schtasks.exe", args) {
        Order::Fail => Err(words.denied()),
        Order::Lie => Ok(words.done()),
        Order::Work if state.has("down") => Err(words.no_service()),
        Order::Work => obey(state, &words, args),
    };
    let _closed = match &answer {
        Ok(text) => std::io::stdout().write_all(text),
        Err(text) => std::io::stderr().write_all(text),
    };
    u8::from(answer.is_err())
}

/// The value behind an option.
fn value<'a>(args: &'a [String], option: &str) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg.eq_ignore_ascii_case(option))?;
    args.get(at + 1).map(String::as_str)
}

fn obey(state: &State, words: &Words, args: &[String]) -> Answer {
    let has = |option: &str| args.iter().any(|arg| arg.eq_ignore_ascii_case(option));
    let user = User::of(state);
    let Some(name) = value(args, "/TN").map(|name| name.trim_start_matches('\\')) else {
        return if has("/Query") { Ok(list(state, &user, words)) } else { Err(words.syntax()) };
    };
    let task = Task::find(state, name);
    if has("/Create") {
        let file = value(args, "/XML").and_then(|file| std::fs::read(file).ok());
        let bytes = file.ok_or_else(|| words.not_found())?;
        return create(&user, words, &task, &bytes, has("/F"));
    }
    if !task.exists() {
        return Err(words.not_found());
    }
    if !task.may_be_seen_by(&user) {
        return Err(words.denied());
    }
    if has("/Query") {
        return Ok(if has("/XML") { task.xml(state) } else { row(&task, words) });
    }
    if state.has("denied") && !user.elevated {
        return Err(words.denied());
    }
    if has("/Run") {
        if !task.is_enabled() {
            return Err(words.denied());
        }
        action::start(state, &task).map_err(|_| words.denied())?;
    } else if has("/End") {
        task.instance().ok_or_else(|| words.not_found())?;
        task.set("end", "");
    } else if has("/Delete") {
        if !has("/F") {
            return Err(words.syntax()); // it asks, and nobody answers
        }
        task.remove();
    } else if has("/ENABLE") || has("/DISABLE") {
        task.enable(has("/ENABLE"));
    } else {
        return Err(words.syntax());
    }
    Ok(words.done())
}

fn create(user: &User, words: &Words, task: &Task, bytes: &[u8], replace: bool) -> Answer {
    if let Err(why) = crate::task_schema::check(bytes) {
        return Err(words.bad_xml(&why));
    }
    if task.exists() && (!replace || !task.may_be_seen_by(user)) {
        return Err(words.denied());
    }
    if !user.elevated && (task.is_denied() || stored::needs_administrator(bytes, user)) {
        return Err(words.denied());
    }
    task.store(bytes, user);
    Ok(words.done())
}

/// The tasks that this user may see, as `/FO CSV` gives them.
fn list(state: &State, user: &User, words: &Words) -> Vec<u8> {
    let tasks = Task::all(state).into_iter().filter(|task| task.may_be_seen_by(user));
    let row = |task: Task| {
        [format!("\"\\{}\",\"N/A\",\"", task.name).as_bytes(), &words.status(Status::Ready), b"\"\r\n"]
            .concat()
    };
    tasks.map(row).collect::<Vec<_>>().concat()
}

/// The columns of `/FO CSV /V`; the seventh is the only one that is the same in every language.
fn row(task: &Task, words: &Words) -> Vec<u8> {
    let result = task.number("result").unwrap_or(NEVER_RAN);
    let status = match (result, task.is_enabled()) {
        (RUNNING, _) => Status::Running,
        (_, true) => Status::Ready,
        _ => Status::Disabled,
    };
    let mut row: Vec<Vec<u8>> = vec![b"PC".to_vec(), format!("\\{}", task.name).into(), b"N/A".to_vec()];
    row.extend([words.status(status), words.logon_mode(), words.date(), result.to_string().into()]);
    row.resize(28, b"N/A".to_vec());
    let quoted: Vec<Vec<u8>> = row.iter().map(|field| [b"\"", field.as_slice(), b"\""].concat()).collect();
    [b"\r\n", quoted.join(&b","[..]).as_slice(), b"\r\n"].concat()
}
