//! Installed *Node versions* of the version managers nvm and fnm, in the order in which a person expects them:
//! the chosen default first, then the highest. As text `v9` comes after `v22`; as versions it does not.

use std::fs;
use std::path::{Component, Path, PathBuf};

use semver::Version;

use crate::effects::file;

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
        let inside = Path::new(&name).components().all(|part| matches!(part, Component::Normal(_)));
        let file = root.join("alias").join(&name);
        match file::read_bounded(&file, 1024).ok().filter(|_| inside) {
            Some(text) => name = String::from_utf8(text).ok()?.trim().to_owned(),
            None => return (hop > 0).then_some(name),
        }
    }
    None
}

/// Which of the installed versions, highest first, a person means by `name`.
fn position(installed: &[(Version, PathBuf)], name: &str) -> Option<usize> {
    let long_term =
        |version: &Version| version.pre.is_empty() && LONG_TERM.iter().any(|line| line.1 == version.major);
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

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALLED: [&str; 7] =
        ["v9.11.2", "v10.24.1", "v18.20.4", "v20.9.0", "v22.1.0", "v22.12.0", "v23.0.0"];

    fn nvm_with(aliases: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let node = root.path().join("versions/node");
        for name in INSTALLED.iter().chain(&["v24.0.0-rc.1", "not-a-version", "v22"]) {
            fs::create_dir_all(node.join(name).join("bin")).unwrap();
        }
        for (name, value) in aliases {
            let file = root.path().join("alias").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("{value}\n")).unwrap();
        }
        root
    }

    fn order(aliases: &[(&str, &str)]) -> Vec<String> {
        let root = nvm_with(aliases);
        let node = root.path().join("versions/node");
        let version = |bin: PathBuf| bin.parent().unwrap().strip_prefix(&node).unwrap().display().to_string();
        nvm(root.path(), Path::new("/")).into_iter().map(version).collect()
    }

    #[test]
    fn versions_are_ordered_as_versions() {
        let order = order(&[]);
        assert_eq!(order[0], "v24.0.0-rc.1");
        assert!(order[1..].iter().eq(INSTALLED.iter().rev()), "{order:?}");
    }

    #[test]
    #[cfg(unix)] // nvm's `lts/*` is no name of a file on Windows
    fn the_default_alias_is_first() {
        let cases: [(&[(&str, &str)], &str); 12] = [
            (&[("default", "v20.9.0")], "v20.9.0"),
            (&[("default", "20.9.0")], "v20.9.0"),
            (&[("default", "22")], "v22.12.0"),
            (&[("default", "v22.1")], "v22.1.0"),
            (&[("default", "node")], "v23.0.0"),
            (&[("default", "stable")], "v23.0.0"),
            (&[("default", "lts/*")], "v22.12.0"),
            (&[("default", "lts/*"), ("lts/*", "lts/iron"), ("lts/iron", "v20.9.0")], "v20.9.0"),
            (&[("default", "lts/hydrogen")], "v18.20.4"),
            (&[("default", "work"), ("work", "old"), ("old", "10")], "v10.24.1"),
            // What means nothing here changes nothing.
            (&[("default", "v99")], "v24.0.0-rc.1"),
            (&[("default", "../../../etc/hostname")], "v24.0.0-rc.1"),
        ];
        for (aliases, first) in cases {
            let order = order(aliases);
            assert_eq!(order[0], first, "{aliases:?}");
            assert_eq!(order.len(), INSTALLED.len() + 1, "{aliases:?}");
        }
    }

    #[test]
    fn aliases_that_name_each_other_end() {
        assert_eq!(order(&[("default", "a"), ("a", "b"), ("b", "a")])[0], "v24.0.0-rc.1");
        assert_eq!(order(&[("default", "default")])[0], "v24.0.0-rc.1");
    }

    #[test]
    fn who_wants_the_systems_node_gets_none_of_nvm() {
        assert!(order(&[("default", "system")]).is_empty());
    }
}
