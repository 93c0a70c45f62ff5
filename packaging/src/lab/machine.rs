//! A *machine* is a booted system over an image: `Machine::boot`, and when it is dropped nothing is left of it.
//! How it comes up and goes down stands in `boot`.

mod boot;
mod cgroup;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};

use super::needs::{self, mount_overlay};
use super::util::{host, wait_for};
use super::{Image, Output, User, changes};

/// A booted system, or one that was.
#[derive(Debug)]
pub struct Machine {
    name: String,
    folder: PathBuf,
    layers: Vec<PathBuf>,
    /// Held while a process owns the machine; free when that process ended, however it did.
    owner: Option<File>,
}

/// What a machine can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Itself.
    Loopback,
    /// What the computer can.
    Host,
}

/// Names of machines of tests begin so, and such a machine whose owner is gone is stopped by [`sweep`].
const OF_A_TEST: &str = "test-";

/// What root's commands have, and nothing of this computer's.
const ENVIRONMENT: [&str; 7] = [
    "env",
    "-i",
    "HOME=/root",
    "USER=root",
    "TERM=dumb",
    "LANG=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
];

impl Machine {
    /// Boots a clean machine without a network and waits until it is up. Dropped, it is gone.
    ///
    /// # Errors
    /// [`needs::Missing`], or the machine did not come up: its console's last lines.
    pub fn boot(image: &Image) -> Result<Self> {
        let machine = Self::make(&unique_name(), image)?;
        machine.start(Network::Loopback)?;
        Ok(machine)
    }

    /// The same with what this computer reaches.
    ///
    /// # Errors
    /// As for [`Machine::boot`].
    pub fn boot_online(image: &Image) -> Result<Self> {
        let machine = Self::make(&unique_name(), image)?;
        machine.start(Network::Host)?;
        Ok(machine)
    }

    /// The files of a machine that is not switched on, as an image builder or a rescue disk sees them; commands
    /// run by [`Machine::chroot`]. Dropped, they are gone.
    ///
    /// # Errors
    /// [`needs::Missing`].
    pub fn switched_off(image: &Image) -> Result<Self> {
        Self::make(&unique_name(), image)
    }

    /// Boots a machine that outlives this process, until [`Machine::stop`].
    ///
    /// # Errors
    /// The name is taken or is no name; and as for [`Machine::boot`].
    pub fn boot_named(name: &str, image: &Image, network: Network) -> Result<Self> {
        ensure!(!name.starts_with(OF_A_TEST), "{OF_A_TEST}… is for machines of tests");
        let mut machine = Self::make(name, image)?;
        machine.start(network)?;
        machine.owner = None;
        Ok(machine)
    }

    /// The machine of this name that some process booted.
    ///
    /// # Errors
    /// There is none.
    pub fn find(name: &str) -> Result<Self> {
        let folder = folder_of(name);
        let layers = fs::read_to_string(folder.join("layers"))
            .with_context(|| format!("no machine {name:?}; there are: {}", list().join(" ")))?;
        Ok(Self {
            name: name.into(),
            folder,
            layers: layers.lines().map(PathBuf::from).collect(),
            owner: None,
        })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its files as they are now, to read and write from outside while it runs. Not `/tmp` and `/run`.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// The path of a file of the machine as seen from outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root().join(inside.trim_start_matches('/'))
    }

