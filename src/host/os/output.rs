//! The output of this process on Unix: pipes in its place, and the files behind them.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pipe::pipe;
use rustix::stdio::{dup2_stderr, dup2_stdout};

use crate::host::log_files::Stream;

/// What a bot may say before the host has read any of it, where the system gives a pipe so much.
const ROOM: usize = 256 * 1024;

/// Puts a pipe in the place of the stream. What comes out of it is what this process and its children write.
pub fn capture(stream: Stream) -> io::Result<File> {
    let (read, write) = pipe()?; // macOS has no pipe2(2); nothing is started meanwhile
    fcntl_setfd(&read, FdFlags::CLOEXEC)?;
    fcntl_setfd(&write, FdFlags::CLOEXEC)?;
    super::widen(&read, ROOM);
    redirect(stream, write.into())?;
    Ok(read.into())
}

/// From now on the stream of this process, and of children that are started later, is this.
pub fn redirect(stream: Stream, to: File) -> io::Result<()> {
    Ok(match stream {
        Stream::Out => dup2_stdout(to),
        Stream::Err => dup2_stderr(to),
    }?)
}

/// Opens a log file, or makes it, to append to it; its folder is made too, the one above is not. Never what a
/// link names, nor a file that has a second name elsewhere.
pub fn open_log(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        let _there_already = DirBuilder::new().mode(0o700).create(folder);
    }
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path)?;
    if !is_plain(&file.metadata()?) {
        return Err(io::Error::other("it is not a file of its own"));
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Takes the end of a log file away.
pub fn cut_log(file: &File, _: &Path, size: u64) -> io::Result<()> {
    file.set_len(size)
}

/// A regular file with no other name.
pub fn is_plain(found: &Metadata) -> bool {
    found.is_file() && found.nlink() == 1
}
