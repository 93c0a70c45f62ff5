//! A *python* with the bot: whether the module is really there, and which version.
//!
//! In a virtual environment, which is what pipx, uv and `ductor bot install` make, the files say it at no
//! cost. Any other python (the system's with its user folder, an editable installation) is asked once, in
//! isolation from the folder where we stand, and without importing the bot.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bot::MODULE;
use crate::effects::{Command, ask, file};
use crate::search_path::access;

/// What a Python on PATH is called. On Windows `py` is python.org's launcher, which starts the newest one.
pub const PYTHONS: &[&str] = if cfg!(windows) { &["python", "python3", "py"] } else { &["python3"] };

/// Says where this python itself and the package of the bot are. The first entry of its path is the folder
/// where it was started, in which anybody's files may lie.
const WHERE: &str = "\
import sys
sys.path[:1] = []
from importlib.util import find_spec
spec = find_spec('ductor_bot')
print(sys.executable)
print(spec.origin if spec and spec.origin else '')
";

/// Says the version of the installed distribution.
const VERSION: &str = "\
import sys
sys.path[:1] = []
from importlib.metadata import version
print(version('ductor'))
";

/// The bot's module under one python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The python that has it.
    pub python: PathBuf,
    /// The folder of the package `ductor_bot`.
    pub package: PathBuf,
}

/// The bot's module under `python`, or why there is none.
///
/// # Errors
/// The python or the module is not there, or the python does not answer in ten seconds.
pub fn module_of(python: &Path) -> Result<Module, String> {
    if !access::is_program(python) {
        return Err("it is missing, or not executable (was Python updated?)".into());
    }
    if let Some(site) = site_of_environment(python) {
        let package = site.join(MODULE);
        if is_package(&package) {
            return Ok(Module { python: python.into(), package });
        }
    }
    let said = answer(python, WHERE)?;
    let mut lines = said.lines();
    let (executable, origin) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let package = Path::new(origin).parent().filter(|package| is_package(package));
    let package = package.ok_or_else(|| format!("it has no module {MODULE}"))?.to_owned();
    let asked = Path::new(executable);
    let python = if asked.is_absolute() && asked.is_file() { asked } else { python };
    Ok(Module { python: python.into(), package })
}

impl Module {
    /// The version of the bot: from the package's own record beside it, else the python is asked.
    pub fn version(&self) -> Option<String> {
        let beside = self.package.parent().and_then(recorded_version);
        let version = beside.or_else(|| answer(&self.python, VERSION).ok());
        version.map(|version| version.trim().to_owned()).filter(|version| is_version(version))
    }
}

/// Whether `text` has the form of a version of a Python package (PEP 440), which no option has.
pub fn is_version(text: &str) -> bool {
    let of_a_version = |byte: u8| byte.is_ascii_alphanumeric() || b".!+_-".contains(&byte);
    !text.is_empty() && text.len() <= 64 && !text.starts_with('-') && text.bytes().all(of_a_version)
}

fn answer(python: &Path, question: &str) -> Result<String, String> {
    let command = Command::new(python, ["-c", question]).timeout(Duration::from_secs(10));
    let output = ask(&command).map_err(|error| error.cause)?;
    if output.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr).trim().lines().last().map(str::to_owned);
        Err(said.unwrap_or_else(|| "it does not run".into()))
    }
}

/// The package folder of the virtual environment that `python` belongs to (PEP 405).
fn site_of_environment(python: &Path) -> Option<PathBuf> {
    let prefix = python.parent()?.parent()?;
    let settings = file::read_bounded(&prefix.join("pyvenv.cfg"), 64 * 1024).ok()?;
    let settings = String::from_utf8_lossy(&settings);
    let version = settings.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        matches!(key.trim(), "version" | "version_info").then(|| value.trim())
    })?;
    let mut numbers = version.split('.');
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(major) || !is_number(minor) {
        return None;
    }
    let unix = prefix.join("lib").join(format!("python{major}.{minor}")).join("site-packages");
    [unix, prefix.join("Lib").join("site-packages")].into_iter().find(|site| site.is_dir())
}

