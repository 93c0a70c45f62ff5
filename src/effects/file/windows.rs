//! Files on Windows. In the place of permission bits are access lists ([`access`]): of the bits only counts whether
//! others have any. A program that runs is replaced and removed in a way of its own ([`in_use`]).

pub mod access;
pub mod in_use;

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Foundation::GENERIC_WRITE;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    GetDiskFreeSpaceExW, GetFileInformationByHandle, WRITE_DAC,
};

use super::{Id, Owner};

pub use in_use::{remove, rename};
pub use std::os::windows::fs::symlink_file as make_link;

pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if mode & 0o077 != 0 {
        return options.open(path);
    }
    let file = options.access_mode(GENERIC_WRITE | WRITE_DAC).open(path)?;
    access::make_private(&file)?;
    Ok(file)
}

pub fn create_private_folders(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), create_private_folders)?;
    access::create_private_folder(path)
}

/// A folder is opened too, so that it is told as what it is, not as something forbidden.
pub fn open_without_blocking(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
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

pub fn mode(path: &Path) -> Option<u32> {
    Some(if access::is_private(path)? { 0o600 } else { 0o644 })
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
