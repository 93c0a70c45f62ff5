//! Building the layers of an [`Image`]. Packages come from the mirror that this computer's apt uses, the bot from the
//! index that its pip uses.

use std::fs::{self, File};
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};

use super::{BOT_FOLDER, BOT_RELEASE, Image, USERS};
use crate::lab::needs::{self, mount_overlay};
use crate::lab::util::host;

/// Builds these images, all at the same time: each spends half of it waiting.
///
/// # Errors
/// The first that could not be built.
pub fn build_all(images: &[&Image], say: &(dyn Fn(&str) + Sync)) -> Result<()> {
    thread::scope(|scope| {
        let builds: Vec<_> = images.iter().map(|image| scope.spawn(|| image.build(say))).collect();
        builds.into_iter().try_for_each(|build| build.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

impl Image {
    /// Builds what is not there yet; `say` hears of each layer before it is made.
    ///
    /// # Errors
    /// A download failed, or another need of [`needs`] is not met.
    pub fn build(&self, say: &dyn Fn(&str)) -> Result<()> {
        let root = self.root_layer();
        once(&root, |part| {
            say(&format!("building the image of {} with {}", self.suite, self.all_packages().join(", ")));
            self.bootstrap(part)
        })?;
        if self.bot {
            once(&self.bot_layer(), |part| {
                say(&format!("installing {BOT_RELEASE} for alice"));
                self.install_bot(&root, part)
            })?;
        }
        Ok(())
    }

    /// A root folder out of packages, with the users. What speeds the build up (no manuals, no recommended
    /// packages) is not left in the configuration of its apt and dpkg.
    fn bootstrap(&self, root: &Path) -> Result<()> {
        let mut args: Vec<String> = ["--quiet", "--mode=root", "--variant=apt"].map(String::from).to_vec();
        args.push(format!("--include={}", self.all_packages().join(",")));
        args.push("--aptopt=Apt::Install-Recommends \"false\"".into());
        args.extend(own_apt_options().into_iter().map(|option| format!("--aptopt={option}")));
        args.extend(
            ["doc", "man", "locale"].map(|kind| format!("--dpkgopt=path-exclude=/usr/share/{kind}/*")),
        );
        for (user, id) in USERS {
            args.push(hook(&format!("chroot \"$1\" useradd -m -s /bin/bash -u {id} {user}")));
        }
        args.push(hook(
            "mkdir -p \"$1/var/log/journal\"; echo lab >\"$1/etc/hostname\"; : >\"$1/etc/machine-id\"",
        ));
        args.push(hook(&self.init.tidy()));
        args.push(hook(
            "rm -f \"$1\"/etc/dpkg/dpkg.cfg.d/99mmdebstrap \"$1\"/etc/apt/apt.conf.d/99mmdebstrap",
        ));
        args.extend([self.suite.into(), root.display().to_string()]);
        args.extend(own_mirror());
        host("mmdebstrap", args)?;
        Ok(())
    }

    /// The bot in a virtual environment of alice: downloaded by this computer, installed without a network.
    fn install_bot(&self, root: &Path, part: &Path) -> Result<()> {
        let scratch = tempfile::tempdir_in(crate::lab::folder())?;
        let [wheels, upper, work, merged] =
            ["wheels", "upper", "work", "merged"].map(|name| scratch.path().join(name));
        for folder in [&wheels, &upper, &work, &merged] {
            fs::create_dir(folder)?;
        }
        let arch = std::env::consts::ARCH;
        let platforms = ["manylinux_2_28", "manylinux_2_17", "manylinux2014"];
        let platforms = platforms.map(|platform| format!("--platform={platform}_{arch}"));
        host(
            "pip3",
            ["download", "--quiet", "--only-binary=:all:", "--implementation=cp", BOT_RELEASE]
                .map(String::from)
                .into_iter()
                .chain([format!("--python-version={}", self.python), format!("--dest={}", wheels.display())])
                .chain(platforms),
        )?;
        mount_overlay(&[root], &upper, &work, &merged)?;
        let script = format!(
            "set -e; python3 -m venv {BOT_FOLDER}; \
             {BOT_FOLDER}/bin/pip install --quiet --no-index --find-links=/mnt {BOT_RELEASE}; \
             mkdir -p ~/.local/bin; ln -s {BOT_FOLDER}/bin/ductor ~/.local/bin/ductor"
        );
        let installed = host(
            "systemd-nspawn",
            [
                "--quiet",
                "--register=no",
                "--keep-unit",
                "--as-pid2",
                "--pipe",
                "--private-network",
                "--user=alice",
            ]
            .map(String::from)
            .into_iter()
            .chain([
                format!("--directory={}", merged.display()),
                format!("--bind-ro={}:/mnt", wheels.display()),
            ])
            .chain(["/bin/bash", "-c", &script].map(String::from)),
        );
        host("umount", ["--lazy", &merged.display().to_string()])?;
        installed?;
        fs::rename(&upper, part).context("keep the layer of the bot")
    }
}

/// Makes the folder `layer` by `make` (which gets the path of a folder that is not there yet), unless it is
/// there; another process that makes it at the same time is waited for.
fn once(layer: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = layer.parent().unwrap_or(layer);
    fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
    let lock = File::create(layer.with_extension("lock"))?;
    lock.lock()?;
    if layer.is_dir() {
        return Ok(());
    }
    needs::check()?;
    let part = layer.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part)?;
    }
    make(&part)?;
    fs::rename(&part, layer)?;
    Ok(())
}

fn hook(script: &str) -> String {
    format!("--customize-hook={script}")
}

/// The mirror of Debian itself (not of its security updates) that this computer uses. None: mmdebstrap's own.
fn own_mirror() -> Option<String> {
    let format = "$(LABEL) $(COMPONENT) $(REPO_URI)";
    let targets = host("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]).ok()?;
    targets.lines().find_map(|line| {
        let uri = line.strip_prefix("Debian main ")?;
        uri.starts_with("http").then(|| uri.into())
    })
}

/// How this computer's apt reaches its mirrors: proxies, certificates.
fn own_apt_options() -> Vec<String> {
    let dump = host("apt-config", ["dump"]).unwrap_or_default();
    let ways = ["Acquire::http::", "Acquire::https::", "Acquire::Retries"];
    dump.lines().filter(|line| ways.iter().any(|way| line.starts_with(way))).map(String::from).collect()
}
