//! What Linux and macOS call alike: signals and pids.

use rustix::process::Pid;

use super::{Process, Signal};

pub fn pid(process: &Process) -> Option<Pid> {
    Pid::from_raw(i32::try_from(process.pid).ok()?)
}

pub fn number(signal: Signal) -> rustix::process::Signal {
    match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
        Signal::User1 => rustix::process::Signal::USR1,
        Signal::User2 => rustix::process::Signal::USR2,
    }
}
