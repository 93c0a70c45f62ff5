//! The same commit gives the same bytes: in another folder, another cargo home, time zone, language, umask.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

crate::tests![two_clean_clones_give_the_same_bundles];

fn two_clean_clones_give_the_same_bundles() -> Result<()> {
    let world = tempfile::tempdir()?;
    let plain = clone(&world.path().join("a"))?;
    let first = dist(&plain, &cargo_home()?, "umask 022", [("TZ", "UTC"), ("LC_ALL", "C.UTF-8")])?;

    let other = clone(&world.path().join("some where/else"))?;
    let home = another_cargo_home(&world.path().join("cargo-home"))?;
    let second = dist(&other, &home, "umask 077", [("TZ", "Asia/Kathmandu"), ("LC_ALL", "tr_TR.UTF-8")])?;

    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, bytes) in &first {
        assert!(*bytes == second[name], "{name} differs");
    }
    Ok(())
}

/// A clone of the commit that this test belongs to.
fn clone(folder: &Path) -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new("git").args(["clone", "--quiet"]).arg(source).arg(folder).status()?;
    ensure!(status.success(), "git clone: {status}");
    Ok(folder.to_owned())
}

fn cargo_home() -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).context("no cargo home")
}

/// The same crates and settings under another path.
fn another_cargo_home(folder: &Path) -> Result<PathBuf> {
    fs::create_dir(folder)?;
    for entry in cargo_home()?.read_dir()? {
        let entry = entry?;
        symlink(entry.path(), folder.join(entry.file_name()))?;
    }
    Ok(folder.to_owned())
}

/// Every file that `cargo xtask dist` makes of a clone, its program compiled from nothing.
fn dist(
    clone: &Path,
    cargo_home: &Path,
    umask: &str,
    place: [(&str, &str); 2],
) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut dist = Command::new("sh");
    dist.args(["-c", &format!("{umask}; exec \"$0\" dist"), env!("CARGO_BIN_EXE_xtask")]);
    dist.current_dir(clone).env("CARGO_MANIFEST_DIR", clone.join("packaging")).env("CARGO_HOME", cargo_home);
    dist.envs(place).env("CARGO_TARGET_DIR", clone.join("target")).env_remove("SOURCE_DATE_EPOCH");
    let output = dist.output()?;
    ensure!(output.status.success(), "dist: {}", String::from_utf8_lossy(&output.stderr));

    let mut files = BTreeMap::new();
    for file in clone.join("target/distrib").read_dir()? {
        let path = file?.path();
        files.insert(path.file_name().unwrap_or_default().to_string_lossy().into_owned(), fs::read(&path)?);
    }
    ensure!(files.len() >= 3, "an archive, a package and their hashes: {:?}", files.keys());
    Ok(files)
}
