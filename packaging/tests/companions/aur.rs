//! The files for the Arch User Repository, by the real makepkg.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output};

use flate2::read::GzDecoder;
use xtask::lab::needs::{is_root, on_path};
use xtask::release::version;

use crate::{EPOCH, is_there, read, release, run};

/// Someone who is not root, as makepkg wants it.
const NOBODY: u32 = 65534;

fn makepkg(folder: &Path, args: &[&str]) -> Output {
    let mut makepkg = if is_root() {
        let mut drop = Command::new("setpriv");
        drop.args(["--reuid=65534", "--regid=65534", "--clear-groups", "makepkg"]);
        drop
    } else {
        Command::new("makepkg")
    };
    makepkg.args(args).current_dir(folder).env("HOME", folder).env("SOURCE_DATE_EPOCH", EPOCH);
    makepkg.output().unwrap()
}

/// Mode and content of what a package installs; man pages as they are read.
fn installed(package: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let archive =
        run("bsdtar", &["--format=gnutar", "-cf", "-", &format!("@{}", package.display())], Path::new("/"));
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(archive.unwrap().stdout.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        if !entry.header().entry_type().is_file() || path.starts_with('.') {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if path.ends_with(".gz") {
            let packed = std::mem::take(&mut bytes);
            GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
        }
        files.insert(path, (entry.header().mode().unwrap(), bytes));
    }
    files
}

#[test]
fn makepkg_makes_the_package_that_ours_is() {
    let Some(release) = release() else { return };
    if !["makepkg", "pacman", "bsdtar", "fakeroot"].iter().all(|program| is_there(program, on_path(program)))
    {
        return;
    }
    let world = tempfile::tempdir().unwrap();
    let folder = world.path();
    let version = version().unwrap();
    for file in fs::read_dir(release.join("aur")).unwrap().map(|file| file.unwrap().path()) {
        fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    // It was fetched before.
    let (archive, source) =
        ("ductor-x86_64-unknown-linux-musl.tar.xz", format!("ductor-{version}-x86_64.tar.xz"));
    fs::copy(release.join(archive), folder.join(&source)).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }

    let info = makepkg(folder, &["--printsrcinfo"]);
    assert_eq!(String::from_utf8_lossy(&info.stdout), read(folder, ".SRCINFO"));

    let made = makepkg(folder, &["--nodeps"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let package = folder.join(format!("ductor-bin-{version}-1-x86_64.pkg.tar.gz"));
    let ours = release.join(format!("ductor-{version}-1-x86_64.pkg.tar.zst"));
    let (theirs, ours) = (installed(&package), installed(&ours));
    assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
    theirs.iter().for_each(|(path, file)| assert!(*file == ours[path], "{path} differs"));

    // A source that was changed is refused.
    fs::write(folder.join(&source), b"another").unwrap();
    let refused = makepkg(folder, &["--nodeps", "--force"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("did not pass the validity check"));
}
