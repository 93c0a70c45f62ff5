//! The host as the scheduler runs it: whether it runs, starting it, and ending it in order.
//!
//! What runs is told by the lock first: the scheduler counts a host that somebody started by hand as nothing, and
//! one that just ended as running for a while.

use std::time::{Duration, Instant};

use crate::effects::{Effects, Transaction, ask};
use crate::error::Result;
use crate::home::Home;
use crate::host::{self, Host, Supervision};
use crate::process::Process;
use crate::service::manager::State;

use super::schtasks::{Last, refused, schtasks};
use super::tasks::Task;

/// So long the scheduler may take to notice that a program ended.
const NOTICE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the task is doing.
pub struct Doing {
    /// In one word.
    pub state: State,
    /// The program that the scheduler runs: the host, or with `--direct` the bot.
    pub process: Option<Process>,
}

/// Looks at the task, or, where there is none any more, at what it left.
pub fn look(home: &Home, task: Option<&Task>) -> Doing {
    if let Some(host) = services_host(home) {
        return Doing { state: of_host(&host), process: Some(host.process) };
    }
    let Some(task) = task else { return Doing { state: State::NotInstalled, process: None } };
    match (Last::of(&task.name), task.has_host()) {
        (Last::Running, true) => Doing { state: State::Starting, process: None },
        (Last::Running, false) => Doing { state: State::Running, process: host::other_bot(home) },
        (last, _) => Doing { state: without_process(last), process: None },
    }
}

/// The host that the scheduler started.
pub fn services_host(home: &Home) -> Option<Host> {
    let by_us =
        |host: &Host| host.state.as_ref().map(|said| said.supervision) == Some(Supervision::TaskScheduler);
    host::find(home).filter(by_us)
}

/// The host itself starts a bot that failed again, and lives on meanwhile.
fn of_host(host: &Host) -> State {
    let waits = host.state.as_ref().is_some_and(|said| said.bot.is_none() && said.restarts > 0);
    if waits { State::Restarting } else { State::Running }
}

fn without_process(last: Last) -> State {
    match last {
        Last::Running | Last::Queued => State::Starting,
        Last::Quiet => State::Stopped,
        Last::Failed(_) => State::Failed,
        Last::Unknown => State::Unknown,
    }
}

/// Starts the host, which does not run.
pub fn start(home: &Home, task: &Task, effects: &Effects<'_>) -> Result<()> {
    if !task.is_enabled() {
        change(effects, &["/Change", "/TN", &task.name, "/ENABLE"])?;
    }
    run(home, &task.name, effects)
}

/// Has the scheduler run the task now. It only takes the order; so its doing something is waited for, but not for
/// long, as a program that ends at once leaves no trace.
pub fn run(home: &Home, name: &str, effects: &Effects<'_>) -> Result<()> {
    let before = Last::of(name);
    change(effects, &["/Run", "/TN", name])?;
    wait_until(effects, || services_host(home).is_some() || Last::of(name) != before);
    Ok(())
}

/// Ends the host and its bot in order, and has the scheduler forget the instance: as long as it counts one, it
/// starts no other.
pub fn stop(home: &Home, task: &Task, effects: &Effects<'_>) -> Result<()> {
    let runs = || Last::of(&task.name) == Last::Running;
    let bot = host::other_bot(home).filter(|_| !task.has_host() && runs());
    if let Some(bot) = bot {
        effects.act(&format!("end the bot (pid {})", bot.pid), || host::end_bot(&bot))?;
    }
    end_host(home, effects)?;
    // A host that is just being started has no lock yet.
    if wait_until(effects, || !runs() || services_host(home).is_some()) {
        end_host(home, effects)?;
    }
    if wait_until(effects, || !runs()) {
        return Ok(());
    }
    let end = schtasks(&["/End", "/TN", &task.name]);
    let output = effects.run(&end)?;
    if wait_until(effects, || !runs()) { Ok(()) } else { Err(refused(end.failed(&output), "stop")) }
}

/// The same as a step of something: when that is taken back, what ran runs again.
pub fn stop_for_now(home: &Home, task: &Task, transaction: &mut Transaction<'_>) -> Result<()> {
    if look(home, Some(task)).state.is_active() {
        let run = schtasks(&["/Run", "/TN", &task.name]);
        transaction.back(move || drop(ask(&run)));
    }
    stop(home, task, transaction.effects())
}

fn end_host(home: &Home, effects: &Effects<'_>) -> Result<()> {
    let Some(host) = services_host(home) else { return Ok(()) };
    let what = format!("end the host (pid {}) and its bot", host.process.pid);
    effects.act(&what, || host::end_host(&host))
}

/// A call that has to succeed.
pub fn change(effects: &Effects<'_>, args: &[&str]) -> Result<()> {
    let command = schtasks(args);
    let output = effects.run(&command)?;
    let verb = if args.first() == Some(&"/Delete") { "uninstall" } else { "start" };
    if output.success() { Ok(()) } else { Err(refused(command.failed(&output), verb)) }
}

/// Waits for the scheduler to notice. Whether it did; a rehearsal does not wait.
fn wait_until(effects: &Effects<'_>, noticed: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + NOTICE;
    while effects.is_real() && !noticed() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}
