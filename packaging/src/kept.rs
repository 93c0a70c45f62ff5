//! What is *kept*: bytes that the same xtask has made from the same inputs before are taken, not made again. Content
//! decides, never a time. One file a name in the target folder, so that it does not grow.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};

use crate::workspace::Workspace;

/// The bytes of a name, from what they are made from: kept ones, else new ones.
///
/// # Errors
/// They can't be made, or not be kept.
pub fn or_made(
    workspace: &Workspace,
    name: &str,
    inputs: &[&[u8]],
    make: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    let folder = workspace.target.join("kept");
    let file = folder.join(name.replace('/', "-"));
    let key = key(inputs)?;
    let kept = fs::read(&file).ok();
    if let Some(bytes) = kept.as_deref().and_then(|kept| kept.strip_prefix(&key)) {
        return Ok(bytes.to_vec());
    }
    let bytes = make()?;
    fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
    let kept = [&key, bytes.as_slice()].concat();
    ductor::internals::replace(&file, &kept, 0o644)
        .map_err(|error| anyhow!("{}: {}", error.what, error.cause))?;
    Ok(bytes)
}

/// One hash over who makes it and from what, each part with its length.
fn key(inputs: &[&[u8]]) -> Result<[u8; 32]> {
    static MAKER: OnceLock<Option<[u8; 32]>> = OnceLock::new();
    let maker =
        MAKER.get_or_init(|| this_program().ok()).as_ref().context("the program that runs can't be read")?;
    let mut hash = Sha256::new_with_prefix(maker);
    for input in inputs {
        hash.update(input.len().to_le_bytes());
        hash.update(input);
    }
    Ok(hash.finalize().into())
}

/// The hash of the program that runs, which is large: read piece by piece.
fn this_program() -> Result<[u8; 32]> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(env::current_exe()?)?);
    let mut hash = Sha256::new();
    loop {
        let piece = file.fill_buf()?;
        let read = piece.len();
        if read == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(piece);
        file.consume(read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_inputs_are_worked_on_once() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace { root: folder.path().into(), target: folder.path().join("target") };
        let mut works = 0;
        let mut get = |inputs: &[&[u8]]| {
            or_made(&workspace, "a/b", inputs, || {
                works += 1;
                Ok(inputs.concat())
            })
            .unwrap()
        };
        assert_eq!(get(&[b"one", b"two"]), b"onetwo");
        assert_eq!(get(&[b"one", b"two"]), b"onetwo");
        assert_eq!(get(&[b"onet", b"wo"]), b"onetwo", "made again: the parts differ");
        assert_eq!(get(&[b"one", b"two"]), b"onetwo", "made again: only the last is kept");
        assert_eq!(works, 3);
        assert!(or_made(&workspace, "c", &[], || Err(anyhow!("no"))).is_err());
        assert!(!workspace.target.join("kept/c").exists());
    }
}
