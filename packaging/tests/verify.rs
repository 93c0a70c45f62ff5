//! `cargo xtask verify`: what is whole passes, what anything was changed in does not.
//!
//! Where a reader is not installed the tests are left out; with `CI=true` it has to be there.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic and tell")]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use xtask::bundle::deb;
use xtask::checksums::{self, sha256};
use xtask::lab::needs::on_path;
use xtask::payload::{Payload, Role};
use xtask::release::Release;
use xtask::target::TARGETS;
use xtask::workspace::Workspace;

const EPOCH: &str = "1234567890";

/// A release of this machine's platform around another small program. None where a reader is missing.
fn release() -> Option<(TempDir, PathBuf)> {
    let missing: Vec<_> = ["bsdtar", "rpm", "dpkg-deb"].into_iter().filter(|name| !on_path(name)).collect();
    if !missing.is_empty() {
        fakes::left_out(format_args!("{missing:?} is not installed"));
        return None;
    }
    let target = tempfile::tempdir().unwrap();
    for triple in ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"] {
        let folder = target.path().join(triple).join("release");
        fs::create_dir_all(&folder).unwrap();
        fs::copy("/bin/true", folder.join("ductor")).unwrap();
    }
    let dist = xtask(target.path(), &["dist", "--no-build"]);
    assert!(dist.status.success(), "{}", talk(&dist));
    let folder = target.path().join("distrib");
    Some((target, folder))
}

fn xtask(target: &Path, args: &[&str]) -> Output {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    xtask.args(args).env("CARGO_TARGET_DIR", target).env("SOURCE_DATE_EPOCH", EPOCH).output().unwrap()
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn name(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

#[test]
fn what_dist_made_is_whole() {
    let Some((target, folder)) = release() else { return };
    let verified = xtask(target.path(), &["verify", folder.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", talk(&verified));
    assert_eq!(String::from_utf8_lossy(&verified.stdout).lines().count(), 4);
}

#[test]
fn no_changed_byte_passes() {
    let Some((target, folder)) = release() else { return };
    for file in files(&folder) {
        let whole = fs::read(&file).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&file, bytes).unwrap();
            let verified = xtask(target.path(), &["verify"]);
            assert_eq!(verified.status.code(), Some(1), "byte {at} of {}", file.display());
        }
        fs::write(&file, whole).unwrap();
    }
    assert!(xtask(target.path(), &["verify"]).status.success());
    fs::write(folder.join("more"), "").unwrap();
    assert_eq!(talk(&xtask(target.path(), &["verify"])), "error: more is not in sha256.sum\n");
}

/// A hash says that a file is the one that was made, not that the right one was made.
#[test]
fn a_wrong_content_does_not_pass_with_the_right_hash() {
    let Some((target, folder)) = release() else { return };
    let workspace = Workspace::find().unwrap();
    let release = Release { epoch: EPOCH.parse().unwrap(), ..Release::of(&workspace).unwrap() };
    let of = TARGETS.iter().find(|target| target.triple == "x86_64-unknown-linux-gnu").unwrap();
    let payload = Payload::of(of, vec![fs::read("/bin/true").unwrap()], &workspace).unwrap();
    let deb = folder.join((deb::FORMAT.file)(&release.version, of));

    let mut other = payload.clone();
    other.files.iter_mut().find(|file| file.role == Role::Definition).unwrap().bytes.push(b'\n');
    let pack = |payload: &Payload| fs::write(&deb, (deb::FORMAT.pack)(&release, payload).unwrap()).unwrap();
    pack(&other);
    sum(&folder);
    let said = talk(&xtask(target.path(), &["verify"]));
    let wrong = format!("error: {}: usr/lib/systemd/user/ductor.service has another content\n", name(&deb));
    assert!(said.contains(&wrong), "{said}");

    let mut other = payload;
    other.files.iter_mut().find(|file| file.role == Role::Program).unwrap().bytes =
        fs::read("/bin/false").unwrap();
    pack(&other);
    sum(&folder);
    let said = talk(&xtask(target.path(), &["verify"]));
    assert!(said.contains("error: the bundles of linux/x86_64 carry 2 different programs\n"), "{said}");
    assert!(said.contains("error: dist-manifest.json: another hash of ductor_"), "{said}");
}

/// Writes the hashes of what is there.
fn sum(folder: &Path) {
    let files = files(folder);
    let sums: Vec<(&str, String)> = files
        .iter()
        .filter(|file| name(file) != checksums::FILE)
        .map(|file| (name(file), sha256(&fs::read(file).unwrap())))
        .collect();
    let lines = checksums::lines(sums.iter().map(|(name, hash)| (*name, hash.as_str())));
    fs::write(folder.join(checksums::FILE), lines).unwrap();
}
