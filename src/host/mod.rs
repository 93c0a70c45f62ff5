//! The *host* is `ductor` itself as the parent of the bot: the one process that holds the lock of a home.
//!
//! # How it works
//!
//! [`run`] takes the [`lock`], ends what an earlier host that was killed left behind, and starts the bot.
//! Then it sleeps in poll(2) until something happens: the bot ends, somebody asks for something by a signal
//! (`SIGTERM` and its kin: end; `SIGUSR1`: a new bot), or somebody takes the lock's file away. What follows the
//! end of a bot is decided by one pure function, the [`policy`], for every kind of
//! [`supervision`]: a bot that ends with 42 gets a successor at once, a crash is passed on to a
//! manager that restarts hosts, and otherwise the host waits and restarts the bot itself.
//!
//! What the bot says is the manager's to keep, or a person's to read. Where neither is so (launchd, the Task
//! Scheduler) the host keeps [`log_files`].
//!
//! Nothing of a bot outlives it: its whole [`tree`] ends with it. And a bot never starts while its own note
//! of a pid ([`bot_pid`]) could make it kill a stranger.
//!
//! # Who may be believed
//!
//! The home is writable for the bot's sandbox. So the lock alone says who is the host, and the kernel says who
//! holds the lock; a pid that stands in a file counts only after user, start time and command agree. What the
//! host says about itself ([`state`]) is for people.
//!
//! The neighbours: [`process`](crate::process) has the facts about processes, [`bot`](crate::bot) finds the
//! program, [`service`](crate::service) makes a manager start the host. `supervise` is the loop, `os` the system
//! calls.

pub mod bot_pid;
pub mod lock;
pub mod log_files;
mod os;
mod plan;
pub mod policy;
pub mod state;
mod stop;
mod supervise;
pub mod supervision;
pub mod tree;

use std::ffi::OsString;

pub use bot_pid::other_bot;
pub use policy::Ended;
pub use state::{HostState, LastExit, rfc3339};
pub use stop::{HOST_PATIENCE, end_bot, end_host, stop_everything};
pub use supervision::Supervision;

use crate::error::{Code, Context, Error, Result};
use crate::home::Home;
use crate::process::{Process, Signal};
use lock::{HostLock, Refused};
use log_files::LogFiles;

/// A host that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The process that holds the lock.
    pub process: Process,
    /// What it says about itself, if that is about this very process.
    pub state: Option<HostState>,
}

/// What a host can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// End, with the bot.
    Stop,
    /// End the bot and start a new one. It does not count as a failure.
    Restart,
}

/// How to run.
struct Options<'a> {
    /// End the host or the bot that is in the way.
    takeover: bool,
    /// Hears what the host has to tell to people, a line at a time.
    told: &'a dyn Fn(&str),
}

/// The host of this home, if one runs.
pub fn find(home: &Home) -> Option<Host> {
    find_by(home, Process::all)
}

/// The same, by the lock or else by these processes: where somebody took the file of the lock away, the bots tell
/// until the host has locked anew. The file may be there again: a second host made it before it saw them.
fn find_by(home: &Home, processes: impl FnOnce() -> Vec<Process>) -> Option<Host> {
    let process = lock::holder(home).or_else(|| tree::living_host(home, processes()))?;
    Some(Host { process, state: HostState::of(home, process) })
}

/// The host of this home, if this process runs in its tree.
pub fn inside(home: &Home) -> Option<Host> {
    let us = Process::current();
    let above = us.ancestors();
    let host = find_by(home, || [&[us], above.as_slice()].concat())?;
    above.contains(&host.process).then_some(host)
}

/// The home that a command is about. In the tree of a host that is its home, as the bot changes `DUCTOR_HOME` for
/// its sub-agents; elsewhere see [`Home::find`].
///
/// # Errors
/// See [`Home::find`].
pub fn home() -> Result<Home> {
    let hosts = std::env::var_os(tree::HOST_HOME).and_then(hosted);
    hosts.map_or_else(Home::find, Ok)
}