fn is_package(folder: &Path) -> bool {
    folder.join("__main__.py").is_file()
}

/// The version in the record of the distribution `ductor` in this package folder.
fn recorded_version(site: &Path) -> Option<String> {
    let entries = fs::read_dir(site).ok()?.flatten();
    let mut records: Vec<_> = entries.map(|entry| entry.path()).filter(|path| is_record(path)).collect();
    records.sort();
    records.iter().rev().find_map(|record| {
        let text = file::read_bounded(&record.join("METADATA"), 1024 * 1024).ok()?;
        let text = String::from_utf8_lossy(&text);
        let head = text.lines().take_while(|line| !line.is_empty());
        head.filter_map(|line| line.strip_prefix("Version:")).map(|version| version.trim().to_owned()).next()
    })
}

fn is_record(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("ductor-") && name.ends_with(".dist-info")
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::bot::world::World;

    #[test]
    fn an_environment_is_read_without_starting_its_python() {
        let world = World::new();
        let python = world.environment("venv", "0.20.1");
        let module = module_of(&python).unwrap();
        assert_eq!(module.python, python);
        assert_eq!(module.version().as_deref(), Some("0.20.1"));
    }

    #[test]
    fn any_other_python_is_asked() {
        let world = World::new();
        world.write("site/ductor_bot/__main__.py", "");
        let origin = world.write("site/ductor_bot/__init__.py", "");
        let python = format!(
            "#!/bin/sh\ncase $2 in *metadata*) echo 0.19.0;; *) printf '%s\\n' \"$0\" '{}';; esac\n",
            origin.display()
        );
        let module = module_of(&world.program("bin/python3", python)).unwrap();
        assert_eq!(module.package, world.path("site/ductor_bot"));
        assert_eq!(module.version().as_deref(), Some("0.19.0"));
    }

    #[test]
    fn a_module_in_the_folder_where_we_stand_does_not_count() {
        let world = World::new();
        world.write("ductor_bot/__init__.py", "");
        world.write("ductor_bot/__main__.py", "");
        let here = world.path("");
        let python = format!("#!/bin/sh\ncd '{}' && exec python3 \"$@\"\n", here.display());
        assert_eq!(module_of(&world.program("python3", python)).unwrap_err(), "it has no module ductor_bot");
    }

    #[test]
    fn why_there_is_no_module_is_said() {
        let world = World::new();
        let reason = |text: &str| module_of(&world.program("bin/python3", text)).unwrap_err();
        assert_eq!(reason("#!/bin/sh\necho $0\necho\n"), "it has no module ductor_bot");
        assert_eq!(reason("#!/bin/sh\nexit 0\n"), "it has no module ductor_bot");
        let shim = "#!/bin/sh\necho 'pyenv: python3: command not found' >&2; exit 127\n";
        assert_eq!(reason(shim), "pyenv: python3: command not found");
        assert!(module_of(Path::new("/no/python")).unwrap_err().starts_with("it is missing"));
        // The package lost its code, its record is still there: the python itself has the last word.
        let python = world.environment("venv", "0.20.1");
        fs::remove_file(world.path("venv/lib/python3.11/site-packages/ductor_bot/__main__.py")).unwrap();
        assert_eq!(module_of(&python).unwrap_err(), "started");
    }

    #[test]
    fn a_version_is_no_option() {
        for version in ["0.20.1", "1!2.0rc1", "0.20.1.dev3+local-1"] {
            assert!(is_version(version), "{version}");
        }
        for text in ["", "-r", "--help", "0.20 1", "0.20;rm", "1\n2", "é", &"1".repeat(65)] {
            assert!(!is_version(text), "{text}");
        }
    }
}
