//! The output of this process on Windows: pipes in its place, and the files behind them.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{FromRawHandle, IntoRawHandle};
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{CloseHandle, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OPEN_REPARSE_POINT;
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle};
use windows_sys::Win32::System::Pipes::CreatePipe;

use crate::effects::file;
use crate::host::log_files::Stream;

/// Puts a pipe in the place of the stream. What comes out of it is what this process and its children write.
#[allow(unsafe_code, reason = "the Windows API")]
pub fn capture(stream: Stream) -> io::Result<File> {
    let (mut read, mut write) = (null_mut(), null_mut());
    // SAFETY: the call fills both handles, which are then ours.
    let (read, write) = unsafe {
        if CreatePipe(&raw mut read, &raw mut write, null(), 0) == 0 {
            return Err(io::Error::last_os_error());
        }
        (File::from_raw_handle(read), File::from_raw_handle(write))
    };
    redirect(stream, write)?;
    Ok(read)
}

/// From now on the stream of this process, and of children that are started later, is this.
#[allow(unsafe_code, reason = "the Windows API")]
pub fn redirect(stream: Stream, to: File) -> io::Result<()> {
    let name = match stream {
        Stream::Out => STD_OUTPUT_HANDLE,
        Stream::Err => STD_ERROR_HANDLE,
    };
    // SAFETY: the new handle is given away to the process; the old one is not used by anybody after it.
    unsafe {
        let old = GetStdHandle(name);
        if SetStdHandle(name, to.into_raw_handle()) == 0 {
            return Err(io::Error::last_os_error());
        }
        if !old.is_null() && old != INVALID_HANDLE_VALUE {
            CloseHandle(old);
        }
    }
    Ok(())
}

/// Opens a log file, or makes it, to append to it; its folder is made too, the one above is not. Never what a
/// link names.
pub fn open_log(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        let _there_already = file::create_private_folder(folder);
    }
    let _there_already = file::create_private(path);
    let file =
        OpenOptions::new().append(true).create(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?;
    if !is_plain(&file.metadata()?) {
        return Err(io::Error::other("it is not a file of its own"));
    }
    Ok(file)
}

/// Takes the end of a log file away. A handle that only appends may not.
pub fn cut_log(_: &File, path: &Path, size: u64) -> io::Result<()> {
    OpenOptions::new().write(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?.set_len(size)
}

/// A file, and no link.
pub fn is_plain(found: &Metadata) -> bool {
    found.is_file()
}