fn hosted(root: OsString) -> Option<Home> {
    let home = Home::of(dirs::home_dir()?, Some(root)).ok()?;
    inside(&home).map(|_| home)
}

impl Host {
    /// Asks the host for something. It is done after this returns.
    ///
    /// # Errors
    /// The host ended meanwhile, or belongs to another user.
    pub fn ask(&self, request: Request) -> Result<()> {
        let signal = match request {
            Request::Stop => Signal::Terminate,
            Request::Restart => Signal::User1,
        };
        self.process.signal(signal).about(format!("the host (pid {})", self.process.pid))
    }
}

/// A manager started this process to be the host.
pub fn is_supervised() -> bool {
    Supervision::detect().is_manager()
}

/// Becomes the host of this home and runs its bot. Returns the exit code of the program. With `takeover` the host
/// or the bot that is in the way is ended first. `told` hears what the host has to tell to people, a line at a
/// time.
///
/// # Errors
/// [`Code::Failed`]: a host or another bot runs already. [`Code::Configuration`]: there is no bot, or it is not
/// configured; under launchd, which would start a failed host again for ever, that is told and the result is 0.
pub fn run(home: &Home, takeover: bool, told: &dyn Fn(&str)) -> Result<u8> {
    let supervision = Supervision::detect();
    let _until_it_ends =
        (!supervision.has_journal()).then(|| LogFiles::begin(home)).transpose().about("the log files")?;
    match run_as(home, &Options { takeover, told }, supervision) {
        Err(error) if error.code == Code::Configuration && supervision == Supervision::Launchd => {
            told(&error.to_string());
            Ok(0)
        }
        result => result,
    }
}

fn run_as(home: &Home, options: &Options<'_>, supervision: Supervision) -> Result<u8> {
    if !home.root().exists() {
        plan::Plan::make(home, supervision)?; // no home is made for a bot that is not there
    }
    if options.takeover {
        end_host_in_the_way(home, options)?;
    }
    // Before anybody can see a host, as a signal that is not yet expected would end it.
    let events = os::Events::new().about("the host")?;
    let refuse_beside_another = || match tree::living_host(home, Process::all()) {
        Some(other) => Err(held(home, Some(other))),
        None => Ok(()),
    };
    if !home.lock().exists() {
        // It may have been taken away. On a busy machine this look takes longer than its host waits to lock anew, and
        // who had the lock meanwhile would have it give way.
        refuse_beside_another()?;
    }
    let lock = HostLock::acquire(home).map_err(|refused| match refused {
        Refused::Held(holder) => held(home, holder),
        Refused::Failed(error) => error,
    })?;
    refuse_beside_another()?;
    match tree::kill_all(|| tree::leftovers(home)) {
        0 => {}
        count => (options.told)(&format!("ended what an earlier host left (processes: {count})")),
    }
    stop::make_room(home, supervision, options)?;
    supervise::Supervisor::new(home, options, supervision, events, lock).run()
}

fn end_host_in_the_way(home: &Home, options: &Options<'_>) -> Result<()> {
    let Some(host) = find(home) else { return Ok(()) };
    let what = format!("the host (pid {})", host.process.pid);
    if inside(home).is_some() {
        return Err(Error::new(what, "this command runs inside it").fix("ductor restart"));
    }
    (options.told)(&format!("ending {what}"));
    stop::end_host(&host)
}

/// The refusal of a second host.
fn held(home: &Home, holder: Option<Process>) -> Error {
    let what = format!("the bot of {}", home.root().display());
    match holder {
        Some(holder) => {
            let service = HostState::of(home, holder).is_some_and(|said| said.is_supervised());
            let who = if service { "as the service" } else { "in the foreground" };
            Error::new(what, format!("it runs already, {who} (host pid {})", holder.pid))
                .fix("ductor run --takeover")
        }
        None => Error::new(what, "it runs already, under a host in another container or on another machine"),
    }
}
