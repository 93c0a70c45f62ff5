//! A file that is *in use* on Windows: nobody may put another in its place. One that is read is free again in a
//! moment. A program that runs may be renamed, so it goes aside, into the folder for temporary files, and is removed
//! there when it has ended.

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{Error, ErrorKind, Result};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use windows_sys::Win32::System::Threading::CREATE_NO_WINDOW;

/// As [`fs::rename`], also where a program that runs has the place, or somebody reads what is there.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    match fs::rename(from, to) {
        Err(error) if runs(&error, to) => {
            let aside = step_aside(to)?;
            fs::rename(from, to).inspect_err(|_| drop(fs::rename(&aside, to)))?;
            remove_when_ended(&aside);
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => once_it_is_read(|| fs::rename(from, to)),
        done => done,
    }
}

/// Tries again while somebody may still be reading, which takes no longer than this.
fn once_it_is_read(rename: impl Fn() -> Result<()>) -> Result<()> {
    const READING: Duration = Duration::from_secs(2);
    let start = Instant::now();
    loop {
        match rename() {
            Err(error) if error.kind() == ErrorKind::PermissionDenied && start.elapsed() < READING => {
                sleep(Duration::from_millis(2));
            }
            done => return done,
        }
    }
}

/// As [`fs::remove_file`], also of a program that runs.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if runs(&error, path) => step_aside(path).map(|aside| remove_when_ended(&aside)),
        done => done,
    }
}

fn runs(error: &Error, path: &Path) -> bool {
    error.kind() == ErrorKind::PermissionDenied && path.extension().is_some_and(|it| it == "exe")
}

/// Renames a program to a name that nobody else has. Where that folder is on another disk, it stays in its own.
fn step_aside(path: &Path) -> Result<PathBuf> {
    let name = format!("ductor-{:016x}.old", RandomState::new().hash_one(path));
    let aside = env::temp_dir().join(&name);
    match fs::rename(path, &aside) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let aside = path.with_file_name(name);
            fs::rename(path, &aside).map(|()| aside)
        }
        done => done.map(|()| aside),
    }
}

/// Has a shell try to remove the file, after one second, two more, four more, and so on for two minutes. What runs
/// longer, such as a host in another window, is left where Windows cleans up.
fn remove_when_ended(path: &Path) {
    // The path comes in a variable, so that nothing in it is read as a command.
    let attempt = |power| format!(r#"ping -n {} 127.0.0.1 & del /f /q "%GONE%""#, (1 << power) + 1);
    let line = (0..7).map(attempt).collect::<Vec<_>>().join(r#" & if exist "%GONE%" "#);
    let mut shell = Command::new(env::var_os("ComSpec").unwrap_or_else(|| "cmd.exe".into()));
    shell.raw_arg(format!("/d /q /s /c \"{line}\"")).env("GONE", path).current_dir(env::temp_dir());
    shell.creation_flags(CREATE_NO_WINDOW).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _or_it_is_left = shell.spawn();
}
