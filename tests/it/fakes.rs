//! Where the fake service managers come from: one program, linked under the names that are wanted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Puts fakes under these names into a folder.
pub fn put(folder: &Path, names: &[&str]) {
    fs::create_dir_all(folder).unwrap();
    for name in names {
        std::os::unix::fs::symlink(program(), folder.join(name)).unwrap();
    }
}

/// Puts the real `ductor` into a folder, under this name too.
pub fn put_ductor(folder: &Path, name: &str) {
    fs::create_dir_all(folder).unwrap();
    let (ductor, path) = (env!("CARGO_BIN_EXE_ductor"), folder.join(name));
    // A link that is a file of its own: it has to know its own name.
    if fs::hard_link(ductor, &path).is_err() {
        fakes::copy_program(ductor.as_ref(), &path).unwrap();
    }
}

/// Links `ductor` into a folder, as what people type.
pub fn link_ductor(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    if !folder.join("ductor").exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ductor"), folder.join("ductor")).unwrap();
    }
}

fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_ductor")).with_file_name("fakes");
    assert!(program.exists(), "the fake managers are not built; to build them: cargo build --package fakes");
    program
}
