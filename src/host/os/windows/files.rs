//! The lock's file on Windows. While the host has it open nobody else can write it, so what stands in it is the
//! host's own word: its pid and its start time. It may be removed and renamed, as a reset of the bot does.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use windows_sys::Win32::Foundation::ERROR_SHARING_VIOLATION;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE,
};

use crate::effects::file;
use crate::host::{lock, tree};
use crate::process::Process;

/// Opens the file, or makes it, so that only this process can write it; none when another has it so.
pub fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    let mut file = match options.open(path) {
        Err(error) if is_held(&error) => return Ok(None),
        file => file?,
    };
    let us = Process::current();
    file.set_len(0)?;
    writeln!(file, "{} {}", us.pid, us.start)?;
    Ok(Some(file))
}

/// The pid of the process that has the lock; none when it is free.
///
/// Any program of the user may have opened the file and written a pid that is not its own. So the one that is named
/// must be there since the time that is named, and run a program called as this one is.
pub fn lock_holder(path: &Path) -> Option<u32> {
    let mut trial = OpenOptions::new();
    trial.write(true).share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
    if !trial.open(path).is_err_and(|error| is_held(&error)) {
        return None;
    }
    let holder = lock::noted(&file::read_bounded(path, 64).ok()?)?;
    (holder.is_ours() && tree::runs_ductor(&holder)).then_some(holder.pid)
}

fn is_held(error: &io::Error) -> bool {
    error.raw_os_error().and_then(|raw| u32::try_from(raw).ok()) == Some(ERROR_SHARING_VIOLATION)
}