    /// Runs a command and waits for its end. A user's name means a login session of that user, as over ssh.
    ///
    /// # Errors
    /// The machine does not run. How the command ended is in the [`Output`].
    pub fn run<'a>(&self, user: impl Into<User<'a>>, command: &[&str]) -> Result<Output> {
        super::user::run(self, &user.into(), command)
    }

    /// Runs a command as root in the files alone, without anything of a running system, and waits for its end.
    ///
    /// # Errors
    /// chroot(8) can't be started.
    pub fn chroot(&self, command: &[&str]) -> Result<Output> {
        let mut chroot = Command::new("chroot");
        chroot.arg(self.root()).args(ENVIRONMENT).args(command);
        super::user::capture(&chroot, format!("chroot: {}", command.join(" ")))
    }

    /// What differs from the image now.
    ///
    /// # Errors
    /// A file of the machine can't be read.
    pub fn changes(&self) -> Result<changes::Changes> {
        changes::Changes::of(&self.folder.join("upper"), &self.layers)
    }

    /// Reboots through its init and waits until it is up again. All files stay.
    ///
    /// # Errors
    /// It does not go down, or not come up, within two minutes each.
    pub fn reboot(&self) -> Result<()> {
        let network = if self.folder.join("network").exists() { Network::Host } else { Network::Loopback };
        // systemctl always says "Connection reset by peer": the answer does not outlive the machine.
        let _reset = self.inside(&["reboot"])?.output();
        wait_for(&format!("{} goes down", self.name), boot::BOOT, || {
            Ok(self.nspawn().is_none().then_some(()))
        })?;
        self.start(network)
    }

    /// Ends the machine at once, as if its plug were pulled, and removes all that is left of it.
    ///
    /// # Errors
    /// Something of it can't be removed.
    pub fn stop(&self) -> Result<()> {
        self.pull_the_plug();
        cgroup::remove(&self.name);
        if is_mounted(&self.root()) {
            host("umount", ["--lazy", &self.root().display().to_string()])?;
        }
        ensure!(!is_mounted(&self.root()), "{} is still mounted", self.root().display());
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).with_context(|| format!("remove {}", self.folder.display()))?;
        }
        let _absent = fs::remove_dir_all(format!("/run/systemd/nspawn/propagate/{}", self.name));
        Ok(())
    }

    /// A command that will run as root in all namespaces of the machine.
    pub(super) fn inside(&self, command: &[&str]) -> Result<Command> {
        let init = self.init().with_context(|| format!("{} does not run", self.name))?.to_string();
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["-t", &init, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"]);
        nsenter.args(ENVIRONMENT).args(command).stdin(Stdio::null());
        Ok(nsenter)
    }

    fn make(name: &str, image: &Image) -> Result<Self> {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        ensure!(plain && !name.is_empty() && !name.starts_with('-'), "{name:?} is no name for a machine");
        needs::check()?;
        let layers = image.layers()?;
        let folder = folder_of(name);
        // It appears in one step, with its owner: a sweep at the same time must not take it for nobody's.
        let new = folder_of(&format!(".{name}-{}", std::process::id()));
        for part in ["upper", "work", "root"] {
            fs::create_dir_all(new.join(part))?;
        }
        let owner = File::create(new.join("owner"))?;
        owner.lock()?;
        let text: String = layers.iter().map(|layer| format!("{}\n", layer.display())).collect();
        fs::write(new.join("layers"), text)?;
        fs::write(new.join("image"), image.name)?;
        fs::rename(&new, &folder)
            .inspect_err(|_| drop(fs::remove_dir_all(&new)))
            .with_context(|| format!("make the machine {name}"))?;
        let machine = Self { name: name.into(), folder, layers, owner: Some(owner) };
        let lower: Vec<&Path> = machine.layers.iter().map(PathBuf::as_path).collect();
        mount_overlay(&lower, &machine.folder.join("upper"), &machine.folder.join("work"), &machine.root())?;
        Ok(machine)
    }

    fn image(&self) -> Result<&'static Image> {
        let name = fs::read_to_string(self.folder.join("image"))?;
        Image::named(&name).with_context(|| format!("{} is of no image: {name:?}", self.name))
    }

    fn console(&self) -> PathBuf {
        self.folder.join("console.log")
    }
}

/// A machine that a test owns ends with it.
impl Drop for Machine {
    fn drop(&mut self) {
        if self.owner.is_some() {
            let _swept_later = self.stop();
        }
    }
}

fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{OF_A_TEST}{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The names of all machines.
pub fn list() -> Vec<String> {
    let Ok(folders) = fs::read_dir(super::folder().join("machines")) else { return Vec::new() };
    let mut names: Vec<String> =
        folders.flatten().map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Stops the machines of tests that ended without doing so.
///
/// # Errors
/// Something of one can't be removed.
pub fn sweep() -> Result<()> {
    for name in list().into_iter().filter(|name| name.starts_with(OF_A_TEST)) {
        let owner = File::options().write(true).open(folder_of(&name).join("owner"));
        if !owner.is_ok_and(|owner| owner.try_lock().is_err()) {
            let nobodys = Machine { folder: folder_of(&name), name, layers: Vec::new(), owner: None };
            nobodys.stop()?;
        }
    }
    Ok(())
}

fn folder_of(name: &str) -> PathBuf {
    super::folder().join("machines").join(name)
}

fn is_mounted(path: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(1) == path.to_str())
}
