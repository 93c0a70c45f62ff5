//! An *effect* is anything that changes the machine: a command that is run, a file that is written or removed.
//!
//! Every effect of every manager passes through [`Effects`]. That one place makes three things true at once:
//! `--dry-run` tells instead of doing, `--verbose` says what is done, and a test can cut any command at its
//! n-th place (`fault`). Asking ([`ask`]) changes nothing and happens always. How a command is run with a deadline is
//! in `command`, how a file is replaced safely in `file`, how several effects are taken back together in
//! `transaction`, how two commands are kept apart in `folder_lock`.

pub(crate) mod command;
mod fault;
pub(crate) mod file;
pub(crate) mod folder_lock;
mod transaction;

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

pub use command::{Command, Output, ask, text};
pub(crate) use transaction::Transaction;

use crate::error::{Context, Result};

/// One effect, before it happens.
#[derive(Debug)]
pub enum Effect<'a> {
    /// A command is run.
    Run(&'a Command),
    /// A file gets this text.
    Write(&'a Path, &'a [u8]),
    /// A file or link is removed.
    Remove(&'a Path),
    /// A folder is removed, with all that is in it.
    RemoveAll(&'a Path),
    /// A folder is made, with those above it.
    CreateFolder(&'a Path),
    /// A path (the second) becomes a link to another.
    Link(&'a Path, &'a Path),
    /// Something else, in words: a process is asked to end.
    Other(&'a str),
}

impl fmt::Display for Effect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(command) => write!(f, "run {command}"),
            Self::Write(path, _) => write!(f, "write {}", path.display()),
            Self::Remove(path) => write!(f, "remove {}", path.display()),
            Self::RemoveAll(path) => write!(f, "remove {} and all in it", path.display()),
            Self::CreateFolder(path) => write!(f, "create {}", path.display()),
            Self::Link(target, path) => write!(f, "link {} to {}", path.display(), target.display()),
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// Does effects, or only tells about them.
pub struct Effects<'a> {
    perform: bool,
    /// The folders that a rehearsal told of: none of them is there the next time.
    rehearsed: RefCell<HashSet<PathBuf>>,
    told: &'a dyn Fn(&Effect<'_>),
}

impl<'a> Effects<'a> {
    /// Effects that happen. `told` hears of each just before.
    pub fn real(told: &'a dyn Fn(&Effect<'_>)) -> Self {
        Self { perform: true, rehearsed: RefCell::default(), told }
    }

    /// Effects that do not happen: `told` hears of each, nothing changes.
    pub fn rehearsal(told: &'a dyn Fn(&Effect<'_>)) -> Self {
        Self { perform: false, rehearsed: RefCell::default(), told }
    }

    /// Whether effects happen.
    pub fn is_real(&self) -> bool {
        self.perform
    }

    /// Runs a command that changes something.
    ///
    /// # Errors
    /// It could not be started, or did not end in its time. A code that is not 0 is no error here: see
    /// [`Output::success`].
    pub fn run(&self, command: &Command) -> Result<Output> {
        self.tell(&Effect::Run(command))?;
        if self.perform { ask(command) } else { Ok(Output::default()) }
    }

    /// Gives the file `path` the content `bytes`, atomically.
    ///
    /// # Errors
    /// The file or its folder can't be written; what was there is still there.
    pub fn write(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
        self.tell(&Effect::Write(path, bytes))?;
        if self.perform { file::replace(path, bytes, mode) } else { Ok(()) }
    }

    /// Removes the file or link `path`. It need not exist.
    ///
    /// # Errors
    /// It is there and can't be removed.
    pub fn remove(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent().filter(|_| self.perform) {
            file::sweep(folder);
        }
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        self.tell(&Effect::Remove(path))?;
        if self.perform { file::remove(path) } else { Ok(()) }
    }

    /// Removes the folder `path` with all that is in it; of a link, the link alone. It need not exist. Whether it
    /// did.
    ///
    /// # Errors
    /// Something in it can't be removed.
    pub fn remove_all(&self, path: &Path) -> Result<bool> {
        let Ok(meta) = path.symlink_metadata() else { return Ok(false) };
        if !meta.is_dir() {
            return self.remove(path).map(|()| true);
        }
        self.tell(&Effect::RemoveAll(path))?;
        if self.perform {
            std::fs::remove_dir_all(path).about(format!("remove {}", path.display()))?;
        }
        Ok(true)
    }

    /// Makes a folder, with those above it, for the user alone. It may be there already.
    ///
    /// # Errors
    /// It can't be made.
    pub fn create_folder(&self, path: &Path) -> Result<()> {
        if path.is_dir() || (!self.perform && !self.rehearsed.borrow_mut().insert(path.into())) {
            return Ok(());
        }
        self.tell(&Effect::CreateFolder(path))?;
        if self.perform { file::create_folder(path) } else { Ok(()) }
    }

    /// Makes `path` a link to `target`.
    ///
    /// # Errors
    /// Something is at `path` already, or its folder can't be written.
    pub fn link(&self, target: &Path, path: &Path) -> Result<()> {
        self.tell(&Effect::Link(target, path))?;
        if self.perform { file::link(target, path) } else { Ok(()) }
    }

    /// Does something that is neither a command nor a file; `what` says it.
    ///
    /// # Errors
    /// Those of `act`.
    pub fn act(&self, what: &str, act: impl FnOnce() -> Result<()>) -> Result<()> {
        self.tell(&Effect::Other(what))?;
        if self.perform { act() } else { Ok(()) }
    }

    /// Removes those of `folders` that are empty, in this order.
    pub fn remove_if_empty(&self, folders: &[PathBuf]) {
        if self.perform {
            for folder in folders {
                file::sweep(folder);
                let _not_empty = std::fs::remove_dir(folder);
            }
        }
    }

    fn tell(&self, effect: &Effect<'_>) -> Result<()> {
        (self.told)(effect);
        if self.perform { fault::place().about(effect) } else { Ok(()) }
    }
}
