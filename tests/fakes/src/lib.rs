//! *Fakes*: models of the programs through which service managers are reached, for machines that do not have
//! them. A model, with its sources, never more: what a fake says about a manager is only as true as the page that
//! it cites.
//!
//! One program is all of them, and knows by its own name which one it is asked to be: tests link it as
//! `launchctl`, `schtasks.exe` and so on into the folder that they put first in PATH ([`main`]). Each has one file
//! here; what they share, a folder with the [`state`] of one machine, is named by the variable `FAKE_STATE`.
//!
//! Beside them is the [`soak`]: a manager that does to real hosts whatever may happen to them; and what every test
//! program says when it can't do something here ([`left_out()`]).
//! How a screen is compared that has pids and times in it: [`without_numbers`]. How a test writes a program that it runs:
//! [`put_script`].

#[cfg(unix)]
mod child;
#[cfg(unix)]
pub mod journalctl;
#[cfg(unix)]
pub mod launchctl;
#[cfg(unix)]
pub mod launchd;
mod left_out;
#[cfg(unix)]
pub mod logind;
pub mod powershell;
mod program;
pub mod schtasks;
mod screen;
#[cfg(unix)]
pub mod soak;
pub mod state;
#[cfg(unix)]
pub mod systemctl;
#[cfg(unix)]
pub mod systemd;
pub mod task_schema;
pub mod unit_file;
pub mod whoami;

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

pub use left_out::{FILE as LEFT_OUT, left_out};
pub use program::{copy_program, put_script};
pub use screen::without_numbers;

/// The variable that names the program where `arg0` does not: a fake that starts itself anew.
const NAME: &str = "FAKE_NAME";

/// Is the program that `arg0` names.
pub fn main(arg0: &OsStr, args: &[String]) -> ExitCode {
    let arg0 = Path::new(arg0).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = std::env::var(NAME).unwrap_or(arg0);
    let fake: fn(&[String]) -> u8 = match name.as_str() {
        // A line a program, with its own file.
        #[cfg(unix)]
        "journalctl" => journalctl::main,
        #[cfg(unix)]
        "launchctl" => launchctl::main,
        #[cfg(unix)]
        "launchd" => launchd::main,
        #[cfg(unix)]
        "loginctl" => logind::loginctl,
        #[cfg(unix)]
        "sudo" => logind::sudo,
        #[cfg(unix)]
        "systemctl" => systemctl::main,
        #[cfg(unix)]
        "systemd" => systemd::main,
        "powershell" => powershell::main,
        "schtasks" => schtasks::main,
        #[cfg(unix)]
        "soak-bot" => soak::bot::main,
        "whoami" => whoami::main,
        _ => |_| 127, // as a shell says of a program that does not exist
    };
    ExitCode::from(fake(args))
}

/// Begins the fake `name` as a process that outlives this one.
#[cfg(unix)]
fn begin(name: &str, arg: &str) -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    let mut fake = Command::new(std::env::current_exe()?);
    fake.arg0(name).arg(arg).current_dir("/");
    fake.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(drop)
}

/// The program's answer. Ends with 0.
#[cfg(unix)]
#[allow(clippy::print_stdout, reason = "the program's answer")]
fn say(text: &str) -> u8 {
    println!("{text}");
    0
}

/// The program's answer where it fails.
#[cfg(unix)]
#[allow(clippy::print_stderr, reason = "the program's answer")]
fn complain(code: u8, text: &str) -> u8 {
    eprintln!("{text}");
    code
}
