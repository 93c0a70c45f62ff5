//! systemd's user manager, as far as one service needs it: it starts what the unit names, with the environment that
//! stands there, starts it again by `Restart=`, gives up by `StartLimitBurst=`, and ends it. The sources are those of
//! [`super::systemctl`].
//!
//! One process of its own looks after each service that runs, and is its parent. What it knows of it stands in a file
//! under `services`. To end the service somebody puts a file `….stop` beside it. What the service writes goes to the
//! [journal](super::journalctl).

use std::io::{self, BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::setsid;
use serde::{Deserialize, Serialize};

use crate::child::{LOOK_EVERY, wait};
use crate::journalctl;
use crate::state::State;
use crate::systemctl::{Definition, Folders};
use crate::unit_file;

/// So long the journal is waited for, as children that were left behind may hold it open.
const JOURNAL: Duration = Duration::from_millis(300);
/// systemd.exec(5), "Process exit codes": the program could not be executed.
const EXEC: i32 = 203;
/// `CLD_EXITED` and `CLD_KILLED` of waitid(2).
const EXITED: u32 = 1;
const KILLED: u32 = 2;

/// What is known of a service, in systemd's words: org.freedesktop.systemd1(5).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    /// `ActiveState`.
    pub active: String,
    /// `SubState`.
    pub sub: String,
    /// `Result`.
    pub result: String,
    /// `MainPID`.
    pub pid: u32,
    /// `ExecMainCode`.
    pub code: u32,
    /// `ExecMainStatus`.
    pub status: i32,
    /// `NRestarts`.
    pub restarts: u32,
    /// When it was started, in seconds since 1970, for the start limit.
    starts: Vec<u64>,
}

impl Default for Service {
    fn default() -> Self {
        let [active, sub, result] = ["inactive", "dead", "success"].map(Into::into);
        Self { active, sub, result, pid: 0, code: 0, status: 0, restarts: 0, starts: Vec::new() }
    }
}

impl Service {
    /// The service of this unit; of one that never ran, one that does not run.
    pub fn read(state: &State, name: &str) -> Self {
        let text = state.get(&file(name));
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Nobody looks after it.
    pub fn is_idle(&self) -> bool {
        self.is_ended() || self.active == "failed"
    }

    /// There is nothing to be known of it.
    pub fn is_ended(&self) -> bool {
        self.active == "inactive"
    }

    fn write(&self, state: &State, name: &str) {
        let _full_disk = state.set(&file(name), &serde_json::to_string_pretty(self).unwrap_or_default());
    }

    fn is(&mut self, state: &State, name: &str, active: &str, sub: &str, pid: u32) {
        (self.active, self.sub, self.pid) = (active.into(), sub.into(), pid);
        self.write(state, name);
    }

    /// Counts a start, unless there were too many.
    fn may_start(&mut self, unit: &str) -> bool {
        let number =
            |name: &str, default: u64| value(unit, name).and_then(|it| it.parse().ok()).unwrap_or(default);
        let (burst, interval) = (number("StartLimitBurst", 5), number("StartLimitIntervalSec", 10));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.starts.retain(|start| start + interval > now);
        let may = (self.starts.len() as u64) < burst;
        if may {
            self.starts.push(now);
        }
        may
    }
}

fn file(name: &str) -> String {
    format!("services/{name}.service-state")
}

fn order(name: &str) -> String {
    format!("services/{name}.stop")
}

fn value<'a>(unit: &'a str, name: &str) -> Option<&'a str> {
    unit_file::values(unit, name).pop()
}

/// Starts a service that does not run; it is `activating` when this returns, unless it may not be started.
///
/// # Errors
/// No process can be started.
pub fn begin(state: &State, name: &str, definition: &Definition) -> io::Result<()> {
    let mut service = Service { restarts: 0, ..Service::read(state, name) };
    if !service.may_start(&definition.text) {
        service.result = "start-limit-hit".into();
        service.is(state, name, "failed", "failed", 0);
        return Ok(());
    }
    if !conditions_are_met(&definition.text, &Folders::of(state).home) {
        service.is(state, name, "inactive", "dead", 0);
        return Ok(());
    }
    state.remove(&order(name));
    (service.result, service.code, service.status) = ("success".into(), 0, 0);
    service.is(state, name, "activating", "start", 0);
    crate::begin("systemd", name)
}

/// Ends the service, and waits for its end.
pub fn end(state: &State, name: &str) {
    if Service::read(state, name).is_idle() {
        return;
    }
    let _full_disk = state.set(&order(name), "");
    while !Service::read(state, name).is_idle() {
        sleep(LOOK_EVERY);
    }
    state.remove(&order(name));
}

/// Forgets the failure, and what was counted.
pub fn reset(state: &State, name: &str) {
    let mut service = Service::read(state, name);
    (service.starts, service.restarts) = (Vec::new(), 0);
    if service.active == "failed" {
        service = Service::default();
    }
    service.write(state, name);
}

