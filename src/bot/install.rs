//! The *installed* bot: the one that `ductor bot install` makes in the user's data folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::effects::{Effects, file};
use crate::error::{Error, Result};
use crate::home::Home;

/// The folder of all that is installed: environments under numbers, and the file `current` that names one.
pub fn folder(home: &Home) -> PathBuf {
    home.data().join("bot")
}

/// The python of the installed bot.
pub fn current(home: &Home) -> Option<PathBuf> {
    let name = file::read_bounded(&folder(home).join("current"), 256).ok()?;
    let name = String::from_utf8(name).ok()?;
    let name = Path::new(name.trim_end());
    let inside = name.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    let environment = Some(folder(home).join(name)).filter(|_| inside)?;
    let places = [environment.join("bin/python"), environment.join("Scripts/python.exe")];
    places.into_iter().find(|python| python.is_file())
}

/// What `ductor bot install` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The version that is there now.
    pub version: String,
    /// The tool that made it; none if this version was there already.
    pub by: Option<&'static str>,
}

/// Installs the bot, or another version of it.
///
/// # Errors
/// Nothing that could make it is on PATH, or it failed; what was there still is.
pub fn install(
    _home: &Home,
    _path: &OsStr,
    _version: Option<&str>,
    _effects: &Effects<'_>,
    _progress: &dyn Fn(&str),
) -> Result<Installed> {
    Err(Error::new("the bot", "no tool that could install it is on PATH"))
}
