//! A *tool* makes a virtual environment with the bot in it: uv, else pipx, else python's own `venv` and pip.
//!
//! The person's settings of these tools (an index of the company, a proxy) hold; what would put files
//! elsewhere does not.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::interpreter::{self, Interpreter, OLDEST};
use super::python_of;
use crate::effects::{Command, Effects, ask};
use crate::error::{Error, Result};
use crate::search_path::which;

/// Some 60 MB are downloaded; a slow line gets its time.
const DOWNLOAD: Duration = Duration::from_secs(30 * 60);

/// What to type where there is no python, by the package manager that is there.
const PYTHON_FROM: [(&str, &str); 7] = [
    ("apt", "sudo apt install python3 python3-venv"),
    ("dnf", "sudo dnf install python3"),
    ("pacman", "sudo pacman -S python"),
    ("zypper", "sudo zypper install python3"),
    ("apk", "sudo apk add python3"),
    ("brew", "brew install python"),
    ("winget", "winget install Python.Python.3.13"),
];

/// A tool that can install the bot, with what it needs.
#[derive(Debug)]
pub struct Tool {
    kind: Kind,
    search_path: OsString,
}

#[derive(Debug)]
enum Kind {
    /// uv, and the python it shall take; it can get one itself.
    Uv(PathBuf, Option<Interpreter>),
    Pipx(PathBuf, Interpreter),
    Venv(Interpreter),
}

/// The first tool on `path` that works.
///
/// # Errors
/// There is none, or no python for it; the error tells how to get one.
pub fn on(path: &OsStr) -> Result<Tool> {
    let pythons = interpreter::all(path);
    let python = pythons.iter().find(|python| python.minor >= OLDEST).cloned();
    let works = |name: &str| {
        let program = which(name, path)?;
        // Left behind by a python that is gone, its script is still there.
        ask(&Command::new(&program, ["--version"])).is_ok_and(|output| output.success()).then_some(program)
    };
    let kind = match (works("uv"), works("pipx"), python) {
        (Some(uv), _, python) => Kind::Uv(uv, python),
        (_, _, None) => return Err(no_python(&pythons, path)),
        (_, Some(pipx), Some(python)) => Kind::Pipx(pipx, python),
        (_, _, Some(python)) if python.has_venv => Kind::Venv(python),
        (_, _, Some(python)) => {
            let cause = "it can't make virtual environments (its modules venv and ensurepip are missing)";
            return Err(Error::new(python.path.display(), cause).fix("sudo apt install python3-venv"));
        }
    };
    Ok(Tool { kind, search_path: path.into() })
}

fn no_python(found: &[Interpreter], path: &OsStr) -> Error {
    let bring_uv = "install uv, which brings its own python: https://docs.astral.sh/uv/";
    if let Some(newest) = found.iter().map(|python| python.minor).max() {
        let cause = format!("the newest on PATH is 3.{newest}; the bot needs 3.{OLDEST}");
        return Error::new("python", cause).fix(bring_uv);
    }
    let manager = PYTHON_FROM.iter().find(|(manager, _)| which(manager, path).is_some());
    Error::new("python", "none is on PATH").fix(manager.map_or(bring_uv, |(_, command)| command))
}

