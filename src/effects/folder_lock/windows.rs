//! On Windows a file in the folder stands for the lock: nobody else can open it, and with its handle it is gone.

use std::fs::File;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_DELETE_ON_CLOSE;

pub type Held = File;

pub fn take(folder: &Path) -> io::Result<Option<Held>> {
    let mut file = File::options();
    file.write(true).create(true).truncate(false).share_mode(0).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
    match file.open(folder.join(".ductor.lock")) {
        // It is open, or is just being deleted.
        Err(error) if is(&error, ERROR_SHARING_VIOLATION) || is(&error, ERROR_ACCESS_DENIED) => Ok(None),
        file => file.map(Some),
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error().and_then(|raw| u32::try_from(raw).ok()) == Some(code)
}
