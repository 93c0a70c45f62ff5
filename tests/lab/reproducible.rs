//! The same commit gives the same bytes: what `dist` made in this checkout it makes again in a clean clone, in
//! another folder, with another cargo home, time zone, language and umask, from nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xtask::checksums::{self, sha256};
use xtask::test::in_lab::{BUNDLES, PACKAGE};

crate::tests![a_clean_clone_elsewhere_gives_the_same_bytes];

fn a_clean_clone_elsewhere_gives_the_same_bytes() -> Result<()> {
    let package = PathBuf::from(std::env::var(PACKAGE)?);
    let made = package.parent().context("the package stands in a folder")?;
    let sums = fs::read_to_string(made.join(checksums::FILE))?;

    let world = tempfile::tempdir()?;
    let clone = clone(&world.path().join("some where/else"))?;
    let home = another_cargo_home(&world.path().join("cargo-home"))?;
    // Without a blank: mingw's dlltool, which rustc runs, splits a path there.
    let again = dist(&clone, &home, &world.path().join("target"))?;
    for line in sums.lines() {
        let (hash, name) = line.split_once(" *").context("a line of sha256.sum")?;
        assert_eq!(sha256(&fs::read(again.join(name))?), hash, "{name} differs");
    }
    ensure!(!sums.is_empty(), "nothing was compared");
    Ok(())
}

/// A clone of this checkout's commit, with what is not committed yet.
fn clone(folder: &Path) -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let git = |args: &[&str]| -> Result<Vec<u8>> {
        let output = Command::new("git").arg("-C").arg(&source).args(args).output()?;
        ensure!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(output.stdout)
    };
    git(&["clone", "--quiet", ".", &folder.display().to_string()])?;
    let changed = git(&["ls-files", "-z", "--modified", "--others", "--exclude-standard"])?;
    for file in String::from_utf8_lossy(&changed).split_terminator('\0') {
        let to = folder.join(file);
        fs::create_dir_all(to.parent().unwrap_or(folder))?;
        if fs::copy(source.join(file), &to).is_err() {
            fs::remove_file(&to)?; // it was removed
        }
    }
    Ok(folder.to_owned())
}

/// The caller's cargo home under another path: the same crates and settings.
fn another_cargo_home(folder: &Path) -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    fs::create_dir(folder)?;
    for entry in home.context("no cargo home")?.read_dir()? {
        let entry = entry?;
        symlink(entry.path(), folder.join(entry.file_name()))?;
    }
    Ok(folder.to_owned())
}

/// Runs `cargo xtask dist` for a clone, its program compiled from nothing, and gives the folder of the bundles.
fn dist(clone: &Path, cargo_home: &Path, target: &Path) -> Result<PathBuf> {
    let mut dist = Command::new("nice"); // the tests beside it have deadlines
    dist.arg("sh");
    dist.args(["-c", "umask 077; exec \"$0\" dist \"$1\"", env!("CARGO_BIN_EXE_xtask"), BUNDLES]);
    dist.current_dir(clone).env("CARGO_MANIFEST_DIR", clone.join("packaging")).env("CARGO_HOME", cargo_home);
    dist.env("CARGO_TARGET_DIR", target);
    dist.envs([("TZ", "Asia/Kathmandu"), ("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8")]);
    let output = dist.output()?;
    ensure!(output.status.success(), "dist: {}", String::from_utf8_lossy(&output.stderr));
    Ok(target.join("distrib"))
}
