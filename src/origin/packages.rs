//! *Package managers*, as far as they can own this program: how each is asked, and what people type there.
//!
//! They are asked by exit code, or known by the folder that is theirs: nothing is read that a locale changes.

use std::path::Path;

use crate::effects::{Command, ask, file};

/// A package manager that knows ductor.
#[derive(Debug)]
pub struct PackageManager {
    /// What people call it.
    pub name: &'static str,
    owns: Owns,
    /// The command that removes ductor.
    pub remove: &'static str,
    /// The command that upgrades it.
    pub upgrade: &'static str,
}

/// How it is known that a program belongs to it.
#[derive(Debug)]
enum Owns {
    /// This command, with the path of the program behind it, ends with 0.
    IfSaid(&'static [&'static str]),
    /// The path is this one, and this command ends with 0.
    At(&'static str, &'static [&'static str]),
    /// The path holds this, in which a slash is any separator.
    If(&'static str),
    /// A file above the program's folder, in JSON, has an installation of `ductor`.
    IfListed(&'static str),
}

use Owns::{At, If, IfListed, IfSaid};

/// Those whose answer costs nothing first.
#[rustfmt::skip] // a table
const ALL: [PackageManager; 10] = [
    PackageManager { name: "cargo", owns: IfListed(".crates2.json"),
        remove: "cargo uninstall ductor", upgrade: "cargo install ductor" },
    PackageManager { name: "Homebrew", owns: If("/Cellar/ductor/"),
        remove: "brew uninstall ductor", upgrade: "brew upgrade ductor" },
    PackageManager { name: "Nix", owns: If("/nix/store/"),
        remove: "nix profile remove ductor", upgrade: "nix profile upgrade ductor" },
    PackageManager { name: "Scoop", owns: If("/scoop/apps/ductor/"),
        remove: "scoop uninstall ductor",
        upgrade: "ductor service stop; scoop update ductor; ductor service start" }, // it refuses while ductor runs
    PackageManager { name: "winget", owns: If("/WinGet/Packages/"),
        remove: "winget uninstall ductor", upgrade: "winget upgrade ductor" },
    PackageManager { name: "Windows Installer", owns: If("/Programs/ductor/ductor.exe"),
        remove: "winget uninstall ductor", upgrade: concat!("start ", env!("CARGO_PKG_REPOSITORY"), "/releases/latest") },
    PackageManager { name: "apt", owns: IfSaid(&["dpkg-query", "--search"]),
        remove: "sudo apt remove ductor", upgrade: "sudo apt install ./ductor_*.deb" },
    PackageManager { name: "pacman", owns: IfSaid(&["pacman", "--query", "--owns"]),
        remove: "sudo pacman -R $(pacman -Qoq /usr/bin/ductor)", // ductor, or ductor-bin of the AUR
        upgrade: "sudo pacman -U ductor-*.pkg.tar.zst" },
    PackageManager { name: "rpm", owns: IfSaid(&["rpm", "--query", "--file"]),
        remove: "sudo rpm -e ductor", upgrade: "sudo rpm -U ductor-*.rpm" },
    PackageManager { name: "macOS Installer", owns: At("/usr/local/bin/ductor", &["pkgutil", "--pkg-info", "dev.ductor"]),
        remove: REMOVE_PKG, upgrade: concat!("open ", env!("CARGO_PKG_REPOSITORY"), "/releases/latest") },
];

/// macOS knows the files of a package, relative to where it was installed, and removes none; the two folders are ours.
const REMOVE_PKG: &str = "pkgutil --only-files --files dev.ductor | sed 's,^,/,' | tr '\\n' '\\0' | \
    sudo xargs -0 rm -f && sudo pkgutil --forget dev.ductor && \
    sudo rmdir /usr/local/share/ductor /usr/local/share/doc/ductor";

/// The package manager that put this program here.
pub fn owner(program: &Path) -> Option<&'static PackageManager> {
    ALL.iter().find(|manager| manager.owns(program))
}

impl PackageManager {
    fn owns(&self, program: &Path) -> bool {
        match self.owns {
            If(part) => program.to_string_lossy().replace('\\', "/").contains(part),
            IfListed(file) => is_listed(program, file),
            At(path, words) => program == Path::new(path) && says_yes(words, None),
            IfSaid(words) => says_yes(words, Some(program)),
        }
    }
}

fn says_yes(words: &[&str], program: Option<&Path>) -> bool {
    let Some((tool, words)) = words.split_first() else { return false };
    let words = words.iter().map(AsRef::as_ref).chain(program.map(Path::as_os_str));
    ask(&Command::new(tool, words)).is_ok_and(|output| output.success())
}

/// What cargo notes in `$CARGO_HOME`: `{"installs": {"ductor 0.1.0 (registry+…)": {…}}}`.
fn is_listed(program: &Path, file: &str) -> bool {
    let noted = program.ancestors().nth(2).map(|folder| folder.join(file));
    let noted = noted.and_then(|noted| file::read_bounded(&noted, file::LARGEST).ok()).unwrap_or_default();
    let noted: serde_json::Value = serde_json::from_slice(&noted).unwrap_or_default();
    noted["installs"].as_object().is_some_and(|all| all.keys().any(|name| name.starts_with("ductor ")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_owner_is_known_by_its_folder() {
        let name = |path: &str| owner(Path::new(path)).map(|manager| manager.name);
        assert_eq!(name("/opt/homebrew/Cellar/ductor/0.1.0/bin/ductor"), Some("Homebrew"));
        assert_eq!(name(r"C:\Users\u\scoop\apps\ductor\0.1.0\ductor.exe"), Some("Scoop"));
        let programs = r"C:\Users\u\AppData\Local\Programs\ductor";
        assert_eq!(name(&format!(r"{programs}\ductor.exe")), Some("Windows Installer"));
        assert_eq!(name(&format!(r"{programs}\bin\ductor.exe")), None); // of install.ps1
        assert_eq!(name("/home/u/bin/ductor"), None);
    }

    #[test]
    #[cfg(unix)]
    fn the_package_of_macos_is_removed_with_all_that_it_placed() {
        let mac = tempfile::tempdir().unwrap();
        let [page, program] = ["man page.1", "ductor"].map(|name| mac.path().join(name));
        fs::write(&page, "").unwrap();
        fs::write(&program, "").unwrap();
        let files = format!("{}\n{}", page.display(), program.display()).replace("\n/", "\n");
        let others = "sudo() { \"$@\"; }; rmdir() { echo rmdir \"$@\"; }";
        let pkgutil =
            "pkgutil() { case $1 in --forget) echo \"forget $2\" ;; *) echo \"${files#/}\" ;; esac; }";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("{others}; {pkgutil}; {REMOVE_PKG}")]).env("files", files);
        let said = shell.output().unwrap();
        let ours = "forget dev.ductor\nrmdir /usr/local/share/ductor /usr/local/share/doc/ductor\n";
        assert_eq!(String::from_utf8(said.stdout).unwrap(), ours);
        assert!(!page.exists() && !program.exists());
    }

    #[test]
    fn cargo_notes_what_it_installed() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("bin/ductor");
        assert!(owner(&program).is_none());
        fs::write(dir.path().join(".crates2.json"), r#"{"installs": {"ductor 0.1.0 (path+file:///x)": {}}}"#)
            .unwrap();
        assert_eq!(owner(&program).unwrap().name, "cargo");
    }
}
