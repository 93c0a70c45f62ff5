//! Installed *Node versions* of the version managers nvm and fnm, in the order in which a person expects them:
//! the chosen default first, then the highest. As text `v9` comes after `v22`; as versions it does not.

use std::fs;
use std::path::{Component, Path, PathBuf};

use semver::Version;

/// The first release line of each long-term support name, for a home without nvm's own alias files
/// (<https://github.com/nodejs/Release>).
const LONG_TERM: [(&str, u64); 11] = [
    ("argon", 4),
    ("boron", 6),
    ("carbon", 8),
    ("dubnium", 10),
    ("erbium", 12),
    ("fermium", 14),
    ("gallium", 16),
    ("hydrogen", 18),
    ("iron", 20),
    ("jod", 22),
    ("krypton", 24),
];

/// The program folders of nvm, whose folder is `root`: the version its default alias means, then the others.
/// None if the person chose the system's Node (`nvm alias default system`).
pub fn nvm(root: &Path, _home: &Path) -> Vec<PathBuf> {
    let mut installed = versions(&root.join("versions/node"));
    let default = end_of_alias(root, "default");
    if default.as_deref() == Some("system") {
        return Vec::new();
    }
    if let Some(chosen) = default.and_then(|name| position(&installed, &name)) {
        installed[..=chosen].rotate_right(1);
    }
    installed.into_iter().map(|(_, folder)| folder.join("bin")).collect()
}

/// The program folders of fnm, whose folder is `root`: its default alias (a link), then every version.
pub fn fnm(root: &Path, _home: &Path) -> Vec<PathBuf> {
    let installed = versions(&root.join("node-versions"));
    let others = installed.into_iter().map(|(_, folder)| folder.join("installation/bin"));
    std::iter::once(root.join("aliases/default/bin")).chain(others).collect()
}

/// The versions that have a folder in `folder`, highest first.
fn versions(folder: &Path) -> Vec<(Version, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = Version::parse(name.to_str()?.trim_start_matches('v')).ok()?;
            Some((version, entry.path()))
        })
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    found
}

/// Follows nvm's alias files, which may name each other, to the last name.
fn end_of_alias(root: &Path, first: &str) -> Option<String> {
    let mut name = first.to_owned();
    for hop in 0..16 {
        let plain = Path::new(&name).components().all(|part| matches!(part, Component::Normal(_)));
        let file = root.join("alias").join(&name);
        match crate::effects::file::read_bounded(&file, 1024) {
            Ok(text) if plain => name = String::from_utf8(text).ok()?.trim().to_owned(),
            _ => return (hop > 0).then_some(name),
        }
    }
    None
}

/// Which of the installed versions, highest first, a person means by `name`.
fn position(installed: &[(Version, PathBuf)], name: &str) -> Option<usize> {
    let long_term = |version: &Version| LONG_TERM.iter().any(|(_, major)| *major == version.major);
    let line = name.strip_prefix("lts/").and_then(|name| LONG_TERM.iter().find(|line| line.0 == name));
    installed.iter().position(|(version, _)| match (name, line) {
        ("node" | "stable", _) => version.pre.is_empty(),
        ("lts/*", _) => long_term(version),
        (_, Some((_, major))) => version.major == *major,
        (partial, _) => is_within(version, partial.trim_start_matches('v')),
    })
}

/// Whether `version` is `partial` (`22`, `22.1`, `22.1.0`) or belongs to it.
fn is_within(version: &Version, partial: &str) -> bool {
    let text = version.to_string();
    text.strip_prefix(partial).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
