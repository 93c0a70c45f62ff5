//! The *origin* of this program: who put it on the machine, and so who upgrades it and who takes it away.
//!
//! That is a package manager ([`packages`]), or our own installer, `install.sh`, which left a [`receipt`], or
//! cargo-dist's ([`dist`]), or somebody by hand. [`place`] puts the files of an unpacked archive where they belong and removes them again;
//! [`release`] gets a newer archive, and [`check`] is what it has to pass before anything in it is believed.

pub mod check;
pub mod dist;
pub mod packages;
pub mod place;
pub mod receipt;
pub mod release;

use std::env;
use std::path::{Path, PathBuf};

pub use dist::Dist;
pub use packages::PackageManager;
pub use receipt::Receipt;

use crate::error::{Context, Result};
use crate::home::Home;

/// Who put this program on the machine.
#[derive(Debug)]
pub enum Origin {
    /// Our installer, for this user.
    Installer(Receipt),
    /// The installer that cargo-dist makes, for this user.
    Dist(Dist),
    /// A package manager.
    Package(&'static PackageManager),
    /// A person, or something that we do not know.
    Hand,
}

/// The path of the program that runs, without links.
///
/// # Errors
/// The system does not know.
pub fn program() -> Result<PathBuf> {
    env::current_exe().and_then(|path| path.canonicalize()).about("the path of ductor itself")
}

/// The origin of the program at this path.
pub fn of(home: &Home, program: &Path) -> Origin {
    let receipt = Receipt::read(home);
    let is_it = |receipt: &Receipt| receipt.program.canonicalize().is_ok_and(|path| path == program);
    if let Some(receipt) = receipt.filter(is_it) {
        return Origin::Installer(receipt);
    }
    if let Some(dist) = Dist::of(home, program) {
        return Origin::Dist(dist);
    }
    packages::owner(program).map_or(Origin::Hand, Origin::Package)
}
