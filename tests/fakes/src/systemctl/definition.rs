//! The *definition* of a unit: the files that make it, and which of them the manager has read. systemd.unit(5), "UNIT
//! FILE LOAD PATH".

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::systemd::Service;

/// The folders of units of one user.
pub struct Folders {
    /// The home folder of the user.
    pub home: PathBuf,
    /// Where the user's own units are.
    pub own: PathBuf,
    /// Those of the user until the next boot.
    pub runtime: PathBuf,
    root: PathBuf,
}

impl Folders {
    /// Those of the user of this machine. What the caller has in its environment is not looked at.
    pub fn of(state: &State) -> Self {
        let home = PathBuf::from(state.get("home").unwrap_or_default());
        let runtime = crate::logind::runtime_folder(state);
        let own = home.join(".config/systemd/user");
        Self { own, runtime: runtime.join("systemd/user"), root: state.path("root"), home }
    }

    /// In the order in which they are looked through.
    fn all(&self) -> Vec<PathBuf> {
        let runtime = self.runtime.parent().unwrap_or(&self.root);
        let at = |path: &str| self.root.join(path);
        let before = [self.home.join(".config/systemd/user.control"), runtime.join("user.control")];
        let own = [runtime.join("transient"), runtime.join("generator.early"), self.own.clone()];
        let middle = [at("etc/systemd/user"), self.runtime.clone(), at("run/systemd/user")];
        let late = [
            runtime.join("generator"),
            self.home.join(".local/share/systemd/user"),
            at("usr/local/share/systemd/user"),
            at("usr/share/systemd/user"),
            at("usr/local/lib/systemd/user"),
            at("usr/lib/systemd/user"),
            runtime.join("generator.late"),
        ];
        before.into_iter().chain(own).chain(middle).chain(late).collect()
    }

    /// The value of `UnitPath`.
    pub fn joined(&self) -> String {
        self.all().iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(" ")
    }

    /// The value of `UnitFileState`.
    pub fn state_of(&self, name: &str) -> &'static str {
        let wanted = |folder: &Path| folder.join("default.target.wants").join(name).is_symlink();
        let Some(path) = self.find(name) else { return "" };
        match () {
            () if is_mask(&path) && path.starts_with(&self.runtime) => "masked-runtime",
            () if is_mask(&path) => "masked",
            () if wanted(&self.own) || wanted(&self.root.join("etc/systemd/user")) => "enabled",
            () if wanted(&self.runtime) => "enabled-runtime",
            () => "disabled",
        }
    }

    /// The first unit file of this name.
    fn find(&self, name: &str) -> Option<PathBuf> {
        let paths = self.all().into_iter().map(|folder| folder.join(name));
        paths.into_iter().find(|path| path.symlink_metadata().is_ok())
    }

    /// The drop-ins of the unit, in the order in which they are read.
    fn drop_ins(&self, name: &str) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = Vec::new();
        for folder in self.all() {
            let entries = fs::read_dir(folder.join(format!("{name}.d"))).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                let is_first = found.iter().all(|it| it.file_name() != path.file_name());
                if path.extension().is_some_and(|it| it == "conf") && is_first {
                    found.push(path);
                }
            }
        }
        found.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
        found
    }
}

fn is_mask(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|target| target == Path::new("/dev/null"))
}

/// A unit as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its unit file; none when there is none.
    pub fragment: Option<PathBuf>,
    /// The files that add to it.
    pub drop_ins: Vec<PathBuf>,
    /// It is never to be loaded.
    pub masked: bool,
    /// All of its lines.
    pub text: String,
    /// When its files were changed last.
    changed: Vec<Option<SystemTime>>,
}

impl Definition {
    /// What the files say now.
    pub fn find(state: &State, name: &str) -> Self {
        let folders = Folders::of(state);
        let Some(fragment) = folders.find(name) else { return Self::default() };
        let drop_ins = folders.drop_ins(name);
        let files = [&fragment].into_iter().chain(&drop_ins);
        let text = files.clone().map(|file| fs::read_to_string(file).unwrap_or_default() + "\n").collect();
        let changed = files.map(|file| file.metadata().and_then(|it| it.modified()).ok()).collect();
        Self { masked: is_mask(&fragment), fragment: Some(fragment), drop_ins, text, changed }
    }

    /// What the manager knows: what it read once, or what it reads now. None where there is nothing.
    pub fn read(state: &State, name: &str) -> Option<Self> {
        let is_wanted = Folders::of(state).state_of(name) == "enabled";
        let remembered =
            state.get(&file(name)).filter(|_| is_wanted || !Service::read(state, name).is_ended());
        let remembered = remembered.and_then(|text| serde_json::from_str(&text).ok());
        remembered.or_else(|| Some(Self::find(state, name)).filter(|found| found.fragment.is_some()))
    }

    /// systemd.service(5): more than one command is for `Type=oneshot` only. Such a unit is a "bad setting".
    pub fn is_broken(&self) -> bool {
        crate::unit_file::values(&self.text, "ExecStart").len() > 1
    }

    /// Whether the manager would find something else now.
    pub fn is_stale(&self, state: &State, name: &str) -> bool {
        *self != Self::find(state, name)
    }

    /// From now on this is what the manager knows.
    ///
    /// # Errors
    /// The state can't be written.
    pub fn remember(&self, state: &State, name: &str) -> io::Result<()> {
        state.set(&file(name), &serde_json::to_string_pretty(self).unwrap_or_default())
    }

    /// The manager will read it again when somebody asks.
    pub fn forget(state: &State, name: &str) {
        state.remove(&file(name));
    }

    /// The names of the units that it knows.
    pub fn remembered(state: &State) -> Vec<String> {
        let entries = fs::read_dir(state.path("definitions")).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.starts_with('.')).collect()
    }
}

fn file(name: &str) -> String {
    format!("definitions/{name}")
}
