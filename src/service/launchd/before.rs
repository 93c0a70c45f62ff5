//! How launchd was *before* a command changes it, and how it becomes so again when a step of that command fails.
//!
//! Files and job depend on each other: a host that runs writes files, and loading reads one. So taking back has an
//! order: what was loaded meanwhile ends, then files are put back, then the old job is loaded.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::effects::{Effects, Transaction};
use crate::error::Result;

use super::job::Loaded;
use super::load::{load, unload};
use super::switch;

/// How launchd was.
#[derive(Clone, Default)]
pub struct Before {
    /// What was loaded.
    pub loaded: Loaded,
    /// Whether the agent was switched off, if launchd said that.
    pub is_off: Option<bool>,
    touched: Rc<Cell<bool>>,
}

impl Before {
    /// How it is now.
    ///
    /// # Errors
    /// launchd can't be asked.
    pub fn look() -> Result<Self> {
        let loaded = Loaded::ask()?;
        let is_off = if loaded.modern { switch::is_off() } else { Some(false) };
        Ok(Self { loaded, is_off, ..Self::default() })
    }

    /// The property list of the job that was loaded.
    pub fn path(&self) -> Option<&Path> {
        self.loaded.job()?.path.as_deref()
    }

    /// To be noted before every other effect, so that it is done after all others are taken back.
    pub fn restore_with(&self, transaction: &mut Transaction<'_>) {
        let before = self.clone();
        transaction.back(move || before.restore());
    }

    /// To be noted before the job is changed, after the files are: what is loaded then ends before they are put back.
    pub fn touch(&self, definition: PathBuf, transaction: &mut Transaction<'_>) {
        self.touched.set(true);
        transaction.back(move || {
            if let Ok(now) = Loaded::ask() {
                let _best_effort = unload(&now, Some(&definition), &Effects::real(&|_| {}));
            }
        });
    }

    /// The error that people see is the one that led here.
    fn restore(&self) {
        let effects = Effects::real(&|_| {});
        let is = |off: bool| switch::is_off() == Some(off);
        if let Some(path) = self.path().filter(|_| self.touched.get() && self.ran()) {
            if is(true) {
                let _best_effort = switch::turn(true, &effects);
            }
            let _best_effort = load(path, &effects);
        }
        if let Some(off) = self.is_off.filter(|off| self.loaded.modern && !is(*off)) {
            let _best_effort = switch::turn(!off, &effects);
        }
    }

    /// It ran, or launchd was about to start it again.
    fn ran(&self) -> bool {
        self.loaded.jobs.iter().any(|job| job.pid.is_some() || job.last_exit != Some(0))
    }
}
