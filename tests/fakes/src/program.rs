//! A *program* that a test writes and then runs.
//!
//! Another process writes it. What a test has open to write is inherited by each child that some other test begins
//! meanwhile, and the kernel executes no file that anybody may still write (`ETXTBSY`, execve(2)).

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Puts a script there.
///
/// # Errors
/// It can't be written.
pub fn put_script(path: &Path, text: &str) -> io::Result<()> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "cat >\"$0\" && chmod 755 \"$0\""]).arg(path).stdin(Stdio::piped());
    let mut shell = shell.spawn()?;
    let written = shell.stdin.take().map_or(Ok(()), |mut input| input.write_all(text.as_bytes()));
    done(path, shell.wait()?).and(written)
}

/// Copies a program.
///
/// # Errors
/// It can't be copied.
pub fn copy_program(from: &Path, to: &Path) -> io::Result<()> {
    done(to, Command::new("cp").args([from, to]).status()?)
}

fn done(path: &Path, status: ExitStatus) -> io::Result<()> {
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{}: {status}", path.display()))) }
}
