//! A *folder lock* keeps a second command out of a folder while one is at work there. It ends with its process,
//! however that ends, and leaves no file behind.

#[cfg(unix)]
#[path = "folder_lock/unix.rs"]
mod os;
#[cfg(windows)]
#[path = "folder_lock/windows.rs"]
mod os;

use std::io;
use std::path::Path;

/// The lock of a folder, held while it lives.
#[derive(Debug)]
pub struct FolderLock {
    _held: os::Held,
}

impl FolderLock {
    /// Takes it; none while another process has it. File systems that know no locks let everybody pass.
    ///
    /// # Errors
    /// The folder can't be opened.
    pub fn take(folder: &Path) -> io::Result<Option<Self>> {
        Ok(os::take(folder)?.map(|held| Self { _held: held }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_it_and_nothing_is_left_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = FolderLock::take(dir.path()).unwrap();
        assert!(first.is_some() && FolderLock::take(dir.path()).unwrap().is_none());
        drop(first);
        assert!(FolderLock::take(dir.path()).unwrap().is_some());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
