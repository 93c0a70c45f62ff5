//! How people end a stream of logs: by Ctrl-C, or with a reader that has enough (`| head`). Neither is a failure.

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::{Context, Result};

/// Survives Ctrl-C and notes it, for as long as a child that got it too is waited for.
#[cfg(unix)]
pub fn note() -> Result<Arc<AtomicBool>> {
    let noted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&noted)).about("Ctrl-C")?;
    Ok(noted)
}

/// Ctrl-C ends this process with 0.
#[cfg(unix)]
pub fn end() -> Result<()> {
    let always = Arc::new(AtomicBool::new(true));
    signal_hook::flag::register_conditional_shutdown(signal_hook::consts::SIGINT, 0, always)
        .about("Ctrl-C")?;
    Ok(())
}

/// The program ended because nobody reads any more what it writes.
#[cfg(unix)]
pub fn reader_went(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(signal_hook::consts::SIGPIPE)
}
