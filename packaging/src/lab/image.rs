//! An *image* is what a machine starts from: a Debian root folder, and over it, for some, the real bot.
//!
//! It is a stack of *layers*, each a folder in `layers/` named after its recipe: a changed recipe is another
//! folder, so what is there can be used as it is. How one is made stands in `build`.

mod build;

pub use build::build_all;

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;

use super::needs::Missing;

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

    fn all_packages(&self) -> Vec<&str> {
        self.init.packages().iter().chain(self.packages).copied().collect()
    }

    fn root_layer(&self) -> PathBuf {
        layer(self.suite, &(self.all_packages(), self.init.tidied(), USERS))
    }

    fn bot_layer(&self) -> PathBuf {
        layer(&format!("{}-bot", self.suite), &(self.root_layer(), BOT_RELEASE, BOT_FOLDER))
    }
}

/// The folder of the layer that this recipe makes.
fn layer(name: &str, recipe: &impl Hash) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (RECIPE, recipe).hash(&mut hasher);
    super::folder().join("layers").join(format!("{name}-{:016x}", hasher.finish()))
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
