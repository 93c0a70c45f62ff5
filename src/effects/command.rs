//! Running a program with a deadline, without a terminal, in a locale that never changes what it says.

#[cfg(unix)]
#[path = "command/unix.rs"]
mod os;
#[cfg(windows)]
#[path = "command/windows.rs"]
mod os;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::fault;
use crate::error::{Error, Result};
use crate::words;

/// So much is kept of what a program says, of either stream: its own memory is its own affair, ours is not.
const HEARD: usize = 16 << 20;

/// A program with its arguments, what is different in its environment, and how long it may take.
#[derive(Clone, Debug)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    timeout: Duration,
}

/// How a program ended, and what it said.
#[derive(Clone, Debug, Default)]
pub struct Output {
    status: Option<ExitStatus>,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl Command {
    /// `program`, looked up in PATH, with these arguments, for at most 15 seconds.
    pub fn new<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, args: impl IntoIterator<Item = S>) -> Self {
        Self {
            program: program.as_ref().into(),
            args: args.into_iter().map(|arg| arg.as_ref().into()).collect(),
            env: Vec::new(),
            timeout: Duration::from_secs(15),
        }
    }

    /// The same with one more variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The same with another deadline.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The error that says that this command failed: its line, its code, its last lines.
    pub fn failed(&self, output: &Output) -> Error {
        let said = text(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
        let lines: Vec<&str> = said.trim().lines().collect();
        let tail = lines[lines.len().saturating_sub(5)..].join("\n  ");
        let ended = output.status.map_or_else(|| "not run".into(), |status| status.to_string());
        Error::new(self, if tail.is_empty() { ended } else { format!("{ended}\n  {tail}") })
    }
}

/// The line that a person would type.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = std::iter::once(&self.program).chain(&self.args).map(|word| word.to_string_lossy());
        f.write_str(&words::join(all))
    }
}

impl Output {
    /// It ended with 0 (or was only told about).
    pub fn success(&self) -> bool {
        self.status.is_none_or(|status| status.success())
    }

    /// Its exit code; none when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.map_or(Some(0), |status| status.code())
    }
}

/// A program that was asked something, and is about to answer.
#[derive(Debug)]
pub struct Asked {
    command: Command,
    child: Child,
    deadline: Instant,
}

/// Runs a command that changes nothing, and waits for its end.
///
/// # Errors
/// It could not be started, or did not end in its time (it is killed then).
pub fn ask(command: &Command) -> Result<Output> {
    begin(command)?.answer()
}

/// Starts a command that changes nothing. Who has something else to look at does that while it works.
///
/// It gets no input, so it can't ask; its locale is fixed, so that nothing depends on the caller's.
///
/// # Errors
/// It could not be started.
pub fn begin(command: &Command) -> Result<Asked> {
    let mut process = std::process::Command::new(&command.program);
    process
        .args(&command.args)
        .envs([("LC_ALL", "C.UTF-8"), ("LANGUAGE", ""), ("SYSTEMD_COLORS", "0"), ("SYSTEMD_PAGER", "")])
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    fault::keep_from(&mut process);
    os::own_group(&mut process);
    let child = process.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(command, format!("{} was not found in PATH", command.program.to_string_lossy()))
                .fix(os::PATH_OF_SYSTEM)
        }
        _ => Error::new(command, error.to_string()),
    })?;
    let deadline = Instant::now() + command.timeout;
    Ok(Asked { command: command.clone(), child, deadline })
}

impl Asked {
    /// Waits for its end.
    ///
    /// # Errors
    /// It did not end in its time, or can't be heard; it is killed then.
    pub fn answer(self) -> Result<Output> {
        let Self { command, child, deadline } = self;
        let pid = child.id();
        let heard = os::hear(child, deadline);
        if !matches!(heard, Ok(Some(_))) {
            os::kill_group(pid);
        }
        let late =
            || Error::new(&command, format!("no answer in {} s; it was ended", command.timeout.as_secs()));
        heard.map_err(|error| Error::new(&command, error))?.ok_or_else(late)
    }
}

/// What a program says or writes, as text: UTF-16 where its first bytes tell so, UTF-8 where it is that, else in the
/// code page of the console (Windows; "OEM"). What is none of these is replaced.
pub fn text(bytes: &[u8]) -> String {
    let (is_utf16, rest) = match bytes {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [_, 0, ..] => (true, bytes), // ASCII in UTF-16, without the mark
        [0xef, 0xbb, 0xbf, rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    if is_utf16 {
        let units = rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        return char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    String::from_utf8(rest.into()).unwrap_or_else(|_| os::of_console(rest))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_shows_its_line_its_code_and_its_last_lines() {
        let command = Command::new("sh", ["-c", "seq 9 >&2; exit 3"]);
        let error = command.failed(&ask(&command).unwrap()).to_string();
        assert_eq!(error, "error: sh -c 'seq 9 >&2; exit 3': exit status: 3\n  5\n  6\n  7\n  8\n  9");
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let command = Command::new("sh", ["-c", "sleep 100 & wait"]).timeout(Duration::from_millis(100));
        let error = ask(&command).unwrap_err();
        assert!(error.cause.contains("no answer in 0 s"), "{error}");
    }

    #[test]
    fn a_command_that_only_stops_talking_is_ended_too() {
        let line = "exec >&- 2>&-; sleep 100";
        let command = Command::new("sh", ["-c", line]).timeout(Duration::from_millis(300));
        assert!(ask(&command).unwrap_err().cause.contains("no answer in 0 s"));
    }

    #[test]
    fn a_program_that_never_stops_talking_is_not_kept_whole() {
        let command = Command::new("sh", ["-c", "head -c 20000000 /dev/zero; echo 1 >&2; exit 3"]);
        let output = ask(&command).unwrap();
        assert_eq!(
            (output.stdout.len(), output.stderr, output.status.unwrap().code()),
            (16 << 20, b"1\n".into(), Some(3))
        );
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = ask(&Command::new("no-such-program", ["x"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error: no-such-program x: no-such-program was not found in PATH\n  \
             fix: export PATH=\"$PATH:/usr/bin:/bin:/usr/sbin:/sbin\""
        );
    }

    #[test]
    fn what_a_program_says_is_text_in_whatever_form() {
        let utf16: Vec<u8> = "a é😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(&[&[0xff, 0xfe], utf16.as_slice()].concat()), "a é😀");
        assert_eq!(text(&utf16), "a é😀");
        assert_eq!(text("é".as_bytes()), "é");
        assert_eq!(text(b"\xef\xbb\xbfa"), "a");
        assert_eq!((text(b"a"), text(b"")), ("a".into(), String::new()));
        assert!(text(b"a\x81b").ends_with('b'));
    }
}
