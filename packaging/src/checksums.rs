//! `sha256.sum`: the hash of every file of a release, as sha256sum(1) reads it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// The name of the file.
pub const FILE: &str = "sha256.sum";

/// The hash of some bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines for some files, by name and hash, sorted by name. The star says that they are bytes, not text.
pub fn lines<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_unstable();
    files.iter().map(|(name, hash)| format!("{hash} *{name}\n")).collect()
}

/// The hash of each file by its name, of a list that [`lines`] could have made.
///
/// # Errors
/// A line is none, or they are not as they were written.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    let mut listed = BTreeMap::new();
    for line in text.lines() {
        let (hash, name) = line.split_once(" *").with_context(|| format!("{line:?} is no line of hashes"))?;
        listed.insert(name.to_owned(), hash.to_owned());
    }
    let again = lines(listed.iter().map(|(name, hash)| (name.as_str(), hash.as_str())));
    ensure!(again == text, "the lines are not as they were written");
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_line() {
        let hash = sha256(b"abc"); // FIPS 180-2, appendix B.1
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(lines([("b", "22"), ("a", "11")]), "11 *a\n22 *b\n");
    }
}
