//! Files on Unix.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::{Id, Owner};

pub use std::fs::{remove_file as remove, rename};
pub use std::os::unix::fs::symlink as make_link;

pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?; // whatever the umask is
    Ok(file)
}

pub fn create_private_folders(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub fn open_without_blocking(path: &Path) -> io::Result<File> {
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    OpenOptions::new().read(true).custom_flags(nonblock).open(path)
}

pub fn id_of(file: &File) -> io::Result<Id> {
    file.metadata().map(|meta| id(&meta))
}

pub fn id_at(path: &Path) -> Option<Id> {
    path.symlink_metadata().ok().map(|meta| id(&meta))
}

fn id(metadata: &Metadata) -> Id {
    Id(metadata.dev(), metadata.ino())
}

pub fn owner(metadata: &Metadata) -> Option<Owner> {
    Some(Owner { user: metadata.uid(), group: metadata.gid(), mode: metadata.mode() & 0o7777 })
}

pub fn mode(path: &Path) -> Option<u32> {
    Some(owner(&path.metadata().ok()?)?.mode)
}

pub fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}