/// systemd.unit(5), "Conditions and Asserts".
fn conditions_are_met(unit: &str, home: &Path) -> bool {
    let home = home.display().to_string();
    let all = |name: &str, holds: &dyn Fn(&Path) -> bool| {
        let paths = unit_file::values(unit, name);
        paths.iter().all(|path| holds(unit_file::specifiers(path, &home).as_ref()))
    };
    all("ConditionPathExists", &Path::exists) && all("ConditionFileIsExecutable", &is_executable)
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Is the manager, for the service that is its argument.
pub fn main(args: &[String]) -> u8 {
    let (Some(state), [name]) = (State::find(), args) else { return 64 };
    let _own_session = setsid();
    let Some(definition) = Definition::read(&state, name) else { return 1 };
    look_after(&state, name, &definition.text);
    0
}

/// Until it does not run any more, nor will again.
fn look_after(state: &State, name: &str, unit: &str) {
    let is_to_end = || state.has(&order(name));
    let number = |key: &str| value(unit, key).and_then(|it| it.parse::<u64>().ok());
    let delay = || state.number("restart-ms").unwrap_or(number("RestartSec").unwrap_or(0) * 1000);
    let patience = Duration::from_secs(number("TimeoutStopSec").unwrap_or(90));
    loop {
        let mut service = Service::read(state, name);
        let Ok((mut child, journal)) = spawn(state, unit) else {
            (service.result, service.code, service.status) = ("exit-code".into(), EXITED, EXEC);
            return service.is(state, name, "failed", "failed", 0);
        };
        service.is(state, name, "active", "running", child.id());
        journalctl::note(state, None, &format!("Started {name}."));
        let ended = wait(&mut child, &is_to_end, patience, &|| {
            let mut service = Service::read(state, name);
            service.is(state, name, "deactivating", "stop-sigterm", service.pid);
        });
        let since = Instant::now();
        while !journal.is_finished() && since.elapsed() < JOURNAL {
            sleep(LOOK_EVERY);
        }

        let mut service = Service::read(state, name); // its counters may have been reset meanwhile
        service.code = if ended.signal().is_some() { KILLED } else { EXITED };
        service.status = ended.code().or(ended.signal()).unwrap_or(0);
        // systemd.service(5), `SuccessExitStatus`.
        let harmless = [1, 2, 13, 15].map(Some).contains(&ended.signal());
        let ended_well = ended.success() || harmless;
        if !ended_well {
            service.result = if ended.signal().is_some() { "signal" } else { "exit-code" }.into();
        }
        if is_to_end() || ended_well {
            let state_after = if ended_well { ("inactive", "dead") } else { ("failed", "failed") };
            return service.is(state, name, state_after.0, state_after.1, 0);
        }
        let prevented = value(unit, "RestartPreventExitStatus").is_some_and(|it| {
            ended.code().is_some_and(|code| it.split(' ').any(|it| it == code.to_string()))
        });
        if value(unit, "Restart") != Some("on-failure") || prevented {
            return service.is(state, name, "failed", "failed", 0);
        }
        service.is(state, name, "activating", "auto-restart", 0);
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(delay()) && !is_to_end() {
            sleep(LOOK_EVERY);
        }
        let mut service = Service::read(state, name);
        if is_to_end() {
            return service.is(state, name, "inactive", "dead", 0);
        }
        service.restarts += 1;
        if !service.may_start(unit) {
            return service.is(state, name, "failed", "failed", 0);
        }
        service.write(state, name);
    }
}

/// Executes the program, with the environment of the manager: not that of who started the unit. What it writes is put
/// into the journal until nobody can write any more.
fn spawn(state: &State, unit: &str) -> io::Result<(Child, JoinHandle<()>)> {
    let folders = Folders::of(state);
    let home = folders.home.display().to_string();
    let words = unit_file::arguments(unit, &home);
    if !is_executable(words[0].as_ref()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    // A socket of the journal's for both.
    let (ours, theirs) = UnixStream::pair()?;
    let theirs = OwnedFd::from(theirs);
    // Only the process itself knows its number before it is executed.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "SYSTEMD_EXEC_PID=$$ exec \"$0\" \"$@\""]).args(&words);
    command.env_clear().stdin(Stdio::null()).stdout(theirs.try_clone()?).stderr(theirs);
    let folder = value(unit, "WorkingDirectory").map(|it| unit_file::specifiers(it, &home));
    command.current_dir(folder.as_deref().unwrap_or("/"));
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &home);
    command.env("XDG_RUNTIME_DIR", crate::logind::runtime_folder(state));
    command.env("INVOCATION_ID", "0123456789abcdef0123456789abcdef").env("JOURNAL_STREAM", "8:1");
    let settings = state.get("environment").unwrap_or_default();
    let lines = unit_file::environment(unit, &home);
    command
        .envs(settings.lines().chain(lines.iter().map(String::as_str)).filter_map(|it| it.split_once('=')));
    let child = command.process_group(0).spawn()?;
    let (state, pid) = (state.clone(), child.id());
    let journal = thread::spawn(move || {
        for line in BufReader::new(ours).split(b'\n').map_while(Result::ok) {
            sleep(Duration::from_millis(state.number("journal-ms").unwrap_or(0)));
            journalctl::note(&state, Some(pid), &String::from_utf8_lossy(&line));
        }
    });
    Ok((child, journal))
}
