//! Ctrl-C on Unix: `SIGINT`.

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGPIPE};
use signal_hook::flag;

use crate::error::{Context, Result};

/// Survives Ctrl-C and notes it, for as long as a child that got it too is waited for.
pub fn note() -> Result<Arc<AtomicBool>> {
    let noted = Arc::new(AtomicBool::new(false));
    flag::register(SIGINT, Arc::clone(&noted)).about("Ctrl-C")?;
    Ok(noted)
}

/// Ctrl-C ends this process with 0.
pub fn end() -> Result<()> {
    flag::register_conditional_shutdown(SIGINT, 0, Arc::new(AtomicBool::new(true))).about("Ctrl-C")?;
    Ok(())
}

/// The program ended because nobody reads any more what it writes.
pub fn reader_went(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(SIGPIPE)
}
