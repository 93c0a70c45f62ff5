//! A *definition* as a value: what the manager shall run, with which environment, and when again.
//!
//! [`ServiceDefinition`] has no text and does no I/O; `super::render` turns it into the text of each manager.
//! A packaged definition serves every user of a machine, so it names no home: [`Owner::EachUser`].

use std::path::{Path, PathBuf};

use crate::home::Home;
use crate::host::HOST_PATIENCE;

/// Seconds before systemd starts a host that ended badly again.
pub const RESTART_DELAY: u32 = 5;
/// So many starts ...
pub const START_LIMIT: u32 = 10;
/// ... in so many seconds, and the manager gives up. More than `START_LIMIT * RESTART_DELAY`, or it never would.
pub const START_LIMIT_INTERVAL: u32 = 300;
/// Seconds the host has to end its bot's tree before the manager kills both.
pub const STOP_TIMEOUT: u32 = 15;
const _: () = assert!(STOP_TIMEOUT as u64 >= HOST_PATIENCE.as_secs());
/// Seconds between two starts of a host by launchd, counted from the first.
pub const THROTTLE_INTERVAL: u32 = 10;
/// How launchd lets a job share the machine: less of it than what a person waits for.
pub const PROCESS_TYPE: &str = "Background";
/// Seconds after logon before the Task Scheduler starts the host: the desktop comes first.
pub const LOGON_DELAY: u32 = 10;
/// So often the Task Scheduler tries again to start a host that it could not start ...
pub const TASK_RETRIES: u32 = 3;
/// ... with so many minutes between two tries. Less is not valid.
pub const TASK_RETRY_MINUTES: u32 = 1;
/// The host's priority under the Task Scheduler: normal. A task's default, 7, is below normal, for disks too.
pub const TASK_PRIORITY: u32 = 4;

/// What a service manager is to keep running for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDefinition {
    /// The `ductor` binary, by the path that stays the same over upgrades.
    pub program: PathBuf,
    /// Whose service it is.
    pub owner: Owner,
    /// PATH at the start of the host, which adds to it. A relative folder is one of the owner's home.
    pub search_path: Vec<PathBuf>,
    /// What its user chose.
    pub chosen: Chosen,
}

/// The part of a definition that is its user's choice: the only part that a packaged definition lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// `DUCTOR_HOME`, where it is not the default.
    pub ductor_home: Option<PathBuf>,
    /// `DUCTOR_BOT`, where `--bot` named one.
    pub bot: Option<String>,
    /// The Python without a window that the Task Scheduler runs as the bot itself, where `--direct` asked for
    /// that. No other manager knows it.
    pub direct: Option<PathBuf>,
}

/// Whose service a definition describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// One user, by home folder.
    User(PathBuf),
    /// Every user of the machine who has configured the bot: what a package ships.
    EachUser,
}

/// The folders that a definition's PATH always has. The host finds the rest, at every start.
const FLOOR: [&str; 6] = [".local/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

impl ServiceDefinition {
    /// The definition that `ductor service install` makes for one user.
    pub fn for_user(program: impl Into<PathBuf>, home: &Home, bot: Option<String>) -> Self {
        Self {
            program: program.into(),
            owner: Owner::User(home.user().to_owned()),
            search_path: FLOOR.map(PathBuf::from).into(),
            chosen: Chosen {
                ductor_home: (!home.is_default()).then(|| home.root().to_owned()),
                bot,
                direct: None,
            },
        }
    }

    /// The definition that a package ships for everybody.
    pub fn packaged(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            owner: Owner::EachUser,
            search_path: FLOOR.map(PathBuf::from).into(),
            chosen: Chosen::default(),
        }
    }

    /// The environment of the host, in a fixed order, with `home` standing for the owner's home.
    pub fn environment(&self, home: &Path) -> Vec<(&'static str, String)> {
        let home = home.display().to_string();
        // The same text wherever it is written: these managers are of systems that know one separator.
        let absolute = |folder: &PathBuf| match folder.to_string_lossy() {
            folder if folder.starts_with('/') => folder.into_owned(),
            folder => format!("{}/{folder}", home.trim_end_matches('/')),
        };
        let path: Vec<String> = self.search_path.iter().map(absolute).collect();
        let mut environment =
            vec![("HOME", home.clone()), ("PATH", path.join(":")), ("DUCTOR_SUPERVISOR", "1".into())];
        environment.extend(self.chosen.environment());
        environment
    }
}

impl Chosen {
    /// As variables, in a fixed order.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let home = self.ductor_home.as_ref().map(|home| ("DUCTOR_HOME", home.display().to_string()));
        home.into_iter().chain(self.bot.clone().map(|bot| ("DUCTOR_BOT", bot))).collect()
    }
}
