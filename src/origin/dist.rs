//! The receipt of *cargo-dist*: what its own installers, `ductor-installer.sh` and `ductor-installer.ps1`, noted of what
//! they placed. Its format is `InstallReceipt` of axoupdater, the updater that belongs to them; we ship none, so the
//! same installer also upgrades.

use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::effects::{Effects, file};
use crate::error::Result;
use crate::home::Home;

/// Larger than any that it writes.
const LIMIT: u64 = 64 * 1024;

/// The command that puts another version in the place of this one, without the service.
pub const UPGRADE: &str = if cfg!(windows) {
    concat!("irm ", env!("CARGO_PKG_REPOSITORY"), "/releases/latest/download/ductor-installer.ps1 | iex")
} else {
    concat!(
        "curl -fsSL ",
        env!("CARGO_PKG_REPOSITORY"),
        "/releases/latest/download/ductor-installer.sh | sh && ductor service restart"
    )
};

/// What an installer of cargo-dist did for this user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Dist {
    /// The folder of the programs where the layout is `flat`, else the one above their `bin`.
    install_prefix: PathBuf,
    #[serde(default)]
    install_layout: String,
    /// The names of the programs.
    binaries: Vec<String>,
    /// Where it stands itself.
    #[serde(skip)]
    receipt: PathBuf,
}

impl Dist {
    /// The one that lists this program.
    pub fn of(home: &Home, program: &Path) -> Option<Self> {
        folders(home).into_iter().find_map(|folder| {
            let receipt = folder.join("ductor-receipt.json");
            let bytes = file::read_bounded(&receipt, LIMIT).ok()?;
            let dist = Self { receipt, ..serde_json::from_slice(&bytes).ok()? };
            let is_it = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == program);
            dist.programs().iter().any(is_it).then_some(dist)
        })
    }

    /// Removes the programs, the one that runs last, and the receipt. Says what stays, a line each.
    ///
    /// # Errors
    /// A file can't be removed; the receipt is still there then.
    pub fn remove(&self, effects: &Effects<'_>) -> Result<Vec<String>> {
        for program in self.programs().iter().rev().filter(|program| program.exists()) {
            effects.remove(program)?;
        }
        effects.remove(&self.receipt)?;
        let folder = self.receipt.parent().unwrap_or(&self.receipt);
        effects.remove_if_empty(&[folder.to_owned()]);
        // Without it each new shell would complain.
        let kept = folder.join("env.sh");
        let says = format!(
            "kept {}, which your shell's profile reads; remove that line, then the file",
            kept.display()
        );
        Ok(kept.exists().then_some(says).into_iter().collect())
    }

    /// Where the programs are, `ductor` first.
    fn programs(&self) -> Vec<PathBuf> {
        let flat = self.install_layout == "flat";
        let folder = if flat { self.install_prefix.clone() } else { self.install_prefix.join("bin") };
        let ours = ["ductor", "ductorw"].map(|name| format!("{name}{}", env::consts::EXE_SUFFIX));
        ours.iter().filter(|name| self.binaries.contains(name)).map(|name| folder.join(name)).collect()
    }
}

/// The folders in which a receipt may be, as axoupdater looks for it.
fn folders(home: &Home) -> Vec<PathBuf> {
    let named = env::var_os("XDG_CONFIG_HOME").map(|folder| PathBuf::from(folder).join("ductor"));
    let own = if cfg!(windows) { home.data() } else { home.user().join(".config/ductor") };
    named.into_iter().chain([own]).collect()
}
