//! An *interpreter* is a python that could run the bot. The newest on PATH is taken.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::bot::python::PYTHONS;
use crate::effects::{Command, ask};
use crate::search_path::which_all;

/// The oldest minor version of Python 3 that the bot runs with (`Requires-Python` of its package).
pub const OLDEST: u32 = 11;

/// Tells its minor version, whether that is a finished release, whether it can make an environment with pip
/// (Debian ships that part on its own, `python3-venv`), and where it really is (the one on PATH may be a shim).
const QUESTION: &str = "\
import sys
from importlib.util import find_spec
can = all(map(find_spec, ('venv', 'ensurepip')))
print(sys.version_info[1], sys.version_info[3] == 'final', can, sys.executable)
";

/// A python 3 on PATH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Where it is.
    pub path: PathBuf,
    /// The 12 of 3.12.
    pub minor: u32,
    /// Whether it is a finished release, not a preview.
    pub is_final: bool,
    /// Whether it can make an environment with pip.
    pub has_venv: bool,
}

/// Every python 3 on PATH that runs, best first: those that can make an environment, finished releases, the
/// newest.
pub fn all(path: &OsStr) -> Vec<Interpreter> {
    let mut found: Vec<_> =
        names(path).iter().flat_map(|name| which_all(name, path)).filter_map(probe).collect();
    // Stable: of equals the first on PATH stays first.
    found.sort_by_key(|python| std::cmp::Reverse((python.has_venv, python.is_final, python.minor)));
    found
}

/// The usual names, and every `python3.N` that some folder of PATH has, the highest first.
fn names(path: &OsStr) -> Vec<OsString> {
    let entries = env::split_paths(path).filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let minors: BTreeSet<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("python3.")?.parse().ok())
        .filter(|minor| *minor >= OLDEST)
        .collect();
    let versioned = minors.iter().rev().map(|minor| format!("python3.{minor}").into());
    PYTHONS.iter().map(OsString::from).chain(versioned).collect()
}

/// Asks the python; none if it does not run (a shim of pyenv for a version that is not switched on).
fn probe(path: PathBuf) -> Option<Interpreter> {
    let output = ask(&Command::new(&path, ["-I", "-c", QUESTION]).timeout(Duration::from_secs(10))).ok()?;
    let said = output.success().then(|| String::from_utf8(output.stdout).ok()).flatten()?;
    let mut words = said.trim_end().splitn(4, ' ');
    let minor = words.next()?.parse().ok()?;
    let (is_final, has_venv) = (words.next()? == "True", words.next()? == "True");
    let path = words.next().map(PathBuf::from).filter(|real| real.is_absolute()).unwrap_or(path);
    Some(Interpreter { path, minor, is_final, has_venv })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::bot::world::World;

    #[test]
    fn the_best_python_is_a_finished_one_that_can_make_environments_and_the_newest() {
        let world = World::new();
        for (name, answer) in [
            ("a/python3", "11 True True /real/3.11"),
            ("a/python3.12", "12 True True /real/3 .12"),
            ("a/python3.10", "10 True True /never/asked"),
            ("a/python3.13", "13 True False /real/3.13"),
            ("b/python3.14", "14 False True /real/3.14"),
            ("b/python3", "11 True True /second/3.11"),
            ("b/python3.12-config", "99 True True /no/python"),
        ] {
            world.program(name, format!("#!/bin/sh\necho '{answer}'\n"));
        }
        world.program(
            "b/python3.15",
            "#!/bin/sh\necho 'pyenv: python3.15: command not found' >&2; exit 127\n",
        );
        let found = all(&world.search_path(&["a", "none", "b"]));
        let found: Vec<_> = found.iter().map(|python| python.path.to_str().unwrap()).collect();
        assert_eq!(found, ["/real/3 .12", "/real/3.11", "/second/3.11", "/real/3.14", "/real/3.13"]);
    }
}