impl Tool {
    /// What people call it.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Uv(..) => "uv",
            Kind::Pipx(..) => "pipx",
            Kind::Venv(_) => "python -m venv",
        }
    }

    /// Makes an environment with the bot in the empty folder `new`; gives the folder of the environment.
    pub fn make(
        &self,
        new: &Path,
        version: Option<&str>,
        effects: &Effects<'_>,
        progress: &dyn Fn(&str),
    ) -> Result<PathBuf> {
        let package = version.map_or_else(|| "ductor".into(), |version| format!("ductor=={version}"));
        let run = |step: &str, command: Command| {
            progress(step);
            let command = command.env("PATH", &self.search_path).timeout(DOWNLOAD);
            let output = effects.run(&command)?;
            if output.success() { Ok(()) } else { Err(command.failed(&output)) }
        };
        let download = format!("downloading {package}");
        let not_had = |error: Error| {
            let cause =
                "it could not be had: no network, a certificate that is not trusted, or no such version";
            let cause = format!("{cause}\n  {}: {}", error.what, error.cause);
            Error { what: package.clone(), cause, ..error }.fix("ductor bot install")
        };
        match &self.kind {
            Kind::Uv(uv, python) => {
                let any = format!(">=3.{OLDEST}");
                let wanted = python.as_ref().map_or(OsStr::new(&any), |python| python.path.as_os_str());
                // From its own folder: uv reads the settings of a project that the person stands in.
                let uv = |words: &[&OsStr]| {
                    let here = [OsStr::new("--directory"), new.parent().unwrap_or(new).as_os_str()];
                    Command::new(uv, here.iter().chain(words)).env("UV_NO_PROGRESS", "1")
                };
                let venv = ["venv", "--no-project", "--python"].map(OsStr::new);
                run("making an environment with uv", uv(&[&venv[..], &[wanted, new.as_os_str()]].concat()))?;
                let python = python_of(new);
                let install = ["pip", "install", "--python"].map(OsStr::new);
                run(&download, uv(&[&install[..], &[python.as_os_str(), OsStr::new(&package)]].concat()))
                    .map_err(not_had)?;
                Ok(new.into())
            }
            Kind::Pipx(pipx, python) => {
                let words = ["install", "--python"].map(OsStr::new);
                let words = words.into_iter().chain([python.path.as_os_str(), OsStr::new(&package)]);
                let command = Command::new(pipx, words)
                    .env("PIPX_HOME", new)
                    .env("PIPX_BIN_DIR", new.join("bin"))
                    .env("PIPX_MAN_DIR", new.join("man"));
                run(&format!("{download} with pipx"), command).map_err(not_had)?;
                Ok(new.join("venvs/ductor"))
            }
            Kind::Venv(python) => {
                let words = ["-I", "-m", "venv"].map(OsStr::new).into_iter().chain([new.as_os_str()]);
                run("making an environment", Command::new(&python.path, words))?;
                let words = ["-I", "-m", "pip", "install", "--quiet", "--no-input", "--no-user", &package];
                run(&download, Command::new(python_of(new), words)).map_err(not_had)?;
                Ok(new.into())
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::bot::world::World;

    const WORKS: &str = "#!/bin/sh\nexit 0\n";
    const BROKEN: &str = "#!/bin/sh\nexit 1\n";

    fn world_with(programs: &[(&str, &str)]) -> World {
        let world = World::new();
        for (name, text) in programs {
            world.program(Path::new("bin").join(name), text);
        }
        world
    }

    fn python(minor: u32, has_venv: &str) -> String {
        format!("#!/bin/sh\necho '{minor} True {has_venv} /usr/bin/python3'\n")
    }

    fn chosen(programs: &[(&str, &str)]) -> Result<Tool> {
        on(&world_with(programs).search_path(&["bin"]))
    }

    #[test]
    fn the_first_tool_that_works_is_taken() {
        let python = python(12, "True");
        let uv_broken = [("uv", BROKEN), ("pipx", WORKS), ("python3", &python)];
        assert_eq!(chosen(&[("uv", WORKS), ("pipx", WORKS)]).unwrap().name(), "uv");
        assert_eq!(chosen(&uv_broken).unwrap().name(), "pipx");
        assert_eq!(chosen(&[("pipx", BROKEN), ("python3", &python)]).unwrap().name(), "python -m venv");
    }

    #[test]
    fn without_a_python_the_error_tells_how_to_get_one() {
        let (old, bare) = (python(9, "True"), python(11, "False"));
        type Programs<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Programs<'_>, &str, &str); 5] = [
            (&[], "none is on PATH", "install uv, which brings its own python: https://docs.astral.sh/uv/"),
            (&[("apt", WORKS)], "none is on PATH", "sudo apt install python3 python3-venv"),
            (&[("pipx", WORKS), ("dnf", WORKS)], "none is on PATH", "sudo dnf install python3"),
            (
                &[("python3", &old), ("apt", WORKS)],
                "the newest on PATH is 3.9; the bot needs 3.11",
                "install uv, which brings its own python: https://docs.astral.sh/uv/",
            ),
            (
                &[("python3", &bare)],
                "it can't make virtual environments (its modules venv and ensurepip are missing)",
                "sudo apt install python3-venv",
            ),
        ];
        for (programs, cause, fix) in cases {
            let error = chosen(programs).unwrap_err();
            assert_eq!((error.cause.as_str(), error.fix.as_deref()), (cause, Some(fix)));
        }
    }

    #[test]
    fn each_tool_gets_its_words() {
        let python = python(12, "True");
        let told = |programs: &[(&str, &str)]| {
            let world = world_with(programs);
            let told = RefCell::new(Vec::new());
            let tell = |effect: &crate::effects::Effect<'_>| told.borrow_mut().push(effect.to_string());
            let tool = on(&world.search_path(&["bin"])).unwrap();
            let new = Path::new("/data/bot/1");
            let made = tool.make(new, Some("0.20.1"), &Effects::rehearsal(&tell), &|_| {}).unwrap();
            let bin = format!("{}/", world.path("bin").display());
            (made, told.into_inner().into_iter().map(|line| line.replace(&bin, "")).collect::<Vec<_>>())
        };
        assert_eq!(
            told(&[("uv", WORKS), ("python3", &python)]),
            (
                "/data/bot/1".into(),
                vec![
                    "run uv --directory /data/bot venv --no-project --python /usr/bin/python3 /data/bot/1".into(),
                    "run uv --directory /data/bot pip install --python /data/bot/1/bin/python 'ductor==0.20.1'".into(),
                ]
            )
        );
        assert_eq!(
            told(&[("pipx", WORKS), ("python3", &python)]),
            (
                "/data/bot/1/venvs/ductor".into(),
                vec!["run pipx install --python /usr/bin/python3 'ductor==0.20.1'".to_owned()]
            )
        );
        assert_eq!(
            told(&[("python3", &python)]),
            (
                "/data/bot/1".into(),
                vec![
                    "run /usr/bin/python3 -I -m venv /data/bot/1".to_owned(),
                    "run /data/bot/1/bin/python -I -m pip install --quiet --no-input --no-user 'ductor==0.20.1'".into(),
                ]
            )
        );
    }
}
