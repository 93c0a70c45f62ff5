//! Starting the bot on Unix.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, getpgid, getppid};

use super::end_with_parent;
use crate::host::plan::Plan;
use crate::host::supervision::Supervision;
use crate::process::Process;

/// Starts the bot: a process group of its own (Ctrl-C at the terminal reaches the host alone, which then ends
/// the bot in order), no input (a group in the background that reads the terminal is stopped for ever),
/// default signals, and `SIGTERM` should the host die, where the system can tell. Its output is the host's, so it
/// costs the host nothing. Under launchd it stays in the group of the job, whose rest launchd ends.
///
/// # Errors
/// The program can't be started.
pub fn spawn(plan: &Plan, supervision: Supervision) -> io::Result<Process> {
    let Some((program, args)) = plan.command.split_first() else {
        return Err(io::Error::other("the bot's command is empty"));
    };
    let mut command = Command::new(program);
    command.args(args).current_dir(&plan.folder).stdin(Stdio::null());
    if supervision != Supervision::Launchd {
        command.process_group(0);
    }
    for (name, value) in &plan.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let host = rustix::process::getpid();
    let prepare = move || {
        default_signals();
        end_with_parent()?;
        // The host may have died before it was asked for: then nobody will tell.
        if getppid() == Some(host) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    #[allow(unsafe_code, reason = "a closure that runs between fork(2) and execve(2)")]
    // SAFETY: `prepare` only makes system calls; it allocates nothing and takes no lock.
    let mut child = unsafe { command.pre_exec(prepare) }.spawn()?;
    if let Some(bot) = Process::of_child(child.id()) {
        return Ok(bot);
    }
    child.kill()?;
    Err(io::Error::other("it was ended again, as the process table can't be read (/proc)"))
}

/// Tells the bot to end in order.
///
/// # Errors
/// It has ended.
pub fn tell_to_end(bot: &Process) -> io::Result<()> {
    bot.signal(crate::process::Signal::Terminate)
}

/// The process group that it is in.
pub fn group(process: &Process) -> Option<u32> {
    let pid = Pid::from_raw(i32::try_from(process.pid).ok()?);
    u32::try_from(getpgid(pid).ok()?.as_raw_nonzero().get()).ok()
}

/// An ignored signal is inherited through execve(2): the bot would be deaf for what the host was started to
/// ignore. A handler of ours would swallow a signal that comes before execve(2).
#[allow(unsafe_code, reason = "signal(2) is in no safe crate")]
fn default_signals() {
    for signal in 1..=31 {
        // SAFETY: it installs no handler; it fails for the two signals that can't be changed.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
