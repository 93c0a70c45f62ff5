//! Commands in a machine, as people run them: who, in which kind of session, and how it ended.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::util::wait_for;
use super::{Machine, image};

/// Who runs a command, and how that user came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User<'a> {
    /// root in the system itself, as a package manager or an administrator's script runs.
    Root,
    /// In a login session (PAM), as at a console or over ssh: `XDG_RUNTIME_DIR` and the user's bus are there.
    Login(&'a str),
    /// `su - USER` by an administrator who is logged in: a login shell, but still root's session, so neither
    /// is there.
    SuLogin(&'a str),
    /// `su USER` by the same: the environment is partly root's.
    Su(&'a str),
    /// From cron: no session, next to nothing in the environment.
    Cron(&'a str),
}

impl<'a> From<&'a str> for User<'a> {
    fn from(name: &'a str) -> Self {
        if name == "root" { Self::Root } else { Self::Login(name) }
    }
}

/// How a command ended, and what it said.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit code; 128+N where signal N ended it.
    pub code: i32,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
    line: String,
}

impl Output {
    /// The standard output without the last line break.
    ///
    /// # Errors
    /// It ended with another code than 0.
    pub fn ok(self) -> Result<String> {
        self.ended(0).map(|output| output.stdout.trim_end().to_string())
    }

    /// The same output.
    ///
    /// # Errors
    /// It ended with another code than `code`.
    pub fn ended(self, code: i32) -> Result<Self> {
        if self.code != code {
            bail!("expected to end with {code}: {self}");
        }
        Ok(self)
    }
}

/// The command, its code and all it said.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nended with {} after {:.2} s", self.line, self.code, self.took.as_secs_f32())?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// What a command may take. It is ended then, with code 124.
const DEADLINE: &str = "300";

pub(super) fn run(machine: &Machine, user: &User<'_>, command: &[&str]) -> Result<Output> {
    let words = as_user(user, command);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    capture(&machine.inside(&words)?, format!("{user:?}: {}", command.join(" ")))
}

/// Runs `command`, which a person knows as `line`, to its end or its deadline. What it leaves in the background
/// may go on: it is not waited for, as the end of a pipe would be.
pub(super) fn capture(command: &Command, line: String) -> Result<Output> {
    let (stdout, stderr) = (Said::nothing()?, Said::nothing()?);
    let mut timeout = Command::new("timeout");
    timeout.args(["--kill-after=5", DEADLINE]).arg(command.get_program()).args(command.get_args());
    timeout.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    timeout.stdin(Stdio::null()).stdout(stdout.writer()?).stderr(stderr.writer()?);
    let start = Instant::now();
    let status = timeout.status().context("start timeout")?;
    Ok(Output {
        code: status.code().unwrap_or(-1),
        took: start.elapsed(),
        stdout: stdout.text()?,
        stderr: stderr.text()?,
        line,
    })
}

/// What a command says, in a file without a name.
struct Said(File);

impl Said {
    fn nothing() -> Result<Self> {
        Ok(Self(tempfile::tempfile()?))
    }

    fn writer(&self) -> Result<File> {
        Ok(self.0.try_clone()?)
    }

    /// Read past the position, which those who still write share.
    fn text(&self) -> Result<String> {
        let mut bytes = vec![0; usize::try_from(self.0.metadata()?.len())?];
        self.0.read_exact_at(&mut bytes, 0)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The same command in the terminal of the caller, without a deadline, and its code.
pub(super) fn run_here(machine: &Machine, user: &User<'_>, command: &[&str]) -> Result<i32> {
    let words = as_user(user, command);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut run = machine.inside(&words)?;
    run.stdin(Stdio::inherit());
    Ok(run.status().context("start nsenter")?.code().unwrap_or(-1))
}

/// The words that, said by root in the machine, run `command` as that user.
fn as_user(user: &User<'_>, command: &[&str]) -> Vec<String> {
    let su = |options: &[&str]| {
        let su = [&["su", "-c", "exec \"$@\""], options, &["--", "_"], command].concat();
        in_session("root", &["--pipe", "--wait"], &su)
    };
    match user {
        User::Root => words(command),
        User::Login(name) => in_session(name, &["--pipe", "--wait"], command),
        User::SuLogin(name) => su(&["-", name]),
        User::Su(name) => su(&[name]),
        User::Cron(name) => {
            let home = image::home_of(name);
            let (id, group) = (format!("--reuid={name}"), format!("--regid={name}"));
            let become_user = ["setpriv", &id, &group, "--init-groups", "env", "-i", "-C", &home];
            let (home, logname) = (format!("HOME={home}"), format!("LOGNAME={name}"));
            let environment = [&home, &logname, "PATH=/usr/bin:/bin", "SHELL=/bin/sh"];
            words(&[&become_user[..], &environment, command].concat())
        }
    }
}

/// The words that run `command` in a login session of its own, as sshd would: of class `user`, in a login
/// shell, and without what only a service has in its environment.
fn in_session(user: &str, options: &[&str], command: &[&str]) -> Vec<String> {
    let who = format!("-pUser={user}");
    let pam = ["-pPAMName=login", &who, "-pWorkingDirectory=~"];
    let environment = ["-ETERM=dumb", "-EXDG_SESSION_CLASS=user", "-EXDG_SESSION_TYPE=tty"];
    let shell = ["/bin/bash", "-lc", "unset INVOCATION_ID SYSTEMD_EXEC_PID JOURNAL_STREAM; exec \"$@\"", "_"];
    // The manager expands variables in what it starts.
    let literal = [&shell, command].concat().into_iter().map(|word| word.replace('$', "$$"));
    let mut run =
        words(&[&["systemd-run", "-q", "--collect"], options, &pam, &environment, &["--"]].concat());
    run.extend(literal);
    run
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// A login session that lasts until it is dropped: that is the logout.
#[derive(Debug)]
pub struct Session<'a> {
    machine: &'a Machine,
    unit: String,
}

impl Machine {
    /// Logs a user in, until the session is dropped. The user's manager is up then, and has begun all that it begins
    /// by itself: what is configured later, it does not find.
    ///
    /// # Errors
    /// The login failed, or the user's manager did not come up.
    pub fn login(&self, user: &str) -> Result<Session<'_>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unit = format!("login-{user}-{}.service", COUNT.fetch_add(1, Ordering::Relaxed));
        let start = in_session(user, &["--unit", &unit], &["sleep", "infinity"]);
        self.run(User::Root, &start.iter().map(String::as_str).collect::<Vec<_>>())?.ok()?;
        let session = Session { machine: self, unit };
        let leader = format!("ps -o comm= -p $(systemctl show -P MainPID {})", session.unit);
        wait_for(&format!("{user} is logged in"), Duration::from_secs(30), || {
            let leader = self.run(User::Root, &["sh", "-c", &leader])?.stdout;
            Ok((leader.trim() == "sleep").then_some(())) // PAM and the login shell are done
        })?;
        let wait = "XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user is-system-running --wait";
        let _degraded = self.run(User::Cron(user), &["sh", "-c", wait])?;
        Ok(session)
    }
}

impl Session<'_> {
    /// Logs out and waits until the session has ended.
    ///
    /// # Errors
    /// It did not end.
    pub fn logout(self) -> Result<()> {
        self.end()?.ok().map(drop)
    }

    fn end(&self) -> Result<Output> {
        self.machine.run(User::Root, &["systemctl", "stop", &self.unit])
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let _ended_already = self.end();
    }
}
