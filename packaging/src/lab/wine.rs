//! *Wine* stands in for Windows: it runs our programs for real, with processes, jobs, events and locks that behave
//! as there. Its `schtasks.exe` makes and removes tasks; to everything else it answers yes and does nothing.
//!
//! A [`Wine`] is one clean Windows: an overlay over a folder that is made once (Wine's word is *prefix*), with a
//! server of its own for what its programs share. Dropped, all of them end and it is gone.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::needs::{self, mount_overlay};
use super::user::{Output, capture};
use super::util::host;
use crate::toolchain;
use crate::workspace::output;

/// What our programs for Windows are compiled for.
pub const TARGET: &str = "x86_64-pc-windows-gnu";

const LOADER: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver";
const COMPILER: &str = "x86_64-w64-mingw32-gcc";
const SHIM: &str = include_str!("bcryptprimitives.c");

/// The drive that is the root of this computer.
const DRIVE: &str = "Z:";

/// Gets Wine, a C compiler for Windows, and Rust's standard library for it, where they are missing and may be got:
/// the first two as root on Debian, the last by rustup.
///
/// # Errors
/// One of them can't be got; what to type.
pub fn get(say: &dyn Fn(&str)) -> Result<()> {
    let missing =
        [(Path::new(LOADER).is_file(), "wine64"), (needs::on_path(COMPILER), "gcc-mingw-w64-x86-64-win32")];
    let missing: Vec<&str> =
        missing.iter().filter(|(there, _)| !there).map(|(_, package)| *package).collect();
    needs::install(&missing, say)?;
    let still = !Path::new(LOADER).is_file() || !needs::on_path(COMPILER);
    ensure!(!still, "not installed: {}; fix: sudo apt-get install {0}", missing.join(" "));
    if let Some(library) = toolchain::compiler(TARGET) {
        say(&library.get);
        let add = ["target", "add", TARGET];
        host("rustup", add).with_context(|| format!("{} is missing; fix: {}", library.what, library.get))?;
    }
    Ok(())
}

/// Makes the folder that every [`Wine`] lies over, where it is not there yet.
///
/// # Errors
/// A step failed.
pub fn build(say: &dyn Fn(&str)) -> Result<()> {
    let folder = base()?;
    if folder.is_dir() {
        return Ok(());
    }
    say("wine: a fresh Windows");
    let new = folder.with_extension("new");
    let _left_by_one_that_was_cut_off = fs::remove_dir_all(&new);
    fs::create_dir_all(&new)?;
    let mut boot = wine(&new);
    // It would ask whether to download these two.
    boot.args(["wineboot", "-i"]).env("WINEDLLOVERRIDES", "mscoree=;mshtml=");
    output(&mut boot)?;
    output(server(&new).arg("-w"))?;
    let system = new.join("drive_c/windows/system32");
    if !system.join("bcryptprimitives.dll").exists() {
        let source = new.join("bcryptprimitives.c");
        fs::write(&source, SHIM)?;
        let mut compile = Command::new(COMPILER);
        compile.args(["-O1", "-shared", "-nostartfiles", "-e", "0", "-o"]);
        compile.arg(system.join("bcryptprimitives.dll")).arg(&source).arg("-ladvapi32");
        output(&mut compile)?;
    }
    fs::rename(&new, &folder).context("keep the fresh Windows")
}

/// Named after its recipe, as the layers of machines are.
fn base() -> Result<PathBuf> {
    let mut recipe = DefaultHasher::new();
    (SHIM, output(Command::new(LOADER).arg("--version"))?).hash(&mut recipe);
    Ok(super::folder().join("layers").join(format!("wine-{:016x}", recipe.finish())))
}

/// One clean Windows.
pub struct Wine {
    folder: PathBuf,
    /// Locked, so that nobody sweeps it away.
    _owner: File,
}

impl Wine {
    /// A fresh one.
    ///
    /// # Errors
    /// It is not built, or nothing can be mounted here.
    pub fn new() -> Result<Self> {
        let base = base()?;
        ensure!(base.is_dir(), "no Windows was made: cargo xtask test lab");
        let prefixes = super::folder().join("wine");
        fs::create_dir_all(&prefixes)?;
        let folder = tempfile::Builder::new().prefix("test-").tempdir_in(prefixes)?.keep();
        let owner = File::create(folder.join("owner"))?;
        owner.lock()?;
        let wine = Self { folder, _owner: owner };
        let part = |name: &str| -> Result<PathBuf> {
            let part = wine.folder.join(name);
            fs::create_dir(&part)?;
            Ok(part)
        };
        mount_overlay(&[&base], &part("upper")?, &part("work")?, &part("root")?)?;
        Ok(wine)
    }

    /// Where a path of its drive C is on this computer.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root().join("drive_c").join(inside)
    }

    /// A program in it, by its path on this computer or by its name there.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = wine(&self.root());
        command.arg(program).stdin(Stdio::null()).process_group(0);
        command
    }

    /// Runs a command of it to its end.
    ///
    /// # Errors
    /// It can't be started.
    pub fn run(&self, command: &Command) -> Result<Output> {
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        capture(command, format!("wine: {}", words.join(" ")))
    }

    /// The pids on this computer of its programs that have this word in their command line.
    ///
    /// # Errors
    /// There is no /proc.
    pub fn processes(&self, word: &str) -> Result<Vec<u32>> {
        let prefix = format!("WINEPREFIX={}\0", self.root().display());
        let has = |pid: &u32, file: &str, text: &str| {
            let said = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            String::from_utf8_lossy(&said).contains(text)
        };
        let pids =
            fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Ok(pids.filter(|pid| has(pid, "cmdline", word) && has(pid, "environ", &prefix)).collect())
    }

    fn root(&self) -> PathBuf {
        self.folder.join("root")
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

/// Removes what tests left that were cut off.
pub fn sweep() {
    for left in fs::read_dir(super::folder().join("wine")).into_iter().flatten().flatten() {
        let owner = File::options().write(true).open(left.path().join("owner"));
        if owner.is_ok_and(|owner| owner.try_lock().is_ok()) {
            remove(&left.path());
        }
    }
}

fn remove(folder: &Path) {
    let root = folder.join("root");
    let _none_runs = output(server(&root).arg("-k"));
    let _none_runs = output(server(&root).arg("-w"));
    for _ in 0..100 {
        // A program that was just ended holds it for a moment.
        if host("umount", [&root]).is_ok()
            || fs::read_dir(&root).is_ok_and(|mut files| files.next().is_none())
        {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    let _best_effort = fs::remove_dir_all(folder);
}

/// How programs there call a file of this computer.
pub fn seen_from_inside(path: &Path) -> String {
    format!("{DRIVE}{}", path.display().to_string().replace('/', "\\"))
}

fn wine(prefix: &Path) -> Command {
    in_prefix(LOADER, prefix)
}

fn server(prefix: &Path) -> Command {
    in_prefix(SERVER, prefix)
}

fn in_prefix(program: &str, prefix: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("WINEPREFIX", prefix).env("WINEDEBUG", "-all").env("PATH", "/usr/bin:/bin");
    command.env("HOME", env::temp_dir()).env("LANG", "C.UTF-8");
    command
}
