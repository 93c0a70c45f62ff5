//! Ending hosts and bots from outside, also before the bot starts: in order first, by force afterwards.

use std::time::{Duration, Instant};

use super::bot_pid::other_bot;
use super::supervision::Supervision;
use super::tree::{self, KILL_TIME, Tree};
use super::{Host, Options, Request, find};
use crate::effects::file;
use crate::error::{Context, Error, Result};
use crate::home::Home;
use crate::process::{Process, Signal};

/// How long a bot may take to end in order.
pub const PATIENCE: Duration = Duration::from_secs(8);
/// How long a host may take: its bot's time, the killing of the tree, and as long again for what can't be killed; and a
/// moment more.
pub const HOST_PATIENCE: Duration = Duration::from_secs(PATIENCE.as_secs() + 2 * KILL_TIME.as_secs() + 1);

/// Ends the host's and the bot's whole tree, whoever started it. What does not end in order is killed. Returns
/// what was ended, a line each.
///
/// # Errors
/// Something can't be ended: it belongs to another user, or hangs in the kernel.
pub fn stop_everything(home: &Home) -> Result<Vec<String>> {
    let mut ended = Vec::new();
    if let Some(host) = find(home) {
        end_host(&host)?;
        ended.push(format!("stopped the bot and its host (pid {})", host.process.pid));
    }
    match tree::kill_all(|| tree::leftovers(home)) {
        0 => {}
        count => ended.push(format!("ended what an earlier host left (processes: {count})")),
    }
    if let Some(bot) = other_bot(home) {
        end_bot(&bot)?;
        ended.push(format!("stopped a bot that ductor did not start (pid {})", bot.pid));
    }
    Ok(ended)
}

/// Asks the host to end, which ends its tree. One that does not in time is killed with it.
///
/// # Errors
/// It can't be ended: it belongs to another user, or hangs in the kernel.
pub fn end_host(host: &Host) -> Result<()> {
    match host.ask(Request::Stop) {
        Err(error) if host.process.is_alive() => return Err(error),
        _ => {}
    }
    if host.process.wait_gone(Instant::now() + HOST_PATIENCE) {
        return Ok(());
    }
    let tree = Tree::of(host.process);
    let members = tree.members();
    // The host first: it would start a new bot. Its orphans are no longer below it, so they are remembered.
    kill(&host.process)?;
    tree::kill_all(|| living(&members));
    Ok(())
}

/// Ends a bot that has no host, and its tree.
///
/// # Errors
/// As [`end_host`].
pub fn end_bot(bot: &Process) -> Result<()> {
    // Without a host nobody adopts orphans: what the bot leaves is remembered before.
    let tree = Tree::of(*bot);
    let before = tree.members();
    if bot.signal(Signal::Terminate).is_err() || !bot.wait_gone(Instant::now() + PATIENCE) {
        tree.kill();
        kill(bot)?;
    }
    tree::kill_all(|| before.iter().flat_map(with_members).filter(Process::is_alive).collect());
    Ok(())
}

/// Makes sure that nothing is killed by the bot that starts next: ends another bot, or refuses, and removes
/// the note.
///
/// # Errors
/// Another bot runs and nobody said that it may be ended, or the note can't be removed.
pub(super) fn make_room(home: &Home, supervision: Supervision, options: &Options<'_>) -> Result<()> {
    if let Some(bot) = other_bot(home) {
        let what = format!("a bot that ductor did not start (pid {})", bot.pid);
        if Process::current().ancestors().contains(&bot) {
            return Err(Error::new(what, "this command runs inside it"));
        }
        if !options.takeover && !supervision.is_manager() {
            return Err(Error::new(what, "it runs already").fix("ductor run --takeover"));
        }
        (options.told)(&format!("ending {what}"));
        end_bot(&bot)?;
    }
    file::remove(&home.bot_pid())
}

fn with_members(process: &Process) -> Vec<Process> {
    let mut members = Tree::of(*process).members();
    members.push(*process);
    members
}

fn living(processes: &[Process]) -> Vec<Process> {
    processes.iter().copied().filter(Process::is_alive).collect()
}

fn kill(process: &Process) -> Result<()> {
    let what = format!("end pid {}", process.pid);
    match process.signal(Signal::Kill) {
        Err(error) if process.is_alive() => Err(error).about(what),
        _ if process.wait_gone(Instant::now() + KILL_TIME) => Ok(()),
        _ => Err(Error::new(what, "it hangs in the kernel, even after SIGKILL")),
    }
}
