//! The *ductor home*: the folder of one user that the bot and its host share, `~/.ductor` by default.
//!
//! Its layout is fixed by the bot; this file is the only place that knows the names. The bot's sandbox may
//! write here, so nothing in it decides what is executed or which process gets a signal.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result};

/// Where a user's bot keeps its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    user: PathBuf,
    root: PathBuf,
}

impl Home {
    /// The home that this process is about: `DUCTOR_HOME`, else `~/.ductor`.
    ///
    /// # Errors
    /// The user has no home folder, or `DUCTOR_HOME` is relative or holds a line break.
    pub fn find() -> Result<Self> {
        let user = dirs::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| {
            Error::new("your home folder", "HOME is not set and the user database names none")
                .code(Code::Configuration)
        })?;
        Self::of(user, env::var_os("DUCTOR_HOME").filter(|home| !home.is_empty()))
    }

    /// The home of the user whose home folder is `user`, with the value of `DUCTOR_HOME` if there is one.
    ///
    /// # Errors
    /// `DUCTOR_HOME` is relative or holds a line break, which no definition could carry.
    pub fn of(user: PathBuf, chosen: Option<OsString>) -> Result<Self> {
        let root = match chosen {
            None => user.join(".ductor"),
            Some(root) => match PathBuf::from(&root).strip_prefix("~") {
                Ok(rest) => user.join(rest),
                Err(_) => root.into(),
            },
        };
        if !root.is_absolute() || root.to_string_lossy().contains(['\n', '\r']) {
            return Err(Error::new(
                format!("DUCTOR_HOME={}", root.display()),
                "it must be an absolute path without line breaks",
            )
            .code(Code::Usage));
        }
        // `/a/b/` and `/a/b` are one home: a definition must not differ by a slash.
        Ok(Self { root: root.components().collect(), user })
    }

    /// One by paths that need not be of this system: what is written for another's manager is only text here.
    #[cfg(test)]
    pub fn of_any_system(user: &str, root: &str) -> Self {
        Self { user: user.into(), root: root.into() }
    }

    /// The user's home folder, which holds [`root`](Self::root) unless `DUCTOR_HOME` says otherwise.
    pub fn user(&self) -> &Path {
        &self.user
    }

    /// The ductor home itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether both name the same folder, which may have several names.
    pub fn is_the_same(&self, other: &Self) -> bool {
        let real = |home: &Self| home.root.canonicalize().ok();
        self.root == other.root || real(self).is_some_and(|root| real(other) == Some(root))
    }

    /// Whether it is the one that the bot takes when nobody names another.
    pub fn is_default(&self) -> bool {
        self.root == self.user.join(".ductor")
    }

    /// The bot's configuration. Without it a packaged unit does not start.
    pub fn config(&self) -> PathBuf {
        self.root.join("config").join("config.json")
    }

    /// The bot's own note of its process id. Informs, never decides.
    pub fn bot_pid(&self) -> PathBuf {
        self.root.join("bot.pid")
    }

    /// The folder of all logs.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The bot's own log.
    pub fn agent_log(&self) -> PathBuf {
        self.logs().join("agent.log")
    }

    /// Where the host puts the bot's stdout and its stderr, under a manager that keeps no journal.
    pub fn service_logs(&self) -> [PathBuf; 2] {
        ["service.log", "service.err"].map(|name| self.logs().join(name))
    }

    /// The lock that its host holds: the only thing that decides who is the host.
    pub fn lock(&self) -> PathBuf {
        self.root.join("host.lock")
    }

    /// What the Task Scheduler reads, for as long as that takes.
    pub fn task(&self) -> PathBuf {
        self.root.join("ductor_task.xml")
    }

    /// What the host says about itself. Informs, never decides.
    pub fn state(&self) -> PathBuf {
        self.root.join("host.json")
    }

    /// Where `ductor bot install` puts the bot, outside of what the bot's sandbox may write.
    pub fn data(&self) -> PathBuf {
        if cfg!(target_os = "macos") {
            self.user.join("Library/Application Support/ductor")
        } else if cfg!(windows) {
            dirs::data_local_dir().unwrap_or_else(|| self.user.join("AppData/Local")).join("ductor")
        } else {
            self.user.join(".local/share/ductor")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_is_the_users_unless_ductor_home_names_another() {
        let drive = if cfg!(windows) { "C:" } else { "" };
        let user = || PathBuf::from(format!("{drive}/home/u"));
        let of = |chosen: &str| Home::of(user(), Some(chosen.into()));
        let default = Home::of(user(), None).unwrap();
        assert_eq!(default.root(), user().join(".ductor"));
        assert!(default.is_default() && of("~/.ductor/").unwrap().is_default());
        assert!(!of(&format!("{drive}/srv/bot")).unwrap().is_default());
        assert_eq!(of("relative").unwrap_err().code, Code::Usage);
        assert_eq!(of(&format!("{drive}/a\nExecStart=/bin/sh")).unwrap_err().code, Code::Usage);
    }
}
