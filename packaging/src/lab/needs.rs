//! What the lab needs of the computer it stands on: Linux, root, `systemd-nspawn`, `mmdebstrap`, overlays.
//!
//! [`get`] installs the programs where it may (as root on Debian) and says so; [`check`] names what is still
//! missing. A test that can't have its machine says which of these it lacked.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Result, ensure};

use super::util::host;

/// A need that this computer does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It does not run Linux.
    Linux,
    /// The caller is not root.
    Root,
    /// A program is not installed.
    Program(&'static str),
    /// The lab's folder can't hold an overlay; why.
    Overlay(String),
    /// No image was built, or none of this kind.
    Image(String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linux => write!(f, "machines are booted on Linux only"),
            Self::Root => write!(f, "not root: booting a machine needs mounts and namespaces"),
            Self::Program(name) => write!(f, "{name} is not installed"),
            Self::Overlay(why) => {
                write!(f, "no overlay can be mounted in {}: {why}", super::folder().display())
            }
            Self::Image(name) => write!(f, "the image {name} is not built: cargo xtask lab build {name}"),
        }
    }
}

impl std::error::Error for Missing {}

/// Each program with the Debian package that brings it.
const PROGRAMS: [(&str, &str); 6] = [
    ("systemd-nspawn", "systemd-container"),
    ("mmdebstrap", "mmdebstrap"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("timeout", "coreutils"),
    ("pip3", "python3-pip"), // downloads the bot with this computer's own index
];

/// Whether machines can be booted here.
///
/// # Errors
/// The first need that is not met.
pub fn check() -> Result<(), Missing> {
    if !cfg!(target_os = "linux") {
        return Err(Missing::Linux);
    }
    if !is_root() {
        return Err(Missing::Root);
    }
    if let Some((program, _)) = PROGRAMS.into_iter().find(|(program, _)| !on_path(program)) {
        return Err(Missing::Program(program));
    }
    try_overlay().map_err(|error| Missing::Overlay(format!("{error:#}")))
}

/// Installs the programs that are missing, as root on Debian and its kin; elsewhere does nothing.
///
/// `say` hears what is installed, before it is.
///
/// # Errors
/// The package manager failed.
pub fn get(say: &dyn Fn(&str)) -> Result<()> {
    let missing = PROGRAMS.into_iter().filter(|(program, _)| !on_path(program));
    install(&missing.map(|(_, package)| package).collect::<Vec<_>>(), say)
}

/// Installs Debian packages, as root on Debian and its kin; elsewhere, or with no packages, does nothing.
///
/// # Errors
/// The package manager failed.
pub fn install(packages: &[&str], say: &dyn Fn(&str)) -> Result<()> {
    if packages.is_empty() || !is_root() || !on_path("apt-get") {
        return Ok(());
    }
    // Tests that run side by side install side by side, and apt knows one at a time; other programs have it wait.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock();
    say(&format!("apt-get install {}", packages.join(" ")));
    host("apt-get", ["update", "-qq"])?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]);
    install.args(packages);
    install.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
    ensure!(install.status()?.success(), "apt-get install {} failed", packages.join(" "));
    Ok(())
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a program of this name is in PATH.
pub fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn try_overlay() -> Result<()> {
    std::fs::create_dir_all(super::folder())?;
    let trial = tempfile::tempdir_in(super::folder())?;
    let part = |name: &str| -> Result<String> {
        let path = trial.path().join(name);
        std::fs::create_dir(&path)?;
        Ok(path.display().to_string())
    };
    let (lower, upper, work, root) = (part("lower")?, part("upper")?, part("work")?, part("root")?);
    mount_overlay(&[lower.as_ref()], upper.as_ref(), work.as_ref(), root.as_ref())?;
    host("umount", [root])?;
    Ok(())
}

/// Mounts the folders `lower` (the first wins) with `upper` over them at `root`.
pub(super) fn mount_overlay(lower: &[&Path], upper: &Path, work: &Path, root: &Path) -> Result<()> {
    let lower: Vec<String> = lower.iter().map(|layer| layer.display().to_string()).collect();
    let options =
        format!("lowerdir={},upperdir={},workdir={}", lower.join(":"), upper.display(), work.display());
    host("mount", ["-t", "overlay", "ductor-lab", "-o", &options, &root.display().to_string()])?;
    Ok(())
}
