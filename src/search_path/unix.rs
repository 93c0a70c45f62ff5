//! Programs and their places on Unix.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::access::{anybody_may_add, same_file};
use super::node;
use super::places::Inside::{Folders, Found};
use super::places::{Place, npm_prefix, place};

/// The folders that every system has. Programs of the user come before them.
pub const SYSTEM: [&str; 6] = ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/// What no folder in a PATH can have in its name.
pub const NEVER: &[u8] = b":\n\r\0";

pub fn system() -> Vec<PathBuf> {
    SYSTEM.map(PathBuf::from).into()
}

pub fn is_same_name(one: &Path, other: &Path) -> bool {
    one == other
}

/// How the file of a program may be called.
pub fn file_names(name: &OsStr) -> Vec<OsString> {
    vec![name.into()]
}

pub fn may_execute(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Whether others may replace a program in this folder.
pub fn others_may_replace(folder: &Path) -> bool {
    anybody_may_add(folder)
}

pub fn anybody_may_write(folder: &Metadata) -> bool {
    folder.mode() & 0o002 != 0
}

/// Whether `path` is the program that this process runs. Holds after the file was replaced, too.
pub fn is_this_program(path: &Path) -> bool {
    let id = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino())).ok();
    let running = id(Path::new("/proc/self/exe"));
    running.is_some() && running == id(path)
        || env::current_exe().is_ok_and(|running| same_file(path, &running))
}

/// Every place that is looked at, most important first.
pub const PLACES: &[Place] = &[
    place("", &["~"], Folders(&[".local/bin", "bin"])),
    place("NVM_DIR", &["~/.nvm", "~/.config/nvm"], Found(node::nvm)),
    place(
        "FNM_DIR",
        &["~/.local/share/fnm", "~/.fnm", "~/Library/Application Support/fnm"],
        Found(node::fnm),
    ),
    place("VOLTA_HOME", &["~/.volta"], Folders(&["bin"])),
    place("ASDF_DATA_DIR", &["~/.asdf"], Folders(&["shims", "bin"])),
    place("MISE_DATA_DIR", &["~/.local/share/mise"], Folders(&["shims"])),
    place("NODENV_ROOT", &["~/.nodenv"], Folders(&["shims", "bin"])),
    place("PYENV_ROOT", &["~/.pyenv"], Folders(&["shims", "bin"])),
    place("N_PREFIX", &["~/n"], Folders(&["bin"])),
    place("PNPM_HOME", &["~/.local/share/pnpm", "~/Library/pnpm"], Folders(&["", "bin"])),
    place("BUN_INSTALL", &["~/.bun"], Folders(&["bin"])),
    place("DENO_INSTALL", &["~/.deno"], Folders(&["bin"])),
    place("", &["~"], Found(npm_prefix)),
    place("", &["~/.npm-global", "~/.npm-packages", "~/.npm"], Folders(&["bin"])),
    place("", &["~/.yarn", "~/.config/yarn/global/node_modules"], Folders(&["bin", ".bin"])),
    place("CARGO_HOME", &["~/.cargo"], Folders(&["bin"])),
    place("GOPATH", &["~/go"], Folders(&["bin"])),
    place(
        "HOMEBREW_PREFIX",
        &["/opt/homebrew", "/home/linuxbrew/.linuxbrew", "~/.linuxbrew"],
        Folders(&["bin", "sbin"]),
    ),
    place(
        "",
        &["~/.nix-profile", "~/.local/state/nix/profile", "/nix/var/nix/profiles/default"],
        Folders(&["bin"]),
    ),
    place("", &["/run/current-system/sw"], Folders(&["bin"])),
    place("", &["/snap", "/opt/local"], Folders(&["bin", "sbin"])),
    place("", &["~/.local/share/flatpak/exports", "/var/lib/flatpak/exports"], Folders(&["bin"])),
];
