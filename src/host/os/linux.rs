//! What only Linux has: inotify(7), subreapers (prctl(2)), cgroups(7).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;
use rustix::mm::{Advice, madvise};
use rustix::param::page_size;
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Signal, WaitId, WaitIdOptions, set_parent_process_death_signal, waitid};

use crate::process::Process;

/// Notices that a file is taken away.
pub struct Watch(OwnedFd);

impl Watch {
    /// The file, because it may be removed or renamed, and its folder, because that may be. We hold the file
    /// open, so its removal shows as a changed link count, not as a deletion.
    pub fn new(file: &Path) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&fd, file, WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DONT_FOLLOW)?;
        if let Some(folder) = file.parent() {
            inotify::add_watch(&fd, folder, WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF)?;
        }
        Ok(Self(fd))
    }

    /// Forgets what was noticed so far.
    pub fn drain(&self) {
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut events = Reader::new(&self.0, &mut buffer);
        while events.next().is_ok() {}
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Orphans come back to the host.
pub const REAPER: Option<u32> = None;

/// From now on every process below this one whose parent ends becomes our child, whatever session it is in.
pub fn adopt_orphans() {
    // It exists since Linux 3.4; a sandbox that forbids it costs orphans, not the bot.
    let _refused = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Ends what the table of processes no longer shows below us: nothing, as orphans come back to who adopts them.
pub fn kill_orphans() {}

/// Nothing is below us: we have no child, and who adopts orphans has one for as long as it has a grandchild.
pub fn is_childless() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::All, options), Err(Errno::CHILD))
}

/// Lets go of the pages of the program, most of which only its start has used. They are those of its file; what is
/// used again comes back from there (madvise(2), `MADV_DONTNEED`).
#[allow(unsafe_code)]
pub fn forget_start() {
    unsafe extern "C" {
        // The linker puts them before the first and behind the last instruction (end(3)).
        static __executable_start: u8;
        static etext: u8;
    }
    let whole_pages = |end: *const u8| end as usize & !(page_size() - 1);
    let start = whole_pages(&raw const __executable_start);
    let length = whole_pages(&raw const etext) - start;
    // SAFETY: nothing between the two is ever written, so the file has the same.
    let _they_stay = unsafe { madvise(start as *mut _, length, Advice::LinuxDontNeed) };
}

/// The group in which systemd keeps the process: the unified hierarchy, else systemd's own.
pub fn cgroup(process: &Process) -> Option<String> {
    let groups = std::fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).ok()?;
    let group = |hierarchy| groups.lines().find_map(|line| line.split_once(':')?.1.strip_prefix(hierarchy));
    group(":").or_else(|| group("name=systemd:")).map(ToOwned::to_owned)
}

/// Gives a pipe room for so many bytes (fcntl(2), `F_SETPIPE_SZ`), unless the user has too many pipes that large.
pub fn widen(pipe: &impl AsFd, size: usize) {
    let _stays_as_it_is = fcntl_setpipe_size(pipe, size);
}

/// Tells the calling process by `SIGTERM` that the thread which started it ended (prctl(2)).
pub fn end_with_parent() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::TERM))?)
}
