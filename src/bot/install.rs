//! The *installed* bot: the one that `ductor bot install` makes in the user's data folder, out of everybody's
//! way (nothing else called `ductor` reaches PATH).
//!
//! A virtual environment knows its own path, so it can't be made elsewhere and moved. Each one is made where
//! it stays, in a numbered folder, and the file `current` names the one that counts. It is rewritten, in one
//! step, when the new bot has answered; until then, and whenever something fails, the old one is the bot. The
//! one before stays until the next installation: a bot that runs from it still loads modules. `tool` knows
//! how environments are made, `interpreter` with which python.

mod interpreter;
mod tool;

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::bot::{MODULE, python};
use crate::effects::folder_lock::FolderLock;
use crate::effects::{Command, Effects, ask, file};
use crate::error::{Code, Context, Error, Result};
use crate::home::Home;

/// What `ductor bot install` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The version that is there now.
    pub version: String,
    /// The tool that made it; none if this version was there already.
    pub by: Option<&'static str>,
}

/// The folder of all that is installed: environments in numbered folders, and the file `current`.
pub fn folder(home: &Home) -> PathBuf {
    home.data().join("bot")
}

/// The python of the installed bot; none if no bot was ever installed. It may be broken by now.
pub fn current(home: &Home) -> Option<PathBuf> {
    let name = file::read_bounded(&folder(home).join("current"), 256).ok()?;
    let name = String::from_utf8(name).ok()?;
    let name = Path::new(name.trim_end());
    let inside = name.components().all(|part| matches!(part, Component::Normal(_)));
    (inside && name != Path::new("")).then(|| python_of(&folder(home).join(name)))
}

/// Installs the bot, in this version or the latest one, with the tools on `path`. `progress` hears each step.
///
/// # Errors
/// The version is none (as text), nothing that could install it is on `path`, another installation is under
/// way, or the download or the new bot's first answer failed. What was installed before still is, unchanged.
pub fn install(
    home: &Home,
    path: &OsStr,
    version: Option<&str>,
    effects: &Effects<'_>,
    progress: &dyn Fn(&str),
) -> Result<Installed> {
    if let Some(version) = version.filter(|version| !python::is_version(version)) {
        return Err(Error::new(format!("version {version:?}"), "not a version")
            .code(Code::Usage)
            .fix("ductor bot install"));
    }
    let before = current(home).and_then(|python| answer(&python).ok());
    if let Some(version) = before.clone().filter(|before| Some(before.as_str()) == version) {
        return Ok(Installed { version, by: None });
    }
    let tool = tool::on(path)?;
    if !effects.is_real() {
        let new = folder(home).join("new");
        tool.make(&new, version, effects, progress)?;
        return Ok(Installed { version: version.unwrap_or("latest").into(), by: Some(tool.name()) });
    }
    let folder = folder(home);
    fs::create_dir_all(&folder).about(format!("create {}", folder.display()))?;
    let _lock = lock(&folder)?;
    let (old, number) = (current_number(home), next_number(&folder));
    let new = folder.join(number.to_string());
    let made = make(&tool, &new, version, effects, progress).and_then(|(environment, version)| {
        if before.as_ref() == Some(&version) {
            return Ok(Installed { version, by: None });
        }
        let name = environment.strip_prefix(&folder).unwrap_or(&environment).display();
        effects.write(&folder.join("current"), format!("{name}\n").as_bytes(), 0o644)?;
        Ok(Installed { version, by: Some(tool.name()) })
    });
    match &made {
        Ok(Installed { by: Some(_), .. }) => remove(&folder, |other| other != number && Some(other) != old),
        _ => remove(&folder, |other| other == number),
    }
    made
}

/// Keeps a second installation out of the folder.
fn lock(folder: &Path) -> Result<FolderLock> {
    let lock = FolderLock::take(folder).about(folder.display())?;
    lock.ok_or_else(|| Error::new("the bot", "another `ductor bot install` is under way"))
}

/// Makes the environment `new` and has its bot tell its version.
fn make(
    tool: &tool::Tool,
    new: &Path,
    version: Option<&str>,
    effects: &Effects<'_>,
    progress: &dyn Fn(&str),
) -> Result<(PathBuf, String)> {
    fs::create_dir(new).about(format!("create {}", new.display()))?;
    let environment = tool.make(new, version, effects, progress)?;
    let version = answer(&python_of(&environment))?;
    Ok((environment, version))
}

/// The version that the bot under `python` tells when it is run.
fn answer(python: &Path) -> Result<String> {
    let command = Command::new(python, ["-I", "-m", MODULE, "--version"]).timeout(Duration::from_secs(60));
    let output = ask(&command)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.split_whitespace().last().filter(|version| python::is_version(version));
    match version {
        Some(version) if output.success() => Ok(version.into()),
        _ => Err(command.failed(&output)),
    }
}

/// The python of a virtual environment.
fn python_of(environment: &Path) -> PathBuf {
    let [folder, name] = if cfg!(windows) { ["Scripts", "python.exe"] } else { ["bin", "python"] };
    environment.join(folder).join(name)
}

fn current_number(home: &Home) -> Option<u32> {
    let python = current(home)?;
    number(python.strip_prefix(folder(home)).ok()?.components().next()?.as_os_str())
}

fn next_number(folder: &Path) -> u32 {
    numbered(folder).map(|(number, _)| number).max().unwrap_or(0).saturating_add(1)
}

fn numbered(folder: &Path) -> impl Iterator<Item = (u32, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((number(&entry.file_name())?, entry.path())))
}

