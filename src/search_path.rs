//! The *search path*: the folders in which the bot, and the agents it drives, look for programs (`PATH`).
//!
//! A service manager starts the host with a short PATH, and one written down at installation is stale with
//! the next Node update. So the host computes it at every start: what was inherited keeps its place, and the
//! folders into which people's package and version managers put programs go before the system's. They are one
//! table, in `places`; the order of Node versions is in `node`, what may be trusted in [`access`].

pub mod access;
#[cfg_attr(
    windows,
    allow(dead_code, reason = "nvm for Windows is another program, with a folder of its own")
)]
mod node;
#[cfg(unix)]
#[path = "search_path/unix.rs"]
mod os;
#[cfg(windows)]
#[path = "search_path/windows.rs"]
mod os;
mod places;

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// PATH for the bot of the user whose home folder is `user_home`, from the one that this process has.
///
/// Inherited folders keep their place. Those of the table that exist and are not there yet go before
/// the first system folder; missing system folders are appended. Left out is what could run somebody else's
/// program: relative and empty entries, and folders that anybody may write to. A folder that no PATH can
/// carry (`:` on Unix, a line break) is left out too.
pub fn for_bot(user_home: &Path, inherited: Option<&OsStr>) -> OsString {
    for_bot_of(user_home, inherited, &|variable| env::var_os(variable))
}

/// The same for a process with other variables than ours, with which people move the folders of the table.
pub fn for_bot_of(
    user_home: &Path,
    inherited: Option<&OsStr>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> OsString {
    let mut folders = Vec::new();
    for folder in inherited.map(env::split_paths).into_iter().flatten() {
        add(&mut folders, folder);
    }
    let system = os::system();
    let first_system =
        folders.iter().position(|folder| system.iter().any(|system| os::is_same_name(folder, system)));
    let after = folders.split_off(first_system.unwrap_or(folders.len()));
    for folder in places::folders(user_home, variable) {
        if folder.is_dir() && !has(&after, &folder) {
            add(&mut folders, folder);
        }
    }
    for folder in after.into_iter().chain(system) {
        add(&mut folders, folder);
    }
    env::join_paths(folders).unwrap_or_default() // of what `add` lets in nothing is refused
}

/// The folders of the table that exist, for a PATH that is written down. It is stale soon, and then harmless.
pub fn found(user_home: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in places::folders(user_home, &|variable| env::var_os(variable)) {
        if folder.is_dir() {
            add(&mut found, folder);
        }
    }
    found
}

/// The first program `name` on `path`; `name` itself if it is an absolute path of one.
pub fn which(name: impl AsRef<OsStr>, path: &OsStr) -> Option<PathBuf> {
    programs(name.as_ref(), path).next()
}

/// Every program `name` on `path`, in its order. One reached through two folders (`/bin` may be a link to
/// `/usr/bin`) is there once.
pub fn which_all(name: impl AsRef<OsStr>, path: &OsStr) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    programs(name.as_ref(), path)
        .filter(|program| {
            let folder = program.parent().and_then(|folder| folder.canonicalize().ok());
            let new = !seen.contains(&folder);
            seen.push(folder);
            new
        })
        .collect()
}

fn programs(name: &OsStr, path: &OsStr) -> impl Iterator<Item = PathBuf> {
    let candidates: Vec<PathBuf> = if Path::new(name).is_absolute() {
        vec![name.into()]
    } else if Path::new(name).components().count() == 1 {
        let names = os::file_names(name);
        let folders = env::split_paths(path).filter(|folder| folder.is_absolute());
        folders
            .flat_map(|folder| names.iter().map(move |name| folder.join(name)).collect::<Vec<_>>())
            .collect()
    } else {
        Vec::new() // empty, or relative to where we happen to stand
    };
    candidates.into_iter().filter(|program| access::is_program(program))
}

/// Appends a folder that is not there yet, if PATH can carry it and only its owners can put programs in it.
fn add(folders: &mut Vec<PathBuf>, folder: PathBuf) {
    let carried = !folder.as_os_str().as_encoded_bytes().iter().any(|byte| os::NEVER.contains(byte));
    if carried && folder.is_absolute() && !has(folders, &folder) && !access::anybody_may_add(&folder) {
        folders.push(folder);
    }
}

