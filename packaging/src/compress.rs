//! Compression that depends on nothing but its input: no time, no file name, no number of processors. For xz see
//! [`crate::xz`].

use std::io::Write;

use anyhow::Result;
use flate2::{Compression, GzBuilder};

/// As `gzip -9n` would.
///
/// # Errors
/// Never, for memory does not fail to be written to.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// As `zstd -19` would a file: its window, which memory and time go into, is no larger than what is compressed.
///
/// # Errors
/// Not enough memory.
pub fn zstd(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 19)?;
    encoder.include_checksum(true)?;
    encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