fn number(name: &OsStr) -> Option<u32> {
    name.to_str()?.parse().ok()
}

/// Removes numbered folders; what can't be removed is tried again by the next installation.
fn remove(folder: &Path, unwanted: impl Fn(u32) -> bool) {
    for (_, path) in numbered(folder).filter(|(number, _)| unwanted(*number)) {
        let _next_time = fs::remove_dir_all(path);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::bot::world::World;

    /// Makes environments as uv does, without a download: `ductor` is 0.20.1, there is no 99.0, and 0.0.1 does
    /// not run.
    const UV: &str = r#"#!/bin/sh
for last; do :; done
case "$*" in
*" venv "*) /bin/mkdir -p "$last/bin" ;;
*" ductor==99.0") echo 'no such version' >&2; exit 1 ;;
*" pip install --python "*)
    version=${last#ductor}; version=${version#==}; python=$6
    case $version in
    0.0.1) printf '#!/bin/sh\necho broken >&2; exit 1\n' ;;
    *) printf '#!/bin/sh\necho ductor %s\n' "${version:-0.20.1}" ;;
    esac >"$python" && /bin/chmod 755 "$python" ;;
esac
"#;

    fn with_uv() -> World {
        let world = World::new();
        world.program("bin/uv", UV);
        world
    }

    fn install_in(world: &World, version: Option<&str>) -> Result<Installed> {
        let effects = Effects::real(&|_| {});
        install(&world.home(), &world.search_path(&["bin"]), version, &effects, &|_| {})
    }

    /// The environments that are there, and the version of the one that counts.
    fn state(world: &World) -> (Vec<u32>, Option<String>) {
        let mut numbers: Vec<u32> = numbered(&folder(&world.home())).map(|(number, _)| number).collect();
        numbers.sort_unstable();
        (numbers, current(&world.home()).map(|python| answer(&python).unwrap()))
    }

    fn by_uv(version: &str) -> Installed {
        Installed { version: version.into(), by: Some("uv") }
    }

    #[test]
    fn a_new_version_replaces_the_old_one_which_stays_until_the_next() {
        let world = with_uv();
        assert_eq!(install_in(&world, Some("0.19.0")).unwrap(), by_uv("0.19.0"));
        assert_eq!(state(&world), (vec![1], Some("0.19.0".into())));
        assert_eq!(install_in(&world, Some("0.20.0")).unwrap(), by_uv("0.20.0"));
        assert_eq!(install_in(&world, None).unwrap(), by_uv("0.20.1"));
        assert_eq!(state(&world), (vec![2, 3], Some("0.20.1".into())));
    }

    #[test]
    fn a_version_that_is_there_is_left_alone() {
        let world = with_uv();
        install_in(&world, Some("0.20.1")).unwrap();
        let before = state(&world);
        for version in [Some("0.20.1"), None] {
            let there = Installed { version: "0.20.1".into(), by: None };
            assert_eq!(install_in(&world, version).unwrap(), there);
            assert_eq!(state(&world), before);
        }
        // There, but it does not run any more: made again.
        world.program(".local/share/ductor/bot/1/bin/python", "#!/bin/sh\nexit 1\n");
        assert_eq!(install_in(&world, Some("0.20.1")).unwrap(), by_uv("0.20.1"));
    }

    #[test]
    fn what_fails_leaves_the_old_bot_and_nothing_else() {
        let world = with_uv();
        for (version, cause) in [("99.0", "no such version"), ("0.0.1", "broken")] {
            let error = install_in(&world, Some(version)).unwrap_err();
            assert!(error.cause.contains(cause), "{error}");
            if version == "99.0" {
                assert_eq!(error.what, "ductor==99.0");
                assert_eq!(error.fix.as_deref(), Some("ductor bot install"));
            }
            assert_eq!(state(&world), (vec![], None));
        }
        install_in(&world, Some("0.20.0")).unwrap();
        install_in(&world, Some("0.20.1")).unwrap();
        for version in ["99.0", "0.0.1"] {
            install_in(&world, Some(version)).unwrap_err();
            assert_eq!(state(&world), (vec![1, 2], Some("0.20.1".into())));
        }
    }

    #[test]
    fn two_installations_at_once_are_one_too_many() {
        let world = with_uv();
        fs::create_dir_all(folder(&world.home())).unwrap();
        let first = lock(&folder(&world.home())).unwrap();
        let error = install_in(&world, None).unwrap_err();
        assert_eq!(error.cause, "another `ductor bot install` is under way");
        drop(first);
        install_in(&world, None).unwrap();
    }

    #[test]
    fn a_rehearsal_tells_every_effect_and_has_none() {
        let world = with_uv();
        let (home, path) = (world.home(), world.search_path(&["bin"]));
        let told = RefCell::new(Vec::new());
        let tell = |effect: &crate::effects::Effect<'_>| told.borrow_mut().push(effect.to_string());
        install(&home, &path, Some("0.20.1"), &Effects::rehearsal(&tell), &|_| {}).unwrap();
        let bot = folder(&home).display().to_string();
        let uv = format!("run {} --directory {bot}", world.path("bin/uv").display());
        assert_eq!(
            told.into_inner(),
            [
                format!("{uv} venv --no-project --python '>=3.11' {bot}/new"),
                format!("{uv} pip install --python {bot}/new/bin/python 'ductor==0.20.1'"),
            ]
        );
        assert!(!home.data().exists());
    }

    #[test]
    fn an_option_is_no_version() {
        let error = install_in(&with_uv(), Some("--index-url=http://x")).unwrap_err();
        assert_eq!(error.code, Code::Usage);
    }
}
