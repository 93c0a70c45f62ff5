//! The *places* into which package and version managers put a user's programs: one table per system, best first.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::os::PLACES;
use crate::effects::file;

/// Where a tool keeps its programs.
pub struct Place {
    /// The variable with which people move the tool's folder; empty if there is none.
    variable: &'static str,
    /// The tool's folder without that variable; `~` is the user's home folder.
    roots: &'static [&'static str],
    /// What in it belongs on the search path.
    inside: Inside,
}

pub enum Inside {
    /// These folders, below the tool's.
    Folders(&'static [&'static str]),
    /// Whatever this function finds in the tool's folder, best first.
    Found(fn(&Path, &Path) -> Vec<PathBuf>),
}

use Inside::{Folders, Found};

/// A row of the table.
pub const fn place(variable: &'static str, roots: &'static [&'static str], inside: Inside) -> Place {
    Place { variable, roots, inside }
}

/// The folders of every place, whether they exist or not. `variable` looks up the person's environment.
pub fn folders(home: &Path, variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for place in PLACES {
        let moved = variable(place.variable).map(PathBuf::from).filter(|root| root.is_absolute());
        let usual = place.roots.iter().map(|root| expand(home, root));
        for root in moved.into_iter().chain(usual) {
            found.extend(match place.inside {
                Folders(names) => names.iter().map(|name| root.join(name).components().collect()).collect(),
                Found(find) => find(&root, home),
            });
        }
    }
    found
}

fn expand(home: &Path, text: &str) -> PathBuf {
    Path::new(text).strip_prefix("~").map_or_else(|_| text.into(), |rest| home.join(rest))
}

/// The folder of global npm programs that `~/.npmrc` names (`prefix = ~/.npm-global`).
pub fn npm_prefix(root: &Path, home: &Path) -> Vec<PathBuf> {
    let text = file::read_bounded(&root.join(".npmrc"), 64 * 1024).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let prefix = text.lines().rev().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "prefix").then(|| value.trim().trim_matches(['"', '\'']))
    });
    let prefix = prefix.map(|value| expand(home, &value.replace("${HOME}", "~")));
    prefix.filter(|prefix| prefix.is_absolute()).map(|prefix| prefix.join("bin")).into_iter().collect()
}
