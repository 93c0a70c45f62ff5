//! Programs and their places on Windows. A task is started with the PATH that its user has, so most of these are on
//! it already; those that an installer added since the user logged on are not.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::access::same_file;
use super::node;
use super::places::Inside::{Folders, Found};
use super::places::{Place, npm_prefix, place};
use crate::effects::file;

/// What no folder in a PATH can have in its name (a `;` needs quotes, which are a matter of luck).
pub const NEVER: &[u8] = b";\"\n\r\0";

/// The endings of programs that can be started without a shell of ours, in the order of cmd.exe. What else a person
/// may have put into PATHEXT is opened by another program.
const ENDINGS: [&str; 4] = ["com", "exe", "bat", "cmd"];

pub fn system() -> Vec<PathBuf> {
    let windows = env::var_os("SystemRoot").map_or_else(|| r"C:\Windows".into(), PathBuf::from);
    let inside = ["System32", "", r"System32\Wbem", r"System32\WindowsPowerShell\v1.0", r"System32\OpenSSH"];
    inside.iter().map(|inside| windows.join(inside).components().collect()).collect()
}

/// `C:\Windows` and `c:\windows` are one folder.
pub fn is_same_name(one: &Path, other: &Path) -> bool {
    let lower = |path: &Path| path.to_string_lossy().to_lowercase();
    one == other || lower(one).trim_end_matches('\\') == lower(other).trim_end_matches('\\')
}

/// How the file of a program may be called: the endings are not typed.
pub fn file_names(name: &OsStr) -> Vec<OsString> {
    if is_ending(Path::new(name)) {
        return vec![name.into()];
    }
    let with = |ending: &str| [name, OsStr::new("."), OsStr::new(ending)].into_iter().collect();
    ENDINGS.iter().map(|ending| with(ending)).collect()
}

pub fn may_execute(path: &Path) -> bool {
    is_ending(path)
}

fn is_ending(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ENDINGS.iter().any(|ending| extension.eq_ignore_ascii_case(ending))
}

/// Whether others may replace a program in this folder, or in the one in which it would be made.
pub fn others_may_replace(folder: &Path) -> bool {
    folder.ancestors().find(|folder| folder.is_dir()).is_some_and(file::others_may_replace)
}

/// A user's folders are the user's own by the access list that they inherit. Many installers put programs for everybody
/// into folders that everybody may change; without these the bot would lack what people see in their own PATH.
pub fn anybody_may_write(_: &Metadata) -> bool {
    false
}

/// Whether `path` is the program that this process runs, or its twin beside it.
pub fn is_this_program(path: &Path) -> bool {
    let Ok(running) = env::current_exe() else { return false };
    ["ductor.exe", "ductorw.exe"].iter().any(|name| same_file(path, &running.with_file_name(name)))
        || same_file(path, &running)
}

/// Every place that is looked at, most important first.
pub const PLACES: &[Place] = &[
    place("", &["~"], Folders(&[".local/bin"])), // uv and pipx
    place("NVM_SYMLINK", &[], Folders(&[""])),
    place("FNM_DIR", &["~/AppData/Roaming/fnm"], Found(fnm)),
    place("VOLTA_HOME", &["~/AppData/Local/Volta"], Folders(&["bin"])),
    place("MISE_DATA_DIR", &["~/AppData/Local/mise"], Folders(&["shims"])),
    place("PYENV", &["~/.pyenv/pyenv-win"], Folders(&["shims", "bin"])),
    place("SCOOP", &["~/scoop"], Folders(&["shims"])),
    place("PNPM_HOME", &["~/AppData/Local/pnpm"], Folders(&["", "bin"])),
    place("BUN_INSTALL", &["~/.bun"], Folders(&["bin"])),
    place("DENO_INSTALL", &["~/.deno"], Folders(&["bin"])),
    place("", &["~"], Found(npm_prefix)),
    place("", &["~/AppData/Roaming/npm"], Folders(&[""])),
    place("CARGO_HOME", &["~/.cargo"], Folders(&["bin"])),
    place("GOPATH", &["~/go"], Folders(&["bin"])),
    place("", &["~/AppData/Local/Programs/Python"], Found(pythons)),
    place("", &["~/AppData/Roaming/Python"], Found(pythons)), // pip install --user
    place("", &["~/AppData/Local/Programs/Python"], Folders(&["Launcher"])),
    place("", &["~/AppData/Local/Microsoft"], Folders(&["WindowsApps", "WinGet/Links"])),
    place("ProgramFiles", &["C:/Program Files"], Folders(&["nodejs", "Git/cmd"])),
    place("ChocolateyInstall", &["C:/ProgramData/chocolatey"], Folders(&["bin"])),
];

/// The program folders of fnm, in which Node stands without a `bin`.
fn fnm(root: &Path, home: &Path) -> Vec<PathBuf> {
    node::fnm(root, home).into_iter().filter_map(|bin| Some(bin.parent()?.to_owned())).collect()
}

/// The folders of each Python that python.org's installer made for this user (`Python312`), the newest first.
fn pythons(root: &Path, _: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.strip_prefix("Python3")?.parse().ok();
            Some((name?, entry.path()))
        })
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().flat_map(|(_, folder)| [folder.clone(), folder.join("Scripts")]).collect()
}
