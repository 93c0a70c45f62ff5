//! A bot for tests on systems without a shell: it notes in a folder what happens to it, and does what it finds there.
//!
//! ```text
//! bot [FOLDER]        note `start PID`, start a child that starts a grandchild and ends, then wait: for the file
//!                     `end`, whose number is the exit code, or for Ctrl-C, which it notes as `told PID` and ends with 0
//! bot FOLDER child    start the grandchild and end: nobody's child is left
//! bot FOLDER orphan   note `orphan PID`, wait for ever
//! bot FOLDER kill PID end that process as `taskkill /f` does, with code 1 (that of Wine gives it code 0)
//! ```
//!
//! The variable `BOT_FOLDER` names the folder where the arguments are another program's.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, exit, id};
use std::thread::sleep;
use std::time::Duration;

fn main() -> io::Result<()> {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let named = std::env::var_os("BOT_FOLDER").or_else(|| args.first().cloned()).unwrap_or_default();
    let folder = Path::new(&named);
    match args.get(1).and_then(|what| what.to_str()) {
        Some("child") => again(folder, "orphan"),
        #[cfg(windows)]
        Some("kill") => kill(args.get(2).and_then(|pid| pid.to_str()?.parse().ok()).unwrap_or(0)),
        Some("orphan") => {
            note(folder, "orphan")?;
            loop {
                sleep(Duration::from_secs(3600));
            }
        }
        _ => be_the_bot(folder),
    }
}

fn be_the_bot(folder: &Path) -> io::Result<()> {
    #[cfg(windows)]
    ctrl_c::heed();
    note(folder, "start")?;
    again(folder, "child")?;
    writeln!(io::stdout(), "the bot {} says hello", id())?;
    let end = folder.join("end");
    loop {
        if let Some(code) = fs::read_to_string(&end).ok().and_then(|code| code.trim().parse().ok()) {
            fs::remove_file(&end)?;
            exit(code);
        }
        #[cfg(windows)]
        if ctrl_c::was_typed() {
            note(folder, "told")?;
            exit(0);
        }
        sleep(Duration::from_millis(20));
    }
}

#[cfg(windows)]
#[allow(unsafe_code, reason = "the Windows API")]
fn kill(pid: u32) -> io::Result<()> {
    use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_TERMINATE, TerminateProcess};
    // SAFETY: a handle that is null, as no such process is there, is refused.
    match unsafe { TerminateProcess(OpenProcess(PROCESS_TERMINATE, 0, pid), 1) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(windows)]
mod ctrl_c {
    use std::sync::atomic::{AtomicBool, Ordering};

    use windows_sys::Win32::System::Console::SetConsoleCtrlHandler;

    static TYPED: AtomicBool = AtomicBool::new(false);

    #[allow(unsafe_code, reason = "the Windows API")]
    pub fn heed() {
        unsafe extern "system" fn on_event(_: u32) -> i32 {
            TYPED.store(true, Ordering::SeqCst);
            1
        }
        // SAFETY: the handler is a function of this program.
        unsafe { SetConsoleCtrlHandler(Some(on_event), 1) };
    }

    pub fn was_typed() -> bool {
        TYPED.load(Ordering::SeqCst)
    }
}

fn again(folder: &Path, what: &str) -> io::Result<()> {
    Command::new(std::env::current_exe()?).arg(folder).arg(what).spawn().map(drop)
}

fn note(folder: &Path, what: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(folder.join("events"))?;
    writeln!(file, "{what} {}", id())
}
