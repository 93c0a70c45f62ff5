//! The *signature* of a release, minisign's (jedisct1.github.io/minisign), over `sha256.sum`, which is over every other
//! file. The public half of the key stands in the checkout, and from there in the installers.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use minisign::{PublicKey, PublicKeyBox, SecretKey, SecretKeyBox};

use crate::checksums;
use crate::release::{NAME, Release};
use crate::workspace::Workspace;

/// The name of the file.
pub const FILE: &str = "sha256.sum.minisig";

/// Where the checkout has the public half of the key. Without it the installers take a release for unsigned.
const PUBLIC_KEY: &str = "installers/ductor.pub";

/// The variable that holds the password of the key. Without it a person is asked.
const PASSWORD: &str = "DUCTOR_SIGN_PASSWORD";

/// A key that releases are signed with.
pub struct Signer(SecretKey);

impl Signer {
    /// Reads the secret key in a file, as `minisign -G` writes it.
    ///
    /// # Errors
    /// It is none, the password is wrong, or the installers would not believe it.
    pub fn read(file: &Path, workspace: &Workspace) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let secret = decrypt(&text).with_context(|| format!("the key {}", file.display()))?;
        let public = PublicKey::from_secret_key(&secret).context("the public half of the key")?.to_base64();
        match public_key(workspace)? {
            Some(known) if known == public => Ok(Self(secret)),
            known => bail!(
                "{}: the installers would not believe it: {PUBLIC_KEY} {}\n  fix: put its public half there: {public}",
                file.display(),
                known.map_or("is not there".into(), |known| format!("holds {known}"))
            ),
        }
    }

    /// The signature of the hashes. No two are the same bytes.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn sign(&self, release: &Release, sums: &[u8]) -> Result<Vec<u8>> {
        let trusted = format!("{NAME} {}\tfile:{}", release.version, checksums::FILE);
        let signature = minisign::sign(None, &self.0, sums, Some(&trusted), None)?;
        Ok(signature.into_string().into_bytes())
    }
}

/// The key that the installers believe: the second line of what `minisign -G` calls the public key.
///
/// # Errors
/// What stands in its place is no key.
pub fn public_key(workspace: &Workspace) -> Result<Option<String>> {
    if !workspace.root.join(PUBLIC_KEY).exists() {
        return Ok(None);
    }
    let text = String::from_utf8(workspace.read(PUBLIC_KEY)?)?;
    let key = PublicKeyBox::from_string(&text).and_then(PublicKeyBox::into_public_key);
    Ok(Some(key.with_context(|| format!("{PUBLIC_KEY} holds no key of minisign"))?.to_base64()))
}

/// A key without a password (`minisign -G -W`) as it is, another one with the password.
fn decrypt(text: &str) -> Result<SecretKey> {
    if let Ok(key) = SecretKeyBox::from_string(text)?.into_unencrypted_secret_key() {
        return Ok(key);
    }
    let password = match env::var(PASSWORD) {
        Ok(password) => password,
        Err(_) => rpassword::prompt_password(format!("Password of the key that {NAME} is signed with: "))
            .map_err(|error| {
                anyhow!("nobody can be asked for its password: {error}\n  fix: set {PASSWORD}")
            })?,
    };
    Ok(SecretKeyBox::from_string(text)?.into_secret_key(Some(password))?)
}
