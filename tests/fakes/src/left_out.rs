//! What a test *leaves out*, because this machine lacks what it needs.
//!
//! Rust's own harness knows no test that finds out while it runs that it can't. So it says so here, and
//! `cargo xtask test` counts it as skipped, by its name and the reason.

use std::fmt::Display;
use std::fs::File;
use std::io::Write;

/// The variable that names the file of what was left out, a line each: `NAME (REASON)`.
pub const FILE: &str = "DUCTOR_TEST_LEFT_OUT";

/// Says that the test that runs, or a part of it, is left out, and why. With `CI=true` nothing may be: it fails.
///
/// # Panics
/// With `CI=true`, or where that can't be written down.
pub fn left_out(why: impl Display) {
    assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{why}");
    let thread = std::thread::current();
    let line = format!("{} ({why})\n", thread.name().unwrap_or("a test"));
    if let Some(file) = std::env::var_os(FILE) {
        let file = File::options().append(true).create(true).open(&file);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        assert!(written.is_ok(), "{written:?}: {line}");
    }
}
