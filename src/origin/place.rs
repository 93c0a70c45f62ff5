//! *Placing* the files of an unpacked archive where this user's shell, man and service manager find them, and taking
//! them away again. Everything or nothing, as one [`Transaction`]; the [`Receipt`] says what.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::check::sha256;
use super::receipt::{Placed, Receipt};
use crate::bot::shebang::{self, Program};
use crate::effects::{Effects, Transaction, file};
use crate::error::{Context, Error, Result};
use crate::home::Home;
use crate::shell::Shell;
use crate::words;

/// What is placed, and what the receipt shall say of it.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    /// The folder that has the program in it.
    pub unpacked: &'a Path,
    /// Its version.
    pub version: &'a str,
    /// The URL at which later versions are looked for.
    pub source: &'a str,
    /// The key that they have to be signed with.
    pub public_key: Option<&'a str>,
}

/// A file of an archive, and its place.
struct File {
    from: PathBuf,
    to: PathBuf,
    mode: u32,
}

/// The prefix that nobody has to name: `~/.local`, `%LOCALAPPDATA%\Programs\ductor`.
pub fn default_prefix(home: &Home) -> PathBuf {
    if cfg!(windows) {
        home.data().with_file_name("Programs").join("ductor")
    } else {
        home.user().join(".local")
    }
}

/// Places the files of an archive below `prefix`. What an earlier receipt lists and the new one does not is removed.
/// The receipt that comes back is to be [noted](note) when everything is as it shall be. Until then the one that is
/// there has the earlier version, and the files of both: where this is cut off, each is known as ours.
///
/// # Errors
/// The archive has no program; another program has its place; a file can't be written. Undone, unless the
/// transaction is committed all the same.
pub fn place(
    home: &Home,
    archive: &Archive<'_>,
    prefix: &Path,
    transaction: &mut Transaction<'_>,
) -> Result<Receipt> {
    let before = Receipt::read(home);
    let files = files(archive.unpacked, prefix)?;
    let program = files.first().map(|file| file.to.clone()).unwrap_or_default();
    if !before.as_ref().is_some_and(|before| before.lists(&program)) {
        refuse_other(&program, archive.source)?;
    }
    let mut receipt = Receipt {
        version: archive.version.into(),
        source: archive.source.into(),
        public_key: archive.public_key.map(Into::into),
        prefix: prefix.into(),
        program,
        files: Vec::new(),
        folders: before.iter().flat_map(|before| before.folders.clone()).collect(),
    };
    let contents = files.iter().map(|file| read(archive.unpacked, &file.from)).collect::<Result<Vec<_>>>()?;
    for (file, bytes) in files.iter().zip(&contents) {
        receipt.files.push(Placed { path: file.to.clone(), sha256: sha256(bytes) });
        receipt.add_folders_of(&file.to);
    }
    receipt.add_folders_of(&Receipt::path(home));
    // Of use only where this is cut off: a rehearsal tells the receipt once.
    if transaction.effects().is_real() {
        write(home, &half_way(before.clone(), &receipt), transaction)?;
    }
    for (file, bytes) in files.iter().zip(&contents) {
        create_folder_of(&file.to, transaction)?;
        transaction.write(&file.to, bytes, file.mode)?;
    }
    for old in before.iter().flat_map(|before| &before.files) {
        if !receipt.lists(&old.path) && old.is_unchanged() {
            transaction.remove(&old.path)?;
        }
    }
    Ok(receipt)
}

/// Writes the receipt. As long as it is the earlier one, the earlier version is being replaced.
///
/// # Errors
/// It can't be written.
pub fn note(home: &Home, receipt: Receipt, transaction: &mut Transaction<'_>) -> Result<Receipt> {
    write(home, &receipt, transaction)?;
    Ok(receipt)
}

