//! Ctrl-C on Unix: `SIGINT`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::error::{Context, Result};

/// Ctrl-C ends this process with 0.
pub fn end() -> Result<()> {
    flag::register_conditional_shutdown(SIGINT, 0, Arc::new(AtomicBool::new(true))).about("Ctrl-C")?;
    Ok(())
}
