//! The *folder* of definitions of one user: whoever can write it decides what the manager runs.

use std::fs;
use std::path::Path;

use crate::effects::file::Owner;
use crate::error::{Error, Result};
use crate::user;

use super::systemd::bus;

/// Refuses a folder in which somebody else could plant a definition. One that is missing is fine.
///
/// A link on the way is fine while it ends in a folder of the user that nobody else can write.
///
/// # Errors
/// One of the folders belongs to another user, or others can write it.
pub fn check(folder: &Path) -> Result<()> {
    let refuse = |folder: &Path, cause: &str, fix: String| Err(Error::new(folder.display(), cause).fix(fix));
    for folder in folder.ancestors().take(3) {
        let Ok(meta) = folder.metadata() else {
            if folder.symlink_metadata().is_ok() {
                return refuse(folder, "a link that ends nowhere", format!("ls -l {}", quoted(folder)));
            }
            continue;
        };
        let quoted = quoted(folder);
        if !meta.is_dir() {
            return refuse(folder, "not a folder", format!("ls -l {quoted}"));
        }
        let Some(owner) = Owner::of(&meta) else { continue };
        if owner.user != user::number() {
            return refuse(folder, "it belongs to another user", format!("ls -ld {quoted}/"));
        }
        let others = owner.mode & 0o002 != 0 || (owner.mode & 0o020 != 0 && !is_own_group(owner.group));
        if others {
            return refuse(folder, "others than you can write it", format!("chmod go-w {quoted}"));
        }
    }
    Ok(())
}

fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}

/// A group of the user's own: the one that Debian and Fedora make with each user, with nobody else in it.
fn is_own_group(gid: u32) -> bool {
    let user = bus::user_name();
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    groups.lines().map(|line| line.split(':').collect::<Vec<_>>()).any(|entry| {
        matches!(entry[..], [name, _, id, members] if id.parse() == Ok(gid) && name == user && (members.is_empty() || members == user))
    })
}
