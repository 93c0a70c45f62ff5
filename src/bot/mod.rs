//! The *bot* is the program that is kept running: `python -m ductor_bot`, or whatever `DUCTOR_BOT` names.
//!
//! Three questions are answered here. Which program is it ([`find()`], with every place that was looked at in
//! [`candidates`])? Would it start, by its own rules ([`configured`])? And how does a person get it
//! ([`install`]) and set it up ([`onboarding`])? What lies under a python is in [`python`], what a console
//! script runs in [`shebang`], what nobody may quote in [`secrets`]. Nothing here starts the bot: that is the host's part.

mod chosen;
pub mod configured;
mod find;
pub mod install;
pub mod onboarding;
pub mod python;
pub mod secrets;
pub mod shebang;
#[cfg(test)]
#[cfg(unix)]
mod world;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use chosen::chosen;
pub use find::{Candidate, candidates, find};

/// The name of the bot's Python module.
pub const MODULE: &str = "ductor_bot";

/// The options of a Python that runs it. Without `-P` the folder where it is started would come first in its search for
/// modules, and that is the user's home, or one where agents write (python(1); since 3.11, which the bot needs).
const AS_MODULE: [&str; 3] = ["-P", "-m", MODULE];

/// A bot: how it is started, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// The program, as an absolute path, and its arguments. Words for its own command line are appended.
    pub command: Vec<OsString>,
    /// Why it is this one.
    pub source: Source,
}

/// How a bot was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A person named it in `DUCTOR_BOT`.
    Chosen,
    /// `ductor bot install` made it.
    Installed,
    /// This console script on PATH starts it.
    Script(PathBuf),
    /// This python on PATH has the module.
    Module(PathBuf),
}

impl Bot {
    /// The bot that `python` runs as a module.
    fn of(module: &python::Module, source: Source) -> Self {
        let options = AS_MODULE.map(OsString::from);
        Self { command: [module.python.clone().into()].into_iter().chain(options).collect(), source }
    }

    /// The Python without a window beside the one that runs the bot as a module (Windows; `pythonw.exe`).
    pub fn without_window(&self) -> Option<PathBuf> {
        let python = self.python()?;
        let extension = python.extension().map(|it| format!(".{}", it.to_string_lossy())).unwrap_or_default();
        let windowless = python.with_file_name(format!("pythonw{extension}"));
        windowless.is_file().then_some(windowless)
    }

    /// The Python that runs the bot as a module, if one does.
    fn python(&self) -> Option<&Path> {
        let (python, options) = self.command.split_first()?;
        (options == AS_MODULE).then(|| Path::new(python))
    }

    /// Its version, as its package says; none if the command is not a python with the module.
    pub fn version(&self) -> Option<String> {
        python::module_of(self.python()?).ok()?.version()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use world::World;

    #[test]
    fn the_version_is_the_one_of_the_package() {
        let world = World::new();
        let python = world.environment("venv", "0.20.1");
        let bot = Bot::of(&python::module_of(&python).unwrap(), Source::Chosen);
        assert_eq!(bot.version().as_deref(), Some("0.20.1"));
        let bot = Bot { command: vec!["/bin/true".into()], source: Source::Chosen };
        assert_eq!(bot.version(), None);
    }
}
