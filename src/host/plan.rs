//! The *plan* of a start: which program the bot is, and in which environment it runs.

use std::ffi::OsString;
use std::path::PathBuf;

use super::supervision::Supervision;
use super::tree::Mark;
use crate::bot::configured::Lack;
use crate::bot::{self, Source};
use crate::error::Result;
use crate::home::Home;
use crate::search_path;

/// The bot's command line, when a person chooses it.
pub const CHOSEN: &str = "DUCTOR_BOT";

/// What is started as the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The command line.
    pub command: Vec<OsString>,
    /// What differs from our own environment; none removes a variable.
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// Where it starts: in the user's home. `python -m` looks for modules there first, so it must be no folder
    /// that the bot's sandbox may write, wherever the host was started.
    pub folder: PathBuf,
}

impl Plan {
    /// Whether keys are missing in a configuration that can be read, or all of it: nobody is just writing it.
    pub fn lacks_keys(home: &Home) -> bool {
        std::env::var_os(CHOSEN).is_none_or(|chosen| chosen.is_empty())
            && matches!(bot::configured::lack(home), Some(Lack::Keys(_)))
    }

    /// Finds the bot and checks that it is configured. A plan is made for every start: a restart may follow an
    /// upgrade of the bot, or of the tools in its search path.
    ///
    /// # Errors
    /// [`Code::Configuration`](crate::error::Code::Configuration): there is no bot, or it is not configured.
    pub fn make(home: &Home, supervision: Supervision) -> Result<Self> {
        let path = search_path::for_bot(home.user(), std::env::var_os("PATH").as_deref());
        let mut bot = bot::find(home, &path, std::env::var_os(CHOSEN).as_deref())?;
        if bot.source != Source::Chosen {
            bot::configured::check(home)?;
        }
        // The Task Scheduler starts us on a person's desktop, where a console would be in the way.
        if let Some(python) = bot.without_window().filter(|_| supervision == Supervision::TaskScheduler) {
            bot.command[0] = python.into();
        }
        Ok(Self {
            command: bot.command,
            environment: environment(home, path),
            folder: home.user().to_owned(),
        })
    }
}

fn environment(home: &Home, path: OsString) -> Vec<(OsString, Option<OsString>)> {
    let elsewhere = Some(home.root().into()).filter(|_| !home.is_default());
    let mut environment = vec![
        ("PATH".into(), Some(path)),
        // With it the bot ends with 42 for a restart, instead of starting itself anew behind our back.
        ("DUCTOR_SUPERVISOR".into(), Some("1".into())),
        ("DUCTOR_HOME".into(), elsewhere),
        // They say that *this* process was started by systemd.
        ("SYSTEMD_EXEC_PID".into(), None),
        ("MANAGERPID".into(), None),
    ];
    environment.extend(Mark::ours(home).map(|(name, value)| (name.into(), Some(value))));
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bot_learns_its_home_only_when_it_is_not_the_default() {
        let value = |home: Home, name: &str| {
            let environment = environment(&home, "/bin".into());
            environment.into_iter().find(|(it, _)| it == name).unwrap().1
        };
        let default = || Home::of_any_system("/home/u", "/home/u/.ductor");
        let other = || Home::of_any_system("/home/u", "/srv/b");
        assert_eq!(value(default(), "DUCTOR_HOME"), None);
        assert_eq!(value(default(), "DUCTOR_HOST_HOME"), Some("/home/u/.ductor".into()));
        assert_eq!(value(other(), "DUCTOR_HOME"), Some("/srv/b".into()));
        assert_eq!(value(other(), "SYSTEMD_EXEC_PID"), None);
        assert_eq!(value(other(), "MANAGERPID"), None);
    }
}
