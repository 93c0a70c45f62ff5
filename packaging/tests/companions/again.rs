//! A release is the same wherever and however it is made from the same programs.

use std::fs;
use std::process::Command;

use crate::{EPOCH, programs, read, release};

#[test]
fn another_checkout_elsewhere_gives_the_same_release() {
    let Some(folder) = release() else { return };
    let world = tempfile::tempdir().unwrap();
    let checkout = world.path().join("some where/ê");
    programs::copy_checkout(&checkout);
    let target = world.path().join("target of another");
    programs::compiled(&target);
    let mut dist = Command::new("sh");
    dist.args(["-c", "umask 077; exec \"$0\" dist --all --no-build", env!("CARGO_BIN_EXE_xtask")]);
    dist.current_dir(&checkout).env("CARGO_MANIFEST_DIR", checkout.join("packaging"));
    dist.env("CARGO_TARGET_DIR", &target).env("SOURCE_DATE_EPOCH", EPOCH);
    dist.envs([("TZ", "Pacific/Kiritimati"), ("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8")]);
    let output = dist.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let again = target.join("distrib");
    for line in read(folder, "sha256.sum").lines() {
        let (_, name) = line.split_once(" *").unwrap();
        assert!(
            fs::read(folder.join(name)).unwrap() == fs::read(again.join(name)).unwrap(),
            "{name} differs"
        );
    }
    assert_eq!(read(folder, "sha256.sum"), read(&again, "sha256.sum"));
}
