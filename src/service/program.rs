//! The *program* that a definition names: this `ductor`, by a path that stays right over upgrades.

use std::env;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::search_path::{self, access};

/// The `ductor` that runs, by the path that was typed: links not resolved, as they are what upgrades move.
///
/// # Errors
/// Its path is unknown, or others can replace the file.
pub fn stable() -> Result<PathBuf> {
    let what = "the path of ductor itself";
    let exe = env::current_exe().map_err(|error| Error::new(what, error))?;
    let running = exe.canonicalize().map_err(|error| Error::new(what, error))?;
    let typed = env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let typed = if typed.components().count() > 1 {
        env::current_dir().ok().map(|folder| folder.join(typed))
    } else {
        search_path::which("ductor", &env::var_os("PATH").unwrap_or_default())
    };
    let is_it = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == running);
    // On Windows a canonical path begins with `\\?\`, which the Task Scheduler does not take.
    let program = typed.filter(is_it).unwrap_or(if cfg!(windows) { exe } else { running });
    let program: PathBuf = program.components().collect(); // without `./`
    if program.parent().is_none_or(access::others_may_replace) {
        let fix = "move it to a folder of your own, or install the package";
        return Err(Error::new(program.display(), "others can replace what stands in this folder").fix(fix));
    }
    Ok(program)
}
