//! Which unit files there are, and whose they are.
//!
//! The manager itself says where it reads (`UnitPath`); the caller's `XDG_CONFIG_HOME` is not believed. The
//! first folder that belongs to the user takes our unit; the later ones may hold one of a package.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::effects::{self, file::read_bounded};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::service::definition::ServiceDefinition;
use crate::service::render::{self, unit};

use crate::service::manager::Problem;

use super::{bus, root};

/// What an administrator types to take back `systemctl --global mask`.
pub const UNMASK_FOR_EVERYBODY: &str = "sudo systemctl --global unmask ductor.service";

/// No unit comes near this.
pub const LIMIT: u64 = 64 * 1024;

/// The folders of unit files that the user manager reads.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The one that `ductor service install` writes.
    pub own: PathBuf,
    /// Those that packages and administrators write, in the manager's order.
    pub shared: Vec<PathBuf>,
    /// The user's own one until the next boot, where `systemctl --user mask --runtime` writes.
    pub runtime: Option<PathBuf>,
}

impl Folders {
    /// Those of the running user manager.
    ///
    /// # Errors
    /// It can't be reached.
    pub fn ask(home: &Home) -> Result<Self> {
        let answer = bus::query(&["show", "--property=UnitPath"])?;
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        let list = answer.trim().strip_prefix("UnitPath=").unwrap_or_default();
        let all: Vec<PathBuf> =
            shell_words::split(list).unwrap_or_default().iter().map(PathBuf::from).collect();
        let own = own(&all).unwrap_or_else(|| Self::usual(home).own);
        let below = own.parent().and_then(Path::parent).and_then(Path::parent).map(Path::to_owned);
        let runtime = root::at("/run/user");
        let is_shared = |folder: &PathBuf| {
            !folder.starts_with(&runtime) && below.as_ref().is_none_or(|home| !folder.starts_with(home))
        };
        let is_runtime = |folder: &&PathBuf| folder.starts_with(&runtime) && folder.ends_with("systemd/user");
        let runtime = all.iter().find(is_runtime).cloned();
        Ok(Self { own, shared: all.into_iter().filter(is_shared).collect(), runtime })
    }

    /// Those of every user manager that nobody configured otherwise (systemd.unit(5), "UNIT FILE LOAD PATH").
    pub fn usual(home: &Home) -> Self {
        let shared = [
            "/etc/systemd/user",
            "/run/systemd/user",
            "/usr/local/lib/systemd/user",
            "/usr/lib/systemd/user",
        ];
        let own = home.user().join(".config/systemd/user");
        Self { own, shared: shared.map(root::at).into(), runtime: None }
    }

    /// Our unit, or what stands in its place.
    pub fn unit(&self) -> PathBuf {
        self.own.join(unit::NAME)
    }

    /// The folder of drop-ins.
    pub fn drop_ins(&self) -> PathBuf {
        self.own.join(format!("{}.d", unit::NAME))
    }

    /// The drop-in with what the user chose, beside a packaged unit.
    pub fn drop_in(&self) -> PathBuf {
        self.drop_ins().join("ductor.conf")
    }

    /// The link that enables our unit.
    pub fn wanted(&self) -> PathBuf {
        self.own.join("default.target.wants").join(unit::NAME)
    }

    /// The unit for every user, whoever made it: the one that counts where the user has none.
    pub fn for_everybody(&self) -> Option<(PathBuf, Unit)> {
        let units = self.shared.iter().map(|folder| folder.join(unit::NAME));
        units.into_iter().find_map(|path| Unit::read(&path).map(|unit| (path, unit)))
    }

    /// The unit that a package brought, wherever one of ours may shadow it.
    pub fn packaged(&self) -> Option<PathBuf> {
        self.for_everybody().filter(|(_, unit)| matches!(unit, Unit::Ours { .. })).map(|(path, _)| path)
    }

    /// The mask that the user set until the next boot.
    pub fn runtime_mask(&self) -> Option<PathBuf> {
        let path = self.runtime.as_ref()?.join(unit::NAME);
        (Unit::read(&path) == Some(Unit::Mask)).then_some(path)
    }

    /// The unit of the one service and all that adds to it, as the manager would read them, without asking it: of
    /// drop-ins with one name the first, in the order of their names (systemd.unit(5)).
    pub fn everything_said(&self) -> String {
        self.said().1
    }

    /// The same definition, without what drop-ins of others say anyway where that is the whole choice: our files go on
    /// to say what they say.
    pub fn without_others(&self, definition: &ServiceDefinition, home: &Home) -> ServiceDefinition {
        let (ours, all) = self.said();
        let chosen = |text: &str| unit::chosen_in(text, home.user());
        let is_all = chosen(&all) == definition.chosen;
        ServiceDefinition {
            chosen: if is_all { chosen(&ours) } else { definition.chosen.clone() },
            ..definition.clone()
        }
    }

