//! `launchd` of macOS, as far as one job needs it: it starts what a property list names, with the environment
//! that stands there, starts it again by `KeepAlive`, and ends it. The sources are those of
//! [`launchctl`](super::launchctl), and launchd.plist(5).
//!
//! One process of its own looks after each loaded job, and is its parent; to the job it names itself in
//! `FAKE_LAUNCHD`, as only the kernel can make it pid 1. What it knows of the job stands in a file under `jobs`. To
//! end the job somebody puts a file `….end` beside it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use plist::{Dictionary, Value};
use rustix::process::setsid;
use serde::{Deserialize, Serialize};

use crate::child::{LOOK_EVERY, wait};
use crate::state::State;

/// launchd.plist(5), `ThrottleInterval`.
const THROTTLE: u64 = 10;
/// launchd.plist(5), `ExitTimeOut`.
const EXIT_TIME_OUT: u64 = 20;

/// What is known of a loaded job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Job {
    /// Its property list.
    pub path: String,
    /// The program that this names.
    pub program: String,
    /// What it is doing, in launchd's words.
    pub state: String,
    /// Its process.
    pub pid: Option<u32>,
    /// How often it was started.
    pub runs: u32,
    /// How its last process ended: 78 when none could be executed.
    pub last_exit: Option<i32>,
}

impl Job {
    /// The job `DOMAIN/LABEL`, if it is loaded.
    pub fn read(state: &State, target: &str) -> Option<Self> {
        serde_json::from_str(&state.get(&file(target))?).ok()
    }

    fn write(&self, state: &State, target: &str) {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let _full_disk = state.set(&file(target), &text);
    }
}

fn file(target: &str) -> String {
    format!("jobs/{}", target.replace('/', "-"))
}

/// The user whose launchd this is.
pub fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The labels that are switched off.
pub fn disabled(state: &State) -> Vec<String> {
    state.get("disabled").unwrap_or_default().lines().map(Into::into).collect()
}

fn job_at(path: &Path) -> Option<Dictionary> {
    Value::from_file(path).ok()?.into_dictionary()
}

/// The label of a property list, if it is one.
pub fn label(path: &Path) -> Option<String> {
    Some(job_at(path)?.get("Label")?.as_string()?.to_owned())
}

/// launchd.plist(5), `LimitLoadToSessionType`: sessions at the screen alone, unless it says otherwise.
pub fn may_stand_in(path: &Path, domain: &str) -> bool {
    let session = if domain.starts_with("gui/") { "Aqua" } else { "Background" };
    let types = job_at(path).and_then(|job| job.get("LimitLoadToSessionType").cloned());
    match types {
        Some(Value::Array(types)) => types.iter().any(|it| it.as_string() == Some(session)),
        Some(Value::String(it)) => it == session,
        _ => session == "Aqua",
    }
}

/// Loads the job: from now on it is known, and soon it runs.
///
/// # Errors
/// No process can be started.
pub fn start(state: &State, target: &str, path: &Path) -> io::Result<()> {
    let program =
        job_at(path).map(|job| words(&job).first().cloned().unwrap_or_default()).unwrap_or_default();
    let job =
        Job { path: path.display().to_string(), program, state: "spawn scheduled".into(), ..Job::default() };
    job.write(state, target);
    crate::begin("launchd", target)
}

/// Has the job end. It is gone some time later.
pub fn end(state: &State, target: &str) {
    if Job::read(state, target).is_some() {
        let _full_disk = state.set(&end_of(target), "");
    }
}

/// Whether the job was told to end, and is still in the way.
pub fn is_ending(state: &State, target: &str) -> bool {
    state.has(&end_of(target))
}

fn end_of(target: &str) -> String {
    format!("{}.end", file(target))
}

