//! What somebody plants, steals or sends: where we read and write ([`planted`]), what is to stay secret ([`secrets`]),
//! who may read what we make ([`modes`]), and what is fed to parsers ([`parsers`]). On booted machines: the lab's `attacks`.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod modes;
mod parsers;
mod planted;
mod secrets;

use std::fs;
use std::path::Path;

/// Every file and folder below this one, itself included, links not followed.
fn everything_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![folder.to_owned()];
    if folder.symlink_metadata().is_ok_and(|it| it.is_dir()) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            found.extend(everything_below(&entry.path()));
        }
    }
    found
}