    /// What the unit and the drop-in of ours say, and what they say together with all other drop-ins.
    fn said(&self) -> (String, String) {
        let ours = self.drop_in();
        let unit = match Unit::read(&self.unit()) {
            Some(Unit::Ours { text } | Unit::Python { text }) => text,
            _ => String::new(),
        };
        let mut drop_ins = BTreeMap::new();
        for folder in [&self.own].into_iter().chain(&self.shared) {
            let entries =
                fs::read_dir(folder.join(format!("{}.d", unit::NAME))).into_iter().flatten().flatten();
            for path in
                entries.map(|entry| entry.path()).filter(|path| path.extension() == Some("conf".as_ref()))
            {
                if let Some(name) = path.file_name().map(ToOwned::to_owned) {
                    drop_ins.entry(name).or_insert(path);
                }
            }
        }
        let text = |path: &PathBuf| effects::text(&read_bounded(path, LIMIT).unwrap_or_default()) + "\n";
        let all: String = drop_ins.values().map(text).collect();
        (format!("{unit}\n{}", text(&ours)), format!("{unit}\n{all}"))
    }

    /// The problem that a unit of ours, with or without lines of the user's, stands before the one of the package.
    pub fn shadows_package(&self, has_own_lines: bool) -> Problem {
        let unit = self.unit();
        let unit = shell_words::quote(&unit.to_string_lossy()).into_owned();
        let problem = |message, fix: &str| Problem::new("shadows-package", message, fix);
        let stands_before = format!("{unit} stands before the package's unit");
        if has_own_lines {
            let fix = format!("systemctl --user edit ductor && rm {unit} && ductor service install");
            problem(format!("{stands_before}, and has lines of your own: they belong into a drop-in"), &fix)
        } else {
            problem(stands_before, "ductor service install")
        }
    }
}

/// The folder of the user's own units among those that a manager reads: beside `user.control`, where `systemctl --user
/// set-property` writes. A manager may have another `XDG_CONFIG_HOME` than we (systemd.unit(5), "UNIT FILE LOAD PATH").
fn own(all: &[PathBuf]) -> Option<PathBuf> {
    let runtime = root::at("/run");
    let is_control =
        |folder: &&PathBuf| folder.ends_with("systemd/user.control") && !folder.starts_with(&runtime);
    let usual = |folder: &&PathBuf| folder.ends_with(".config/systemd/user");
    let beside_control = all.iter().find(is_control).map(|control| control.with_file_name("user"));
    beside_control.or_else(|| all.iter().find(usual).cloned())
}

/// Whose unit a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Ours, of any version.
    Ours {
        /// The file.
        text: String,
    },
    /// Made by the Python ductor.
    Python {
        /// The file.
        text: String,
    },
    /// A link to `/dev/null`: never to be loaded.
    Mask,
    /// Somebody else's. Never touched.
    Foreign,
}

impl Unit {
    /// Reads the unit at `path`; none when nothing is there.
    pub fn read(path: &Path) -> Option<Self> {
        let found = path.symlink_metadata().ok()?;
        if found.is_symlink() && fs::canonicalize(path).is_ok_and(|target| target == Path::new("/dev/null")) {
            return Some(Self::Mask);
        }
        let Some(text) = read_bounded(path, LIMIT).ok().and_then(|bytes| String::from_utf8(bytes).ok())
        else {
            return Some(Self::Foreign);
        };
        if text.lines().next().is_some_and(|first| first.contains(render::MADE_BY_ANY)) {
            return Some(Self::Ours { text });
        }
        let python = text.lines().any(|line| line == "Description=ductor - Telegram bot powered by AI CLIs");
        Some(if python { Self::Python { text } } else { Self::Foreign })
    }

    /// The error that says that a unit is somebody else's.
    pub fn refuse(path: &Path) -> Error {
        Error::new(path.display(), "this unit was not made by ductor, so it stays as it is")
            .fix(format!("mv {0} {0}.mine", shell_words::quote(&path.to_string_lossy())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_folder_is_the_one_that_the_manager_reads() {
        let own = |folders: &[&str]| own(&folders.iter().map(PathBuf::from).collect::<Vec<_>>());
        let of_manager =
            ["/run/user/1/systemd/user.control", "/h/cfg/systemd/user.control", "/h/cfg/systemd/user"];
        assert_eq!(own(&of_manager), Some("/h/cfg/systemd/user".into()));
        assert_eq!(
            own(&["/etc/systemd/user", "/h/.config/systemd/user"]),
            Some("/h/.config/systemd/user".into())
        );
        assert_eq!(own(&["/etc/systemd/user"]), None);
    }
}