/// Is launchd, for the job that is its argument.
pub fn main(args: &[String]) -> u8 {
    let (Some(state), [target]) = (State::find(), args) else { return 64 };
    let _own_session = setsid();
    let Some(mut job) = Job::read(&state, target) else { return 1 };
    if let Some(definition) = job_at(Path::new(&job.path)) {
        look_after(&state, target, &mut job, &definition);
    }
    sleep(Duration::from_millis(state.number("drain-ms").unwrap_or(0)));
    state.remove(&file(target));
    state.remove(&end_of(target));
    0
}

/// Until the job is to end.
fn look_after(state: &State, target: &str, job: &mut Job, definition: &Dictionary) {
    let number = |key: &str| definition.get(key).and_then(Value::as_unsigned_integer);
    let throttle = number("ThrottleInterval").unwrap_or(THROTTLE);
    let throttle = Duration::from_millis(state.number("throttle-ms").unwrap_or(throttle * 1000));
    let patience = Duration::from_secs(number("ExitTimeOut").unwrap_or(EXIT_TIME_OUT));
    let is_to_end = || is_ending(state, target);
    let note = |job: &mut Job, what: &str, pid: Option<u32>| {
        job.state = what.into();
        job.pid = pid;
        job.write(state, target);
    };
    loop {
        let started = Instant::now();
        job.runs += 1;
        match spawn(state, definition) {
            Ok(mut child) => {
                note(job, "running", Some(child.id()));
                let ended = wait(&mut child, &is_to_end, patience, &|| {});
                job.last_exit = Some(ended.code().unwrap_or_else(|| -ended.signal().unwrap_or(1)));
            }
            Err(_) => job.last_exit = Some(78), // EX_CONFIG
        }
        let again = !is_to_end() && keeps_alive(definition, job.last_exit == Some(0));
        note(job, if again { "spawn scheduled" } else { "not running" }, None);
        while !is_to_end() && (!again || started.elapsed() < throttle) {
            sleep(LOOK_EVERY);
        }
        if is_to_end() {
            return;
        }
    }
}

/// launchd.plist(5), `KeepAlive`.
fn keeps_alive(definition: &Dictionary, ended_well: bool) -> bool {
    match definition.get("KeepAlive") {
        Some(Value::Boolean(always)) => *always,
        Some(Value::Dictionary(when)) => {
            when.get("SuccessfulExit").and_then(Value::as_boolean).is_some_and(|on| on == ended_well)
        }
        _ => false,
    }
}

fn words(definition: &Dictionary) -> Vec<String> {
    let words = definition.get("ProgramArguments").and_then(Value::as_array);
    words.into_iter().flatten().filter_map(Value::as_string).map(Into::into).collect()
}

/// Executes the program, with the environment that launchd gives: not that of who loaded the job.
fn spawn(state: &State, definition: &Dictionary) -> io::Result<Child> {
    let words = words(definition);
    let (Some(program), false) = (words.first(), state.has("no-exec")) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let text = |key: &str| definition.get(key).and_then(Value::as_string);
    let open = |key: &str| match text(key) {
        Some(path) => OpenOptions::new().create(true).append(true).open(path),
        None => File::options().write(true).open("/dev/null"),
    };
    let mut command = Command::new(program);
    command.args(&words[1..]).env_clear().stdin(Stdio::null());
    command.stdout(open("StandardOutPath")?).stderr(open("StandardErrorPath")?);
    command.current_dir(text("WorkingDirectory").unwrap_or("/"));
    command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command.env("XPC_SERVICE_NAME", text("Label").unwrap_or_default());
    command.env("FAKE_LAUNCHD", std::process::id().to_string());
    let settings = state.get("setenv").unwrap_or_default();
    command.envs(settings.lines().filter_map(|line| line.split_once('=')));
    let variables = definition.get("EnvironmentVariables").and_then(Value::as_dictionary);
    for (name, value) in variables.into_iter().flatten() {
        command.env(name, value.as_string().unwrap_or_default());
    }
    command.process_group(0).spawn()
}
