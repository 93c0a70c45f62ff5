//! Finding the bot: the places where it can be, in order, and the first that has it.
//!
//! A person's own choice (`DUCTOR_BOT`) is the bot or an error, never passed over. Then come the bot that
//! `ductor bot install` made, the console scripts `ductor` on PATH (pipx, uv tool, pip, virtual environments),
//! and a python on PATH with the module. This program itself is called `ductor` too and is never the bot.

use std::ffi::OsStr;
use std::iter;
use std::path::Path;

use crate::bot::shebang::{self, Program};
use crate::bot::{Bot, Source, chosen, install, python};
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::search_path::{access, which_all};

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

/// The bot of this user, with programs looked up in `path`: the one that `choice` names (`DUCTOR_BOT`; an empty
/// one names none), else the first that is found.
///
/// # Errors
/// [`Code::Configuration`]: `choice` names no program, or no place has a bot.
pub fn find(home: &Home, path: &OsStr, choice: Option<&OsStr>) -> Result<Bot> {
    match choice.filter(|line| !line.is_empty()) {
        Some(line) => chosen(line, path),
        None => places(home, path).find_map(|candidate| candidate.bot.ok()).ok_or_else(none_found),
    }
}

/// Every place that [`find`] looks at, in its order.
pub fn candidates(home: &Home, path: &OsStr, choice: Option<&OsStr>) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = places(home, path).collect();
    let taken = match choice.filter(|line| !line.is_empty()) {
        Some(line) => {
            let candidate = Candidate { place: "DUCTOR_BOT".into(), bot: chosen(line, path), taken: false };
            all.insert(0, candidate);
            Some(0) // right or wrong, it is not passed over
        }
        None => all.iter().position(|candidate| candidate.bot.is_ok()),
    };
    if let Some(candidate) = taken.and_then(|taken| all.get_mut(taken)) {
        candidate.taken = candidate.bot.is_ok();
    }
    all
}

fn none_found() -> Error {
    Error::new("the bot", "none is installed").code(Code::Configuration).fix("ductor bot install")
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
    let pythons = python::PYTHONS.iter().flat_map(move |name| which_all(name, path));
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::*;
    use crate::bot::MODULE;
    use crate::bot::world::World;

    const NO_MODULE: &str = "#!/bin/sh\necho \"$0\"\necho\n";

    fn script_of(python: &Path) -> String {
        format!("#!{}\nfrom ductor_bot.__main__ import main\n", python.display())
    }

    fn module(python: &Path) -> Vec<OsString> {
        vec![python.into(), "-P".into(), "-m".into(), MODULE.into()]
    }

    #[test]
    fn the_places_come_in_their_order_and_the_first_bot_is_taken() {
        let world = World::new();
        let (home, path) = (world.home(), world.search_path(&["a", "b", "c", "d"]));
        let (pipx, venv) = (world.environment("pipx", "0.20.1"), world.environment("venv", "0.19.0"));
        world.program("a/ductor", b"\x7fELF\x02\x01\x01\0");
        let python = world.program("b/python3", NO_MODULE);
        world.program("c/ductor", "#!/usr/bin/bash\nexec pyenv exec ductor\n");
        let script = world.program("d/ductor", script_of(&pipx));
        let by_python = world.program(
            "d/python3",
            format!(
                "#!/bin/sh\necho '{}'\necho '{}/ductor_bot/x'\n",
                venv.display(),
                world.path("venv/lib/python3.11/site-packages").display()
            ),
        );

        let taken: Vec<_> = candidates(&home, &path, None)
            .into_iter()
            .map(|it| (it.place, it.bot.map(|bot| bot.command).map_err(|error| error.cause), it.taken))
            .collect();
        let at = |path: &Path| path.display().to_string();
        assert_eq!(
            taken,
            [
                (at(&home.data().join("bot")), Err("`ductor bot install` has made none".into()), false),
                (
                    at(&world.path("a/ductor")),
                    Err("it is a native program, not the bot's script".into()),
                    false
                ),
                (
                    at(&world.path("c/ductor")),
                    Err("it is run by /usr/bin/bash, not by a python".into()),
                    false
                ),
                (at(&script), Ok(module(&pipx)), true),
                (at(&python), Err("it has no module ductor_bot".into()), false),
                (at(&by_python), Ok(module(&venv)), false),
            ]
        );
        assert_eq!(find(&home, &path, None).unwrap().source, Source::Script(script.clone()));

        std::fs::remove_file(&script).unwrap();
        let bot = find(&home, &path, None).unwrap();
        assert_eq!((bot.command, bot.source), (module(&venv), Source::Module(by_python)));

        let installed = world.environment(".local/share/ductor/bot/7", "0.21.0");
        world.write(".local/share/ductor/bot/current", "7\n");
        let bot = find(&home, &path, None).unwrap();
        assert_eq!((bot.version().as_deref(), &bot.command), (Some("0.21.0"), &module(&installed)));
        assert_eq!(bot.source, Source::Installed);

        let bot = find(&home, &path, Some("sh -c 'exec \"my bot\"'".as_ref()));
        assert_eq!(bot.unwrap_err().cause, "no program sh is on PATH");
        let line = format!("{} --now 'a b'", by_sh(&world).display());
        let bot = find(&home, &path, Some(line.as_ref())).unwrap();
        assert_eq!(bot.command, [by_sh(&world).into(), OsString::from("--now"), "a b".into()]);
        assert_eq!(bot.source, Source::Chosen);
    }

    fn by_sh(world: &World) -> PathBuf {
        world.program("mine/bot", "#!/bin/sh\nexec true\n")
    }

    #[test]
    fn without_a_bot_the_next_step_is_to_install_it() {
        let world = World::new();
        for (name, current) in
            [("none", None), ("escape", Some("../../../..\n")), ("empty", Some("\n")), ("gone", Some("9\n"))]
        {
            current.map(|text| world.write(".local/share/ductor/bot/current", text));
            let error = find(&world.home(), &world.search_path(&["bin"]), None).unwrap_err();
            assert_eq!(
                (error.code, error.fix.as_deref()),
                (Code::Configuration, Some("ductor bot install")),
                "{name}"
            );
        }
        let gone = candidates(&world.home(), &world.search_path(&[]), None).remove(0).bot.unwrap_err();
        assert!(gone.cause.contains("/bot/9/bin/python: it is missing"), "{gone}");
    }

    #[test]
    fn a_choice_is_never_passed_over() {
        let world = World::new();
        let path = world.search_path(&["bin"]);
        let python = world.environment("venv", "0.20.1");
        world.program("bin/ductor", script_of(&python));
        let choice = Some(OsStr::new("no-such-bot"));
        assert_eq!(find(&world.home(), &path, choice).unwrap_err().code, Code::Configuration);
        let all = candidates(&world.home(), &path, choice);
        assert_eq!(all.iter().filter(|candidate| candidate.bot.is_ok()).count(), 1);
        assert!(all[0].place == "DUCTOR_BOT" && all.iter().all(|candidate| !candidate.taken));
        assert_eq!(find(&world.home(), &path, Some(OsStr::new(""))).unwrap().command, module(&python));
    }
}
