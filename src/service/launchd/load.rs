//! Bringing the job into a domain and out of it again, where no answer of launchctl is the end of it.
//!
//! `bootout` is answered while the host still ends, and `bootstrap` is refused for as long; `load` says 0 whatever
//! happens. So each change is followed by a look, and refusals that pass are tried again. Every wait has a
//! deadline.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::effects::{Command, Effects, Output};
use crate::error::{Code, Error, Result};
use crate::process::Process;
use crate::service::definition::STOP_TIMEOUT;

use super::domain::Domain;
use super::job::{Job, Loaded};
use super::launchctl::{
    ALREADY, EXISTS, IN_PROGRESS, IO, NO_DOMAIN, NO_PROCESS, NO_SERVICE, UNKNOWN_VERB, UNSUPPORTED, launchctl,
};

/// How long an old job may take to go: launchd kills the host after [`STOP_TIMEOUT`], and then tidies up.
const END: Duration = Duration::from_secs(STOP_TIMEOUT as u64 + 20);
/// How long loading is tried where the refusal may pass.
const TRY: Duration = Duration::from_secs(20);
/// How long launchd may take to do what it said that it did.
const SOON: Duration = Duration::from_secs(5);
const TRY_EVERY: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Loads the agent `definition`, which starts its host, into the best domain that takes it.
///
/// # Errors
/// launchd refuses, or does not do it; [`Code::Configuration`] when it could not execute the program.
pub fn load(definition: &Path, effects: &Effects<'_>) -> Result<()> {
    if !effects.is_real() {
        let domain = Domain::here().unwrap_or(Domain::Gui);
        return effects.run(&bootstrap(domain, definition)).map(drop);
    }
    let job = if Loaded::ask()?.modern {
        load_by_bootstrap(definition, effects)?
    } else {
        load_by_load(definition, effects)?
    };
    if job.could_not_start() {
        return Err(could_not_start(definition));
    }
    Ok(())
}

fn load_by_bootstrap(definition: &Path, effects: &Effects<'_>) -> Result<Job> {
    let mut domain = Domain::here()?;
    let deadline = Instant::now() + TRY;
    loop {
        let command = bootstrap(domain, definition);
        let output = effects.run(&command)?;
        match output.code() {
            Some(0) => {
                return wait_until_seen()?.ok_or_else(|| unbelievable(&command, &output));
            }
            // Somebody loads it at the same time, or has: as good as if we had.
            Some(ALREADY | EXISTS | IO | IN_PROGRESS) if is_loaded()? => {
                return wait_until_seen()?.ok_or_else(|| unbelievable(&command, &output));
            }
            Some(ALREADY | EXISTS | IO | IN_PROGRESS) if Instant::now() < deadline => sleep(TRY_EVERY),
            Some(NO_DOMAIN | UNSUPPORTED) if domain == Domain::Gui => domain = Domain::User,
            Some(code) if code == UNKNOWN_VERB[0] => return load_by_load(definition, effects),
            _ => return Err(refused(&command, &output, definition)),
        }
    }
}

/// As before macOS 10.10, or where `bootstrap` is not known. It says 0 of everything, so what it writes to stderr
/// is the only word of a failure, beside what is seen afterwards.
fn load_by_load(definition: &Path, effects: &Effects<'_>) -> Result<Job> {
    let command = launchctl(&["load", "-w", &definition.to_string_lossy()]);
    let output = effects.run(&command)?;
    if !output.success() || !output.stderr.is_empty() {
        return Err(command.failed(&output));
    }
    wait_until_seen()?.ok_or_else(|| unbelievable(&command, &output))
}

fn bootstrap(domain: Domain, definition: &Path) -> Command {
    launchctl(&["bootstrap", &domain.to_string(), &definition.to_string_lossy()])
}

fn is_loaded() -> Result<bool> {
    Ok(!Loaded::ask()?.jobs.is_empty())
}

/// Waits until the job is there and its first start has been tried. None when it never appears; one that is there
/// without a process is left to whoever waits for the host.
fn wait_until_seen() -> Result<Option<Job>> {
    let deadline = Instant::now() + SOON;
    loop {
        match Loaded::ask()?.job() {
            Some(job) if job.pid.is_some() || job.last_exit.is_some() || Instant::now() >= deadline => {
                return Ok(Some(job.clone()));
            }
            None if Instant::now() >= deadline => return Ok(None),
            _ => sleep(LOOK_EVERY),
        }
    }
}

/// Takes the job out of every domain, and waits until it and its host are gone.
///
/// # Errors
/// launchd refuses, or the host does not end.
pub fn unload(loaded: &Loaded, definition: Option<&Path>, effects: &Effects<'_>) -> Result<()> {
    for job in &loaded.jobs {
        let path = job.path.as_deref().or(definition).unwrap_or(Path::new("")).to_string_lossy();
        let command = match job.domain {
            Some(domain) => launchctl(&["bootout", &domain.job()]),
            // Without `-w`, which would switch it off for good.
            None => launchctl(&["unload", &path]),
        };
        let output = effects.run(&command)?;
        let passes = [0, NO_PROCESS, IO, IN_PROGRESS, ALREADY, NO_SERVICE];
        if !output.code().is_some_and(|code| passes.contains(&code)) {
            return Err(command.failed(&output));
        }
    }
    if effects.is_real() && !loaded.jobs.is_empty() { wait_until_gone(loaded) } else { Ok(()) }
}

fn wait_until_gone(loaded: &Loaded) -> Result<()> {
    let hosts: Vec<Process> = loaded.jobs.iter().filter_map(|job| job.pid).filter_map(Process::of).collect();
    let deadline = Instant::now() + END;
    while is_loaded()? || hosts.iter().any(Process::is_alive) {
        if Instant::now() >= deadline {
            let cause = format!("launchd has not ended it after {} s", END.as_secs());
            let job = loaded.job().and_then(|job| job.domain).unwrap_or(Domain::Gui).job();
            return Err(Error::new("the service", cause).fix(format!("launchctl print {job}")));
        }
        sleep(LOOK_EVERY);
    }
    Ok(())
}

fn unbelievable(command: &Command, output: &Output) -> Error {
    let error = command.failed(output);
    Error { cause: "launchctl says that it is done, but launchd does not know the job".into(), ..error }
}

fn refused(command: &Command, output: &Output, definition: &Path) -> Error {
    let error = command.failed(output);
    if output.code() == Some(IO) && definition.starts_with("/Volumes") {
        let cause = format!("{}; launchd loads no agent from another volume than the system's", error.cause);
        return Error { cause, ..error };
    }
    let by_hand = command.to_string();
    error.fix(format!("{by_hand}   (if it stays so: System Settings > General > Login Items)"))
}

fn could_not_start(definition: &Path) -> Error {
    let cause = "launchd could not execute its program, or open its log files (78)";
    Error::new(definition.display(), cause)
        .code(Code::Configuration)
        .fix(format!("plutil -p {}", shell_words::quote(&definition.to_string_lossy())))
}