fn write(home: &Home, receipt: &Receipt, transaction: &mut Transaction<'_>) -> Result<()> {
    let path = Receipt::path(home);
    create_folder_of(&path, transaction)?;
    transaction.write(&path, receipt.to_json().as_bytes(), 0o600).map(drop)
}

/// The receipt while files of `after` take the place of those of `before`.
fn half_way(before: Option<Receipt>, after: &Receipt) -> Receipt {
    let none = || Receipt { version: String::new(), files: Vec::new(), ..after.clone() };
    let mut half = before.unwrap_or_else(none);
    half.files
        .extend(after.files.iter().filter(|file| !half.files.contains(file)).cloned().collect::<Vec<_>>());
    half.folders.clone_from(&after.folders);
    half
}

/// Removes what the receipt lists, and the receipt. A file that somebody changed stays, unless it is the program.
/// Says which stayed, a line each.
///
/// # Errors
/// A file can't be removed; the receipt is still there then.
pub fn remove(home: &Home, receipt: &Receipt, effects: &Effects<'_>) -> Result<Vec<String>> {
    let mut kept = Vec::new();
    // The program last, for it is what can do this again.
    let mut others: Vec<&Path> = receipt.files.iter().map(|file| file.path.as_path()).collect();
    others.retain(|path| *path != receipt.program);
    others.sort_unstable();
    others.dedup();
    for path in others {
        if receipt.files.iter().any(|file| file.path == path && file.is_unchanged()) {
            effects.remove(path)?;
        } else if path.exists() {
            kept.push(format!("kept {}, which somebody changed", path.display()));
        }
    }
    effects.remove(&receipt.program)?;
    effects.remove(&Receipt::path(home))?;
    effects.remove_if_empty(&receipt.folders);
    Ok(kept)
}

/// A file of an archive. A link in it, or on the way to it, could lead to any file of the user's.
fn read(unpacked: &Path, file: &Path) -> Result<Vec<u8>> {
    let real = |path: &Path| path.canonicalize().about(path.display());
    let inside = file.strip_prefix(unpacked).unwrap_or(file);
    if real(file)? != real(unpacked)?.join(inside) {
        return Err(Error::new(file.display(), "a link, and no archive of ductor has one"));
    }
    file::read_bounded(file, file::LARGEST).about(file.display())
}

/// The files of an archive that have a place, the program first.
fn files(unpacked: &Path, prefix: &Path) -> Result<Vec<File>> {
    let program = format!("ductor{}", env::consts::EXE_SUFFIX);
    if !unpacked.join(&program).is_file() {
        return Err(Error::new(unpacked.display(), format!("not an archive of ductor: no {program} in it")));
    }
    let mut files = vec![(program.clone(), format!("bin/{program}"), 0o755)];
    if cfg!(windows) {
        let windowless = "ductorw.exe".to_owned();
        if unpacked.join(&windowless).is_file() {
            files.push((windowless.clone(), format!("bin/{windowless}"), 0o755));
        }
    } else {
        files.extend(
            names(&unpacked.join("man"))
                .into_iter()
                .map(|page| (format!("man/{page}"), format!("share/man/man1/{page}"), 0o644)),
        );
        let completions = names(&unpacked.join("completions")).into_iter();
        files.extend(
            completions.filter_map(|name| {
                Some((format!("completions/{name}"), completion(&name)?.to_owned(), 0o644))
            }),
        );
    }
    let file = |(from, to, mode): (String, String, u32)| File {
        from: unpacked.join(from),
        to: prefix.join(to).components().collect(), // with the separators of this system alone
        mode,
    };
    Ok(files.into_iter().map(file).collect())
}

