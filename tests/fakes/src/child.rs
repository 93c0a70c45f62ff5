//! A *child* of a manager that looks after one: how its end is waited for, and hastened.

use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How often somebody looks whether anything has happened.
pub const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Waits for the end of a child. Once it `is_to_end` it is told so, which `stopping` hears, and killed when patience is
/// at its end.
pub fn wait(
    child: &mut Child,
    is_to_end: &impl Fn() -> bool,
    patience: Duration,
    stopping: &impl Fn(),
) -> ExitStatus {
    let mut told: Option<Instant> = None;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return status;
        }
        match told {
            None if is_to_end() => {
                stopping();
                signal(child, Signal::TERM);
                told = Some(Instant::now());
            }
            Some(at) if at.elapsed() > patience => signal(child, Signal::KILL),
            _ => {}
        }
        sleep(LOOK_EVERY);
    }
}

fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _gone = kill_process(pid, signal);
    }
}
