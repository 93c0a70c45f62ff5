//! `cargo xtask dist` as it is typed: what is made, what is not, and how it says so.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A target folder in which the program of this machine is compiled already: another small program.
fn compiled() -> TempDir {
    let target = tempfile::tempdir().unwrap();
    for triple in ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"] {
        let folder = target.path().join(triple).join("release");
        fs::create_dir_all(&folder).unwrap();
        fs::copy("/bin/true", folder.join("ductor")).unwrap();
    }
    target
}

fn dist(target: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("dist")
        .args(args)
        .env("CARGO_TARGET_DIR", target)
        .env("SOURCE_DATE_EPOCH", "1234567890")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_list_tells_for_each_bundle_what_is_missing_and_how_to_get_it() {
    let target = tempfile::tempdir().unwrap();
    let output = dist(target.path(), &["--list", "--json"]);
    let list: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list.len(), xtask::bundle::BUNDLES.len() + xtask::dist::COMPANIONS.len());
    for offer in &list {
        let missing = &offer["missing"];
        let get = missing["get"].as_str().unwrap_or("packaging/cross-setup.sh");
        let gets = ["rustup target add ", "cargo install cargo-dist --locked --version "];
        assert!(
            get == "packaging/cross-setup.sh" || gets.iter().any(|known| get.starts_with(known)),
            "{get}"
        );
    }
    let own = list.iter().find(|offer| offer["name"] == "linux/x86_64/deb").unwrap();
    assert_eq!(own["file"], concat!("ductor_", env!("CARGO_PKG_VERSION"), "-1_amd64.deb"));
    let lines = text(&dist(target.path(), &["--list", "linux/x86_64/deb"]).stdout);
    assert!(lines.starts_with("linux/x86_64/deb  ductor_") && lines.ends_with("  yes\n"), "{lines}");
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 0, "a list makes nothing");
}

#[test]
fn what_can_be_made_is_made_and_the_exit_code_tells_of_the_rest() {
    let target = compiled();
    let out = target.path().join("elsewhere");
    let output = dist(target.path(), &["--all", "--no-build", "--out", out.to_str().unwrap()]);
    let (table, talk) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("error: linux/aarch64/deb: ") && talk.contains("leave out --no-build"), "{talk}");
    assert!(
        talk.contains("error: any/installers: linux/aarch64/tar.xz, which it is made from, was not made\n")
    );
    let all = xtask::bundle::BUNDLES.len() + xtask::dist::COMPANIONS.len();
    assert!(talk.ends_with(&format!("error: {} of {all} bundles not made\n", all - 4)), "{talk}");
    assert_eq!(table.lines().count(), 4 + 3, "{table}");

    let mut names: Vec<String> =
        fs::read_dir(&out).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names.len(), 4 + 3, "no half-written file: {names:?}");
    let sums = fs::read_to_string(out.join("sha256.sum")).unwrap();
    let summed: Vec<&str> = sums.lines().map(|line| line.split_once(" *").unwrap().1).collect();
    names.retain(|name| name != "sha256.sum");
    assert_eq!(summed, names);
    assert!(names.contains(&"dist-manifest.json".to_owned()), "{names:?}");
    assert!(
        names.contains(&concat!("ductor-", env!("CARGO_PKG_VERSION"), ".cdx.json").to_owned()),
        "{names:?}"
    );
    for line in sums.lines() {
        let (hash, name) = line.split_once(" *").unwrap();
        assert_eq!(hash, xtask::checksums::sha256(&fs::read(out.join(name)).unwrap()));
    }
}

#[test]
fn two_runs_over_the_same_program_give_the_same_bytes() {
    let bytes = |zone: &str| {
        let target = compiled();
        let status = Command::new("sh")
            .args(["-c", "umask 077; exec \"$0\" dist --no-build", env!("CARGO_BIN_EXE_xtask")])
            .envs([("SOURCE_DATE_EPOCH", "1234567890"), ("TZ", zone), ("LC_ALL", "tr_TR.UTF-8")])
            .env("CARGO_TARGET_DIR", target.path())
            .output()
            .unwrap();
        assert!(status.status.success(), "{}", text(&status.stderr));
        fs::read(target.path().join("distrib/sha256.sum")).unwrap()
    };
    assert_eq!(bytes("Pacific/Kiritimati"), bytes("America/Adak"));
}

#[test]
fn a_name_that_is_none_is_an_error_that_says_where_the_names_are() {
    let target = tempfile::tempdir().unwrap();
    let output = dist(target.path(), &["linux/*/dep"]);
    assert_eq!(output.status.code(), Some(1));
    let talk = text(&output.stderr);
    assert_eq!(talk, "error: linux/*/dep names no bundle; `cargo xtask dist --list` prints them all\n");
}
