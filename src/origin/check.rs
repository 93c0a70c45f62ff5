//! What a downloaded file has to pass: its hash is the one in `sha256.sum`, and that is signed by our key.

use minisign_verify::{PublicKey, Signature};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The hash of some bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks a file against the lines of `sha256.sum`.
///
/// # Errors
/// It is not named there, or its hash is another.
pub fn hash(sums: &str, name: &str, bytes: &[u8]) -> Result<()> {
    match expected(sums, name) {
        None => Err(Error::new(name, "sha256.sum of this release does not name it")),
        Some(hash) if hash == sha256(bytes) => Ok(()),
        Some(_) => Err(Error::new(name, "its hash is not the one in sha256.sum; nothing was changed")
            .fix("try again; it may have been damaged on its way")),
    }
}

/// The hash of a file as the lines of `sha256.sum` have it (sha256sum(1): a star says that it was read as bytes).
pub fn expected<'a>(sums: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = sums.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(_, file)| file.strip_prefix(['*', ' ']) == Some(name)).map(|(hash, _)| hash)
}

/// Checks minisign's signature of `sha256.sum`.
///
/// # Errors
/// It is by another key, of another text, or no signature.
pub fn signature(sums: &[u8], signature: &str, public_key: &str) -> Result<()> {
    let what = "the signature of sha256.sum";
    let key = PublicKey::from_base64(public_key).map_err(|error| Error::new("the public key", error))?;
    let signature = Signature::decode(signature).map_err(|error| Error::new(what, error))?;
    key.verify(sums, &signature, false)
        .map_err(|error| Error::new(what, format!("{error}; nothing was changed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_checked_by_its_line() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-2, appendix B.1
        let sums = format!("{abc} *abc\n{abc} *xabc\n");
        hash(&sums, "abc", b"abc").unwrap();
        assert!(hash(&sums, "abc", b"abd").unwrap_err().cause.starts_with("its hash is not"));
        assert!(hash(&sums, "bc", b"abc").unwrap_err().cause.contains("does not name it"));
    }

    /// The example in the documentation of minisign-verify.
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";

    #[test]
    fn a_signature_is_right_for_its_text_and_its_key_alone() {
        signature(b"test", SIGNATURE, KEY).unwrap();
        assert!(signature(b"tess", SIGNATURE, KEY).is_err());
        assert!(signature(b"test", &SIGNATURE.replace("633700835", "633700836"), KEY).is_err());
        assert!(signature(b"test", "not found", KEY).is_err());
        let other = KEY.replace("73Y7", "73Y8");
        assert!(signature(b"test", SIGNATURE, &other).is_err());
    }
}
