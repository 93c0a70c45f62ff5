//! *Access*: what the system says about a file that might be executed: is it a program, is it this very
//! program, could somebody else have put it there.

use std::path::Path;

use super::os::{anybody_may_write, may_execute};
use crate::effects::file::Id;

pub use super::os::{is_this_program, others_may_replace};

/// Whether `path` is a file that this user may execute.
pub fn is_program(path: &Path) -> bool {
    path.is_file() && may_execute(path)
}

/// Whether any user of the machine may put a program into `folder`, or make that folder where there is none.
///
/// The sticky bit of `/tmp` is no help: it keeps others from replacing a program, not from adding one.
pub fn anybody_may_add(folder: &Path) -> bool {
    let nearest = folder.ancestors().find_map(|folder| folder.metadata().ok());
    nearest.is_none_or(|folder| anybody_may_write(&folder))
}

/// Whether both paths are names of one file, through links of either kind.
pub fn same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| path.canonicalize().ok().and_then(|path| Id::at(&path));
    id(one).is_some_and(|one| id(other) == Some(one))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn this_program_is_known_by_any_name() {
        let this = std::env::current_exe().unwrap();
        let dir = tempfile::tempdir_in(this.parent().unwrap()).unwrap();
        let (soft, hard) = (dir.path().join("soft"), dir.path().join("hard"));
        symlink(&this, &soft).unwrap();
        fs::hard_link(&this, &hard).unwrap();
        assert!([&this, &soft, &hard].iter().all(|path| is_this_program(path)));
        assert!(!is_this_program(Path::new("/bin/sh")) && !is_this_program(Path::new("/none")));
    }

    #[test]
    fn a_folder_that_anybody_could_make_is_anybodys() {
        assert!(anybody_may_add(Path::new("/tmp")));
        assert!(anybody_may_add(Path::new("/tmp/no-such-folder/bin")));
        assert!(!anybody_may_add(Path::new("/usr/no-such-folder/bin")));
    }
}
