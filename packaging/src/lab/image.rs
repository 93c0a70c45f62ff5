//! An *image* is what a machine starts from: a Debian root folder, and over it, for some, the real bot.
//!
//! It is a stack of *layers*, each a folder in `layers/` named after its recipe: a changed recipe is another
//! folder, so what is there can be used as it is. Packages come from the mirror that this computer's apt
//! uses, the bot from the index that its pip uses.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};

use super::needs::{self, Missing, mount_overlay};
use super::util::host;

/// A kind of computer that people have.
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    /// What it is called on the command line.
    pub name: &'static str,
    /// The release of Debian.
    pub suite: &'static str,
    /// The version of its Python, as pip names it.
    python: &'static str,
    /// What starts and ends everything in it.
    pub init: Init,
    /// Its control groups are those of version 2 alone, as on every distribution of today; else as they are on
    /// this computer.
    pub cgroup2: bool,
    /// What it has beyond the packages of every image with this init.
    packages: &'static [&'static str],
    /// Whether alice has the real bot.
    bot: bool,
}

/// The first process of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// systemd, with logind and user managers.
    Systemd,
    /// sysvinit with OpenRC: a machine without any of that.
    OpenRc,
}

/// A minimal server (systemd 252): nobody but root may switch linger on, and there is no Python.
pub const SERVER: Image = Image {
    name: "server",
    suite: "bookworm",
    python: "3.11",
    init: Init::Systemd,
    cgroup2: false,
    packages: &[],
    bot: false,
};

/// The same with systemd 257.
pub const SERVER_TRIXIE: Image = Image { name: "server-trixie", suite: "trixie", python: "3.13", ..SERVER };

/// A computer for people (systemd 252): polkit lets users switch linger on.
pub const BOOKWORM: Image = Image { name: "bookworm", packages: PEOPLE, ..SERVER };

/// The same with systemd 257.
pub const TRIXIE: Image = Image { name: "trixie", packages: PEOPLE, ..SERVER_TRIXIE };

/// [`BOOKWORM`] where alice has the real bot, as `pipx install ductor` leaves it.
pub const BOT: Image = Image { name: "bot", bot: true, ..BOOKWORM };

/// [`TRIXIE`] with the real bot in the same place.
pub const BOT_TRIXIE: Image = Image { name: "bot-trixie", bot: true, ..TRIXIE };

/// [`TRIXIE`] with the control groups of version 2 alone.
pub const CGROUP2: Image = Image { name: "cgroup2", cgroup2: true, ..TRIXIE };

/// A computer without systemd.
pub const OPENRC: Image = Image { name: "openrc", init: Init::OpenRc, packages: &["cron"], ..SERVER };

/// [`BOOKWORM`] with the package managers of other distributions.
pub const FOREIGN: Image =
    Image { name: "foreign", packages: &["polkitd", "python3", "rpm", "pacman-package-manager"], ..BOOKWORM };

/// [`BOOKWORM`] with what people fetch and check files with.
pub const FETCHING: Image = Image {
    name: "fetching",
    packages: &["polkitd", "python3", "curl", "wget", "xz-utils", "minisign", "openssl", "busybox"],
    ..BOOKWORM
};

/// Every image.
pub const ALL: [&Image; 10] =
    [&SERVER, &SERVER_TRIXIE, &BOOKWORM, &TRIXIE, &BOT, &BOT_TRIXIE, &CGROUP2, &OPENRC, &FOREIGN, &FETCHING];

/// The users of every image besides root, with their ids.
pub const USERS: [(&str, u32); 2] = [("alice", 1000), ("bob", 1001)];

/// The id of a user of every image.
pub fn id_of(user: &str) -> u32 {
    USERS.iter().find(|(name, _)| *name == user).map_or(0, |(_, id)| *id)
}

/// The home folder of a user of every image.
pub fn home_of(user: &str) -> String {
    if user == "root" { "/root".into() } else { format!("/home/{user}") }
}

/// The bot that is baked in, as pip names it.
pub const BOT_RELEASE: &str = "ductor==0.20.1";

/// The virtual environment in which alice has it, as seen from inside; `~/.local/bin/ductor` is a link into it.
pub const BOT_FOLDER: &str = "/home/alice/.local/share/pipx/venvs/ductor";

impl Init {
    /// What every image with it has. passwd and login are named because a minimal trixie has no `useradd`.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Systemd => &[
                "systemd-sysv",
                "dbus",
                "dbus-user-session",
                "libpam-systemd",
                "procps",
                "passwd",
                "login",
                "sudo",
            ],
            Self::OpenRc => &["openrc", "sysvinit-core", "procps", "passwd", "login", "sudo"],
        }
    }

    /// A shell line, run for the files of a new image in `$1`: no units or terminals that a machine without a
    /// screen, a network or a tomorrow has no use for.
    fn tidy(self) -> String {
        match self {
            Self::Systemd => format!("chroot \"$1\" systemctl mask -q {MASKED} 2>/dev/null || true"),
            Self::OpenRc => format!("sed -i -e '{LAST}' -e /getty/d \"$1/etc/inittab\""),
        }
    }

    /// What of that makes another layer when it changes.
    fn tidied(self) -> &'static str {
        match self {
            Self::Systemd => MASKED,
            Self::OpenRc => LAST,
        }
    }
}

/// For sed: the last thing that init does when it has booted.
const LAST: &str = "$a up:2:wait:/bin/touch /run/up";

const PEOPLE: &[&str] = &["polkitd", "python3", "python3-venv"];

const MASKED: &str = "systemd-resolved.service systemd-networkd.service console-getty.service getty.target \
    systemd-logind-varlink.socket apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer \
    dpkg-db-backup.timer";

/// Raised when a layer is made differently from the same recipe.
const RECIPE: u32 = 1;

impl Image {
    /// The image of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|image| image.name == name)
    }

    /// Its layers, the upper first.
    ///
    /// # Errors
    /// [`Missing::Image`]: one is not built.
    pub fn layers(&self) -> Result<Vec<PathBuf>, Missing> {
        let mut layers = vec![self.root_layer()];
        if self.bot {
            layers.insert(0, self.bot_layer());
        }
        match layers.iter().all(|layer| layer.is_dir()) {
            true => Ok(layers),
            false => Err(Missing::Image(self.name.into())),
        }
    }

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

    fn all_packages(&self) -> Vec<&str> {
        self.init.packages().iter().chain(self.packages).copied().collect()
    }

    fn root_layer(&self) -> PathBuf {
        layer(self.suite, &(self.all_packages(), self.init.tidied(), USERS))
    }

    fn bot_layer(&self) -> PathBuf {
        layer(&format!("{}-bot", self.suite), &(self.root_layer(), BOT_RELEASE, BOT_FOLDER))
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
        let scratch = tempfile::tempdir_in(super::folder())?;
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

fn layer(name: &str, recipe: &impl Hash) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (RECIPE, recipe).hash(&mut hasher);
    super::folder().join("layers").join(format!("{name}-{:016x}", hasher.finish()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_recipe_is_another_layer_and_the_same_recipe_the_same() {
        assert_eq!(SERVER.root_layer(), SERVER.root_layer());
        assert_ne!(SERVER.root_layer(), BOOKWORM.root_layer());
        assert_eq!(BOT.root_layer(), BOOKWORM.root_layer());
    }

    #[test]
    fn an_image_is_found_by_its_name() {
        assert!(ALL.into_iter().all(|image| Image::named(image.name) == Some(image)));
        assert_eq!(Image::named("windows"), None);
    }
}
