//! The *program* that a definition names: this `ductor`, by a path that stays right over upgrades.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::search_path;

/// The `ductor` that runs, by the path that was typed: links not resolved, as they are what upgrades move.
///
/// # Errors
/// Its path is unknown, or others can replace the file.
pub fn stable() -> Result<PathBuf> {
    let what = "the path of ductor itself";
    let running =
        env::current_exe().and_then(|path| path.canonicalize()).map_err(|error| Error::new(what, error))?;
    let typed = env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let typed = if typed.components().count() > 1 {
        env::current_dir().ok().map(|folder| folder.join(typed))
    } else {
        search_path::which("ductor", &env::var_os("PATH").unwrap_or_default())
    };
    let is_it = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == running);
    let program = typed.filter(is_it).unwrap_or(running);
    let program: PathBuf = program.components().collect(); // without `./`
    if in_a_shared_folder(&program) {
        let fix = "move it to ~/.local/bin, or install the package";
        return Err(Error::new(program.display(), "others can replace what stands in this folder").fix(fix));
    }
    Ok(program)
}

#[cfg(unix)]
fn in_a_shared_folder(program: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let folder = program.parent().and_then(|folder| folder.metadata().ok());
    folder.is_none_or(|meta| meta.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn in_a_shared_folder(_: &Path) -> bool {
    false
}