fn has(folders: &[PathBuf], folder: &Path) -> bool {
    folders.iter().any(|other| os::is_same_name(other, folder))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use proptest::prelude::*;

    use super::os::SYSTEM;
    use super::*;

    fn home_with(folders: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        folders.iter().for_each(|folder| fs::create_dir_all(home.path().join(folder)).unwrap());
        home
    }

    /// The search path for `home`, without the folders of this machine outside of it and outside of `keep`.
    fn computed(home: &Path, inherited: &str, variables: &[(&str, PathBuf)], keep: &[&str]) -> Vec<String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.clone().into_os_string())
        };
        let path = for_bot_of(home, Some(inherited.as_ref()), &variable);
        env::split_paths(&path)
            .filter_map(|folder| match folder.strip_prefix(home) {
                Ok(inside) => Some(format!("~/{}", inside.display())),
                Err(_) => keep.iter().find(|kept| Path::new(kept) == folder).map(ToString::to_string),
            })
            .collect()
    }

    #[test]
    fn what_is_found_goes_before_the_system_and_after_what_was_inherited() {
        let home = home_with(&[".local/bin", ".cargo/bin", "mine"]);
        let inherited = format!("{0}/mine:/opt/none:/usr/bin:{0}/.cargo/bin", home.path().display());
        let mut keep = SYSTEM.to_vec();
        keep.push("/opt/none");
        assert_eq!(
            computed(home.path(), &inherited, &[], &keep),
            [
                "~/mine",
                "/opt/none",
                "~/.local/bin",
                "/usr/bin",
                "~/.cargo/bin",
                "/usr/local/bin",
                "/usr/local/sbin",
                "/bin",
                "/usr/sbin",
                "/sbin"
            ]
        );
    }

    #[test]
    fn every_managers_folder_has_its_place() {
        let expected = [
            "~/.local/bin",
            "~/bin",
            "~/.nvm/versions/node/v22.1.0/bin",
            "~/.local/share/fnm/aliases/default/bin",
            "~/.local/share/fnm/node-versions/v20.0.0/installation/bin",
            "~/.volta/bin",
            "~/.asdf/shims",
            "~/.asdf/bin",
            "~/.local/share/mise/shims",
            "~/.nodenv/shims",
            "~/.pyenv/shims",
            "~/n/bin",
            "~/.local/share/pnpm",
            "~/Library/pnpm",
            "~/.bun/bin",
            "~/.deno/bin",
            "~/.npm-global/bin",
            "~/.yarn/bin",
            "~/.cargo/bin",
            "~/go/bin",
            "~/.nix-profile/bin",
        ];
        let home = home_with(&expected.map(|folder| folder.trim_start_matches("~/")));
        assert_eq!(computed(home.path(), "/usr/bin:/bin", &[], &[]), expected);
    }

    #[test]
    fn a_tool_that_was_moved_is_found_by_its_variable() {
        let home = home_with(&[
            "tools/nvm/versions/node/v22.1.0/bin",
            "tools/npm/bin",
            ".nvm/versions/node/v9.0.0/bin",
        ]);
        fs::write(home.path().join(".npmrc"), "; npm\nprefix=/old\nprefix = \"${HOME}/tools/npm\"\n")
            .unwrap();
        let nvm = [("NVM_DIR", home.path().join("tools/nvm"))];
        assert_eq!(
            computed(home.path(), "", &nvm, &[]),
            ["~/tools/nvm/versions/node/v22.1.0/bin", "~/.nvm/versions/node/v9.0.0/bin", "~/tools/npm/bin"]
        );
        let relative = [("NVM_DIR", PathBuf::from("tools/nvm"))];
        assert_eq!(computed(home.path(), "", &relative, &[])[0], "~/.nvm/versions/node/v9.0.0/bin");
    }

    #[test]
    fn where_others_could_put_programs_nobody_looks() {
        let home = home_with(&["open", "open/closed-later", "bin"]);
        for folder in ["open", "bin"] {
            fs::set_permissions(home.path().join(folder), fs::Permissions::from_mode(0o777)).unwrap();
        }
        let inherited = format!("{0}/open:{0}/open/none:relative::.:{0}/mine", home.path().display());
        assert_eq!(computed(home.path(), &inherited, &[], &["relative", "."]), ["~/mine"]);
    }

    #[test]
    fn a_program_is_found_where_it_can_be_executed() {
        let home = home_with(&["a/tool", "b", "c"]);
        for (name, mode) in [("b/tool", 0o644), ("c/tool", 0o755)] {
            fs::write(home.path().join(name), "").unwrap();
            fs::set_permissions(home.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink("c", home.path().join("d")).unwrap();
        let path = env::join_paths(["a", "b", "d", "c"].map(|folder| home.path().join(folder))).unwrap();
        assert_eq!(which("tool", &path), Some(home.path().join("d/tool")));
        assert_eq!(which_all("tool", &path), [home.path().join("d/tool")]);
        assert_eq!(which(home.path().join("c/tool"), &path), Some(home.path().join("c/tool")));
        assert_eq!(which(home.path().join("c/tool"), OsStr::new("")), Some(home.path().join("c/tool")));
        for name in ["", "../c/tool", "./tool", "none"] {
            assert_eq!(which(name, &path), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_inherited_the_result_can_be_used(inherited in "[a-z/:.\n \u{e9}]{0,60}", home in "/[a-z:\n ]{0,9}") {
            let path = for_bot_of(Path::new(&home), Some(inherited.as_ref()), &|_| None);
            let folders: Vec<_> = env::split_paths(&path).collect();
            prop_assert!(folders.iter().all(|folder| folder.is_absolute()));
            prop_assert!(!path.to_string_lossy().contains('\n'));
            for (at, folder) in folders.iter().enumerate() {
                prop_assert!(!folders[..at].contains(folder), "{} twice", folder.display());
            }
            for system in SYSTEM {
                prop_assert!(folders.iter().any(|folder| folder == Path::new(system)), "no {}", system);
            }
            // Computed again from its own result, nothing changes.
            prop_assert_eq!(&for_bot_of(Path::new(&home), Some(&path), &|_| None), &path);
        }
    }
}
