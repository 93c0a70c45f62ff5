//! Finding the bot: the places where it can be, in order, and the first that has it.
//!
//! A person's own choice (`DUCTOR_BOT`) is the bot or an error, never passed over. Then come the bot that
//! `ductor bot install` made, the console scripts `ductor` on PATH (pipx, uv tool, pip, virtual environments),
//! and a `python3` on PATH with the module. This program itself is called `ductor` too and is never the bot.

use std::ffi::{OsStr, OsString};
use std::iter;
use std::path::{Path, PathBuf};

use crate::bot::shebang::{self, Program};
use crate::bot::{Bot, MODULE, Source, install, python};
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::search_path::{access, which, which_all};

/// A place that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The place: `DUCTOR_BOT`, or the path of a folder or a program.
    pub place: String,
    /// The bot that is there, or why there is none.
    pub bot: Result<Bot>,
    /// Whether this is the one that is run.
    pub taken: bool,
}

/// The bot of this user, with programs looked up in `path`: the one that `chosen` names (`DUCTOR_BOT`), else
/// the first that is found.
///
/// # Errors
/// [`Code::Configuration`]: `chosen` names no program, or no place has a bot.
pub fn find(home: &Home, path: &OsStr, chosen: Option<&OsStr>) -> Result<Bot> {
    match choice(path, chosen) {
        Some(candidate) => candidate.bot,
        None => places(home, path).find_map(|candidate| candidate.bot.ok()).ok_or_else(none_found),
    }
}

/// Every place that [`find`] looks at, in its order.
pub fn candidates(home: &Home, path: &OsStr, chosen: Option<&OsStr>) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = choice(path, chosen).into_iter().collect();
    let decided = !all.is_empty();
    all.extend(places(home, path));
    let taken = if decided { Some(0) } else { all.iter().position(|candidate| candidate.bot.is_ok()) };
    if let Some(candidate) = taken.and_then(|taken| all.get_mut(taken)) {
        candidate.taken = candidate.bot.is_ok();
    }
    all
}

fn none_found() -> Error {
    Error::new("the bot", "none is installed (`ductor bot path` tells where it was looked for)")
        .code(Code::Configuration)
        .fix("ductor bot install")
}

/// What `DUCTOR_BOT` names; none if it is not set, or empty.
fn choice(path: &OsStr, chosen: Option<&OsStr>) -> Option<Candidate> {
    let chosen = chosen.filter(|chosen| !chosen.is_empty())?;
    let bot =
        command(&chosen, path).map(|command| Bot { command, source: Source::Chosen }).map_err(|cause| {
            Error::new(format!("DUCTOR_BOT={}", chosen.to_string_lossy()), cause)
                .code(Code::Configuration)
                .fix("unset DUCTOR_BOT; for the service: ductor service install --bot ''")
        });
    Some(Candidate { place: "DUCTOR_BOT".into(), bot, taken: false })
}

/// The places of a bot that nobody named, each looked at only when it is its turn.
fn places<'a>(home: &'a Home, path: &'a OsStr) -> impl Iterator<Item = Candidate> + 'a {
    let candidate = |place: &Path, bot: Result<Bot, String>| {
        let bot = bot.map_err(|cause| Error::new(place.display(), cause).code(Code::Configuration));
        Candidate { place: place.display().to_string(), bot, taken: false }
    };
    let installed = iter::once_with(move || candidate(&install::folder(home), installed(home)));
    let scripts = which_all("ductor", path).into_iter();
    let scripts = scripts.map(move |script| candidate(&script, of_script(&script, path)));
    let pythons = which_all("python3", path).into_iter();
    let pythons = pythons.map(move |python| candidate(&python, of_python(&python)));
    installed.chain(scripts).chain(pythons)
}

fn installed(home: &Home) -> Result<Bot, String> {
    let python = install::current(home).ok_or("`ductor bot install` has made none")?;
    let module = python::module_of(&python);
    module.map(|module| Bot::of(&module, Source::Installed)).map_err(|cause| its_python(&python, &cause))
}

fn of_script(script: &Path, path: &OsStr) -> Result<Bot, String> {
    if access::is_this_program(script) {
        return Err("it is this program itself".into());
    }
    match shebang::of(script, path).map_err(|error| error.to_string())? {
        Program::Python(python) => python::module_of(&python)
            .map(|module| Bot::of(&module, Source::Script(script.into())))
            .map_err(|cause| its_python(&python, &cause)),
        Program::Other(interpreter) => {
            Err(format!("it is run by {}, not by a python", interpreter.display()))
        }
        Program::NoShebang => Err("it is a text without a shebang".into()),
        Program::Native => Err("it is a native program, not the bot's script".into()),
    }
}

fn its_python(python: &Path, cause: &str) -> String {
    format!("its python, {}: {cause}", python.display())
}

fn of_python(python: &Path) -> Result<Bot, String> {
    python::module_of(python).map(|module| Bot::of(&module, Source::Module(python.into())))
}

/// The words of `DUCTOR_BOT`, its program as an absolute path.
fn command(line: &OsStr, path: &OsStr) -> Result<Vec<OsString>, String> {
    let line = line.to_str().ok_or("it is not UTF-8")?;
    if line.contains('\0') {
        return Err("it holds a NUL byte".into());
    }
    let mut words = shell_words::split(line).map_err(|_| "a quote is not closed")?.into_iter();
    let name = words.next().filter(|name| !name.is_empty()).ok_or("it names no program")?;
    let program = program(&name, path)?;
    runs(&program, path)?;
    Ok(iter::once(program.into()).chain(words.map(OsString::from)).collect())
}

fn program(name: &str, path: &OsStr) -> Result<PathBuf, String> {
    if !name.contains(std::path::is_separator) {
        return which(name, path).ok_or_else(|| format!("no program {name} is on PATH"));
    }
    let program = std::path::absolute(name).map_err(|error| error.to_string())?;
    match program.metadata() {
        Err(_) if name.starts_with("~/") => Err(format!("no shell reads {name}: write your home folder out")),
        Err(error) => Err(format!("{name}: {error}")),
        Ok(found) if found.is_dir() => Err(format!("{name} is a folder")),
        Ok(_) if !access::is_program(&program) => Err(format!("{name} is not executable")),
        Ok(_) => Ok(program),
    }
}

/// Whether the kernel would start `program`, and it is not this one, which would start itself for ever.
fn runs(program: &Path, path: &OsStr) -> Result<(), String> {
    let name = program.display();
    let called_ductor = [Some(program.to_owned()), program.canonicalize().ok()]
        .iter()
        .flatten()
        .any(|path| path.file_stem() == Some(OsStr::new("ductor")));
    match shebang::of(program, path) {
        _ if access::is_this_program(program) => Err(format!("{name} is this program itself")),
        Ok(Program::Native) if called_ductor => {
            Err(format!("{name} is the native ductor, which runs {MODULE}; it is not the bot"))
        }
        Ok(Program::NoShebang) => Err(format!("{name} is a text without a shebang (`#!`): nothing runs it")),
        Ok(Program::Other(interpreter) | Program::Python(interpreter))
            if !access::is_program(&interpreter) =>
        {
            Err(format!("{name} is run by {}, which is missing", interpreter.display()))
        }
        // A program that only may be executed, not read, is started all the same.
        _ => Ok(()),
    }
}
