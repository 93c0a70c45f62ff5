//! What only macOS has: kqueue(2); and what it has not: somebody to whom orphans come back, and a signal for the
//! children of a process that was killed.
//!
//! So the tree of a bot is what descends from it, what is left in its process groups, and what carries the mark of
//! its host (`KERN_PROCARGS2` hides the environment of Apple's own programs). When a host was killed, launchd ends
//! what is left in the process group of its job (launchd.plist(5), `AbandonProcessGroup`), where the bot is; in the
//! foreground the bot stays until the next host, or `ductor stop`, finds it by its mark.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::kqueue::{Event, EventFilter, EventFlags, VnodeEvents, kevent, kqueue};
use rustix::fs::{Mode, OFlags, open};

use crate::process::Process;

/// Orphans are launchd's.
pub const REAPER: Option<u32> = Some(1);

/// Notices that a file is taken away.
pub struct Watch {
    queue: OwnedFd,
    _folder: OwnedFd,
}

impl Watch {
    /// Its folder, which changes when a file in it is removed or renamed. Never the file itself: with the first of
    /// its descriptors that is closed, the lock on it would be lost.
    pub fn new(file: &Path) -> io::Result<Self> {
        let folder = file.parent().ok_or(io::ErrorKind::NotFound)?;
        let only_events = OFlags::from_bits_retain(u32::try_from(libc::O_EVTONLY).unwrap_or(0));
        let folder = open(folder, only_events | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let changes = VnodeEvents::WRITE | VnodeEvents::DELETE | VnodeEvents::RENAME | VnodeEvents::REVOKE;
        let changes = EventFilter::Vnode { vnode: folder.as_raw_fd(), flags: changes };
        let changes = Event::new(changes, EventFlags::ADD | EventFlags::CLEAR, std::ptr::null_mut());
        let queue = kqueue()?;
        #[allow(unsafe_code, reason = "kevent(2) takes descriptors as numbers")]
        // SAFETY: the folder is open for as long as the queue is.
        unsafe { kevent(&queue, &[changes], &mut [] as &mut [Event], None) }?;
        Ok(Self { queue, _folder: folder })
    }

    /// Forgets what was noticed so far.
    pub fn drain(&self) {
        let mut noticed: Vec<Event> = Vec::with_capacity(8);
        #[allow(unsafe_code, reason = "kevent(2) takes descriptors as numbers")]
        // SAFETY: no descriptor is named.
        let _none = unsafe { kevent(&self.queue, &[], spare_capacity(&mut noticed), Some(Duration::ZERO)) };
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// Nobody can, here.
pub fn adopt_orphans() {}

/// Nothing: the system takes back what it needs.
pub fn forget_start() {}

/// There is nothing that holds them together but what their [tree](crate::host::tree) knows.
pub fn kill_orphans() {}

/// Something may be below us: orphans do not come back.
pub fn is_childless() -> bool {
    false
}

/// A pipe grows by itself, to 64 KiB.
pub fn widen(_: &impl AsFd, _: usize) {}

/// macOS has no groups of processes that are named from outside.
pub fn cgroup(_: &Process) -> Option<String> {
    None
}

/// Nothing tells a process that its parent ended.
pub fn end_with_parent() -> io::Result<()> {
    Ok(())
}
