//! The *origin* of this program: who put it on the machine, and so who upgrades it and who takes it away.
//!
//! That is a package manager ([`packages`]), or our own installer, `install.sh`, which left a [`receipt`], or
//! somebody by hand. [`place`] puts the files of an unpacked archive where they belong and removes them again;
//! [`release`] gets a newer archive, and [`check`] is what it has to pass before anything in it is believed.

pub mod check;
pub mod packages;
pub mod place;
pub mod receipt;
pub mod release;

use std::env;
use std::path::{Path, PathBuf};

pub use packages::PackageManager;
pub use receipt::Receipt;

use crate::error::{Context, Result};
use crate::home::Home;

/// Who put this program on the machine.
#[derive(Debug)]
pub enum Origin {
    /// Our installer, for this user.
    Installer(Receipt),
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
    match receipt.filter(is_it) {
        Some(receipt) => Origin::Installer(receipt),
        None => packages::owner(program).map_or(Origin::Hand, Origin::Package),
    }
}
