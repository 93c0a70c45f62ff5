//! The *root*: the folder below which the machine's own files are, `/`.

use std::env;
use std::path::PathBuf;

/// This absolute path on this machine. In a build for tests `FAKE_ROOT` may name another root: a machine made of files,
/// whose `systemctl` is first in PATH.
pub fn at(path: &str) -> PathBuf {
    let fake = if cfg!(debug_assertions) { env::var_os("FAKE_ROOT") } else { None };
    let root = fake.map_or_else(|| "/".into(), PathBuf::from);
    root.join(path.trim_start_matches('/'))
}
