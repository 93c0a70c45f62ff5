//! Files on Windows. What is made in the folders of a user is that user's alone by the access list that it inherits
//! from the profile, so the permission bits of Unix are not looked at.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    GetDiskFreeSpaceExW, GetFileInformationByHandle,
};

use super::{Id, Owner};

pub use std::os::windows::fs::symlink_file as make_link;

pub fn create_new(path: &Path, _mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub fn create_private_folders(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

pub fn open_without_blocking(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[allow(unsafe_code, reason = "the standard library does not tell a file's index yet")]
pub fn id_of(file: &File) -> io::Result<Id> {
    let mut about = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open for the whole call, which only fills `about`.
    if unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut about) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let index = u64::from(about.nFileIndexHigh) << 32 | u64::from(about.nFileIndexLow);
    Ok(Id(about.dwVolumeSerialNumber.into(), index))
}

pub fn id_at(path: &Path) -> Option<Id> {
    let flags = FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS; // a link itself; folders too
    let file = OpenOptions::new().access_mode(0).custom_flags(flags).open(path).ok()?;
    id_of(&file).ok()
}

pub fn owner(_: &Metadata) -> Option<Owner> {
    None
}

#[allow(unsafe_code, reason = "the free space is in no safe crate that is here anyway")]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let folder: Vec<u16> = folder.as_os_str().encode_wide().chain([0]).collect();
    let mut free = 0;
    // SAFETY: the path ends with 0; the call fills `free`, and null says that nothing else is wanted.
    let done = unsafe {
        GetDiskFreeSpaceExW(folder.as_ptr(), &raw mut free, std::ptr::null_mut(), std::ptr::null_mut())
    };
    (done != 0).then_some(free)
}
