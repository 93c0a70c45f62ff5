//! The programs of others that this code runs and no distribution has: where they are, and how they are fetched. What
//! compiles is in [`toolchain`](crate::toolchain).

use std::env;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use sha2::{Digest, Sha512};

use crate::toolchain::Missing;
use crate::workspace::output;

/// The version of cargo-dist, the same as in dist-workspace.toml: another one refuses to run.
pub const CARGO_DIST: &str = "0.33.0";

/// Where the program of cargo-dist is, in the version that this release wants: another one writes other bytes.
///
/// # Errors
/// It is neither in PATH nor in [`folder`].
pub fn cargo_dist() -> Result<PathBuf, Missing> {
    let path = env::var_os("PATH").unwrap_or_default();
    let named = env::split_paths(&path).map(|folder| folder.join("dist")).chain([fetched("dist")]);
    let wanted = format!("cargo-dist {CARGO_DIST}");
    let says = |program: &PathBuf| output(Command::new(program).arg("--version")).unwrap_or_default();
    let mut found = named.filter(|program| program.is_file());
    found.find(|program| String::from_utf8_lossy(&says(program)).trim() == wanted).ok_or_else(|| Missing {
        what: wanted,
        get: format!("cargo install cargo-dist --locked --version {CARGO_DIST}"),
    })
}

/// Where [`fetch`] puts programs: `$DUCTOR_TOOLS`, else `ductor-tools` in the user's folder for caches.
pub fn folder() -> PathBuf {
    let cache = || dirs::cache_dir().unwrap_or_else(env::temp_dir).join("ductor-tools");
    env::var_os("DUCTOR_TOOLS").map_or_else(cache, PathBuf::from)
}

/// Where a program is that [`fetch`] has got.
pub fn fetched(program: &str) -> PathBuf {
    folder().join("bin").join(program)
}

/// The programs that the checks of this repository want and no distribution has, by version and hash, as pip reads
/// them. cargo-dist is compiled here by those who keep it on the Python index, from the tag of its authors: a
/// second, where `cargo install` takes two processors four minutes.
const FETCHED: &str = include_str!("../tools.txt");

/// Deque's checker of web pages, on npm: its name there, the version, and npm's hash of the file.
const AXE: [&str; 3] = [
    "axe-core",
    "4.14.1",
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
];

/// Gets all of them into [`folder`], unless they are there.
///
/// # Errors
/// pip or npm is not installed or failed.
pub fn fetch() -> Result<()> {
    fetch_by_pip()?;
    if axe().is_err() {
        let [name, version, _] = AXE;
        let mut npm = Command::new("npm");
        npm.args(["pack", "--silent", &format!("{name}@{version}"), "--pack-destination"]).arg(folder());
        output(&mut npm)?;
    }
    Ok(())
}

/// The script of axe-core, for a page to run.
///
/// # Errors
/// It was not fetched, or is not the one that is meant.
pub fn axe() -> Result<String> {
    let [name, version, integrity] = AXE;
    let file = folder().join(format!("{name}-{version}.tgz"));
    let bytes = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    let is = format!("sha512-{}", STANDARD.encode(Sha512::digest(&bytes)));
    ensure!(is == integrity, "{} has another hash: {is}", file.display());
    for entry in tar::Archive::new(GzDecoder::new(&bytes[..])).entries()? {
        let mut entry = entry?;
        if entry.path()?.ends_with("package/axe.min.js") {
            let mut script = String::new();
            entry.read_to_string(&mut script)?;
            return Ok(script);
        }
    }
    bail!("{} has no script", file.display())
}

fn fetch_by_pip() -> Result<()> {
    let folder = folder();
    let stamp = folder.join("tools.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == FETCHED) {
        return Ok(());
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
    let wanted = tempfile::NamedTempFile::new()?;
    std::fs::write(&wanted, FETCHED)?;
    let mut pip = Command::new("pip3");
    pip.args(["install", "--quiet", "--no-deps", "--require-hashes", "--upgrade", "--target"]).arg(&folder);
    output(pip.arg("--requirement").arg(wanted.path()))?;
    std::fs::write(&stamp, FETCHED).with_context(|| format!("write {}", stamp.display()))
}