/// Where each shell looks for the completions of a user, by the name of the script in the archive.
fn completion(name: &str) -> Option<&'static str> {
    match name {
        "ductor.bash" => Some("share/bash-completion/completions/ductor"),
        "_ductor" => Some("share/zsh/site-functions/_ductor"),
        "ductor.fish" => Some("share/fish/vendor_completions.d/ductor.fish"),
        _ => None,
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn create_folder_of(file: &Path, transaction: &mut Transaction<'_>) -> Result<()> {
    file.parent().map_or(Ok(()), |folder| transaction.create_folder(folder))
}

/// The bot's own command is called `ductor` too. Whoever made that script or link wants to keep it. An installer that
/// was piped has no options to repeat it with: the fix is its whole line.
fn refuse_other(program: &Path, source: &str) -> Result<()> {
    let found = shebang::of(program, OsStr::new(""));
    if program.is_symlink() || matches!(found, Ok(kind) if kind != Program::Native) {
        return Err(Error::new(
            program.display(),
            "another program of this name is there, such as the bot's own",
        )
        .fix(elsewhere(source)));
    }
    Ok(())
}

/// The installer's line with a folder of its own.
fn elsewhere(source: &str) -> String {
    if cfg!(windows) {
        let script = concat!("irm ", env!("CARGO_PKG_REPOSITORY"), "/releases/latest/download/install.ps1");
        return format!("& ([scriptblock]::Create(({script}))) -Prefix $HOME\\.ductor-native");
    }
    let latest = concat!(env!("CARGO_PKG_REPOSITORY"), "/releases/latest/download");
    let source = source.trim_end_matches('/');
    let from = if source == latest { String::new() } else { format!("--from {} ", words::quote(source)) };
    let script = words::quote(format!("{source}/install.sh"));
    format!("{} -s -- {from}--prefix ~/.ductor-native", Shell::Unix.run_script(&script, "sh"))
}

/// The installer's line.
pub fn installer() -> String {
    let latest = concat!(env!("CARGO_PKG_REPOSITORY"), "/releases/latest/download/install.");
    let kind = if cfg!(windows) { "ps1" } else { "sh" };
    Shell::here().run_script(&format!("{latest}{kind}"), "sh")
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]
mod tests {
    use super::*;

    struct World(tempfile::TempDir);

    impl World {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }

        /// An archive with these man pages.
        fn archive(&self, version: &str, pages: &[&str]) -> PathBuf {
            let folder = format!("archives/{version}");
            self.write(&format!("{folder}/ductor"), format!("\0{version}").as_bytes());
            self.write(&format!("{folder}/completions/_ductor"), b"#compdef");
            self.write(&format!("{folder}/README.md"), b"");
            for page in pages {
                self.write(&format!("{folder}/man/{page}"), version.as_bytes());
            }
            self.0.path().join(folder)
        }

        fn home(&self) -> Home {
            Home::of(self.0.path().join("home"), None).unwrap()
        }

        fn place(&self, version: &str, pages: &[&str], commit: bool) -> Result<Receipt> {
            let unpacked = self.archive(version, pages);
            let effects = Effects::real(&|_| {});
            let mut transaction = Transaction::new(&effects);
            let archive = Archive { unpacked: &unpacked, version, source: "http://x", public_key: None };
            let placed = place(&self.home(), &archive, &default_prefix(&self.home()), &mut transaction)
                .and_then(|receipt| note(&self.home(), receipt, &mut transaction));
            if commit && placed.is_ok() {
                transaction.commit();
            }
            placed
        }

        /// Every file below the home, with its content.
        fn files(&self) -> Vec<String> {
            let find = "cd \"$0\" && find . -type f ! -name install.json | sort | while read -r f; do \
                        echo \"$f $(tr -d '\\0' <\"$f\")\"; done";
            let output =
                std::process::Command::new("sh").args(["-c", find]).arg(self.home().user()).output().unwrap();
            String::from_utf8(output.stdout).unwrap().lines().map(Into::into).collect()
        }
    }

    #[test]
    fn what_is_placed_is_listed_and_removed_with_the_folders_made_for_it() {
        let world = World::new();
        fs::create_dir_all(world.home().user().join(".local/bin")).unwrap();
        let receipt = world.place("1", &["ductor.1", "ductor-run.1"], true).unwrap();
        assert_eq!(
            world.files(),
            [
                "./.local/bin/ductor 1",
                "./.local/share/man/man1/ductor-run.1 1",
                "./.local/share/man/man1/ductor.1 1",
                "./.local/share/zsh/site-functions/_ductor #compdef",
            ]
        );
        assert_eq!(Receipt::read(&world.home()), Some(receipt.clone()));
        assert_eq!(remove(&world.home(), &receipt, &Effects::real(&|_| {})).unwrap(), [""; 0]);
        assert!(world.home().user().join(".local/bin").is_dir(), "it was there before");
        assert!(!world.home().user().join(".local/share").exists());
    }

    #[test]
    fn a_later_version_takes_the_place_and_what_it_lacks_goes() {
        let world = World::new();
        world.place("1", &["ductor.1", "ductor-gone.1"], true).unwrap();
        let before = world.files();
        world.place("2", &["ductor.1"], false).unwrap();
        assert_eq!(world.files(), before, "what is not committed is as before");
        assert_eq!(Receipt::read(&world.home()).unwrap().version, "1");
        let receipt = world.place("2", &["ductor.1"], true).unwrap();
        assert_eq!(world.files()[..2], ["./.local/bin/ductor 2", "./.local/share/man/man1/ductor.1 2"]);
        remove(&world.home(), &receipt, &Effects::real(&|_| {})).unwrap();
        assert!(!world.home().user().exists(), "all folders were made for it");
    }

    #[test]
    fn what_somebody_changed_stays() {
        let world = World::new();
        let receipt = world.place("1", &["ductor.1"], true).unwrap();
        world.write("home/.local/share/man/man1/ductor.1", b"mine");
        world.write("home/.local/bin/ductor", b"patched");
        let kept = remove(&world.home(), &receipt, &Effects::real(&|_| {})).unwrap();
        assert!(kept.len() == 1 && kept[0].contains("ductor.1"), "{kept:?}");
        assert_eq!(world.files(), ["./.local/share/man/man1/ductor.1 mine"]);
    }

    #[test]
    fn a_link_in_an_archive_is_not_followed() {
        let world = World::new();
        world.write("home/.ssh/id", b"secret");
        let unpacked = world.archive("1", &["ductor.1"]);
        let link = |name: &str, target: &str| {
            let path = unpacked.join(name);
            let _what_was_there = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            std::os::unix::fs::symlink(world.0.path().join(target), &path).unwrap();
        };
        let effects = Effects::real(&|_| {});
        let archive = Archive { unpacked: &unpacked, version: "1", source: "http://x", public_key: None };
        for (name, target) in
            [("man/ductor.1", "home/.ssh/id"), ("man", "home/.ssh"), ("ductor", "home/.ssh/id")]
        {
            link(name, target);
            let mut transaction = Transaction::new(&effects);
            let refused = place(&world.home(), &archive, &default_prefix(&world.home()), &mut transaction);
            assert!(refused.unwrap_err().cause.contains("a link"), "{name}");
            drop(transaction);
            assert_eq!(world.files(), ["./.ssh/id secret"], "{name}");
        }
    }

    #[test]
    fn the_bots_own_command_is_not_replaced() {
        let world = World::new();
        world.write("home/.local/bin/ductor", b"#!/opt/python\n");
        let error = world.place("1", &[], true).unwrap_err();
        assert!(error.cause.contains("another program of this name"), "{error}");
        let line = "curl -fsSL http://x/install.sh | sh -s -- --from http://x --prefix ~/.ductor-native";
        assert_eq!(error.fix.as_deref(), Some(line));
        assert_eq!(world.files(), ["./.local/bin/ductor #!/opt/python"]);
        world.write("home/.local/bin/ductor", b"\x7fELF\0");
        world.place("1", &[], true).unwrap();
    }
}
