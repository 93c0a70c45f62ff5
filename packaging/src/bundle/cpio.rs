//! The `cpio` archives in a .pkg, in the old portable form: headers of 76 octal digits (cpio(5), "odc").

use anyhow::{Context, Result, ensure};

use crate::tree::{Node, Tree};

/// What ends an archive.
const TRAILER: &str = "TRAILER!!!";

/// A tree with its top, owned by root and wheel, each time `epoch`.
///
/// # Errors
/// Something is too large for its octal digits.
pub fn cpio(tree: &Tree, epoch: u64) -> Result<Vec<u8>> {
    let mut archive = entry(1, ".", 0o040_755, &[], epoch)?;
    for (number, (path, node)) in (2..).zip(tree.nodes()) {
        let (mode, bytes) = match node {
            Node::Folder => (0o040_755, [].as_slice()),
            Node::File { mode, bytes } => (0o100_000 | mode, bytes.as_slice()),
        };
        archive.extend(entry(number, &format!("./{path}"), mode, bytes, epoch)?);
    }
    archive.extend(entry(0, TRAILER, 0, &[], 0)?);
    Ok(archive)
}

fn entry(number: usize, path: &str, mode: u32, bytes: &[u8], time: u64) -> Result<Vec<u8>> {
    let links = if mode & 0o040_000 == 0 { 1 } else { 2 };
    // device, inode, mode, user, group, links, device, time, size of the name with its NUL, size
    let header = format!(
        "070707{:06o}{number:06o}{mode:06o}{:06o}{:06o}{links:06o}{:06o}{time:011o}{:06o}{:011o}",
        0,
        0,
        0,
        0,
        path.len() + 1,
        bytes.len()
    );
    ensure!(header.len() == 76, "{path} does not fit");
    let text = std::ffi::CString::new(path).with_context(|| format!("{path:?} is no path"))?;
    Ok([header.as_bytes(), text.as_bytes_with_nul(), bytes].concat())
}
