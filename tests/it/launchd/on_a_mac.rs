//! The script for people with a Mac, against the fake: it finds nothing wrong where nothing is, and leaves nothing.

use std::process::Stdio;

use super::Mac;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/on-a-mac.sh");

#[test]
fn the_script_for_a_mac_finds_all_well_and_leaves_nothing() {
    let mac = Mac::new();
    let output = mac.script().arg(env!("CARGO_BIN_EXE_ductor")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.ends_with("all is well\n") && said.matches("\nok ").count() > 30, "{said}");
    assert!(!mac.agent().exists() && !mac.is_loaded("gui"));
    assert_eq!(mac.scraps(), 0, "{said}");
}

#[test]
fn the_script_for_a_mac_sees_what_is_wrong_and_still_leaves_nothing() {
    let mac = Mac::new();
    // A ductor whose bots can't be stopped.
    let broken = mac.world.path("broken");
    let line = format!("#!/bin/sh\n[ \"$2\" = stop ] || exec {} \"$@\"\n", env!("CARGO_BIN_EXE_ductor"));
    fakes::put_script(&broken, &line).unwrap();
    let output = mac.script().arg(&broken).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("\nFAIL  launchd does not bring it back\n"), "{said}");
    assert!(!mac.agent().exists() && !mac.is_loaded("gui"));
    assert_eq!(mac.scraps(), 0, "{said}");
}

#[test]
fn the_script_for_a_mac_leaves_a_service_that_is_there_alone() {
    let mac = Mac::installed();
    let output = mac.script().arg(env!("CARGO_BIN_EXE_ductor")).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert_eq!(mac.state(), "running");
}

/// The script itself, for CI to run on its Mac.
#[test]
#[cfg(target_os = "macos")]
#[ignore = "it uses the launchd of this Mac for two minutes: tests/on-a-mac.sh"]
fn all_is_well_on_this_mac() {
    let status = std::process::Command::new(SCRIPT).arg(env!("CARGO_BIN_EXE_ductor")).status().unwrap();
    assert!(status.success(), "{status}");
}

impl Mac {
    fn script(&self) -> std::process::Command {
        let path = format!("{}:/usr/bin:/bin", self.world.path("bin").display());
        std::fs::create_dir_all(self.world.path("tmp")).unwrap();
        let mut command = self.world.command(SCRIPT);
        command.env("DUCTOR_MANAGER", "launchd").env("PATH", path).env("LANG", "C.UTF-8");
        command.env("FAKE_STATE", self.launchd.path("")).env("TMPDIR", self.world.path("tmp"));
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    /// What the script left in the folder for such things.
    fn scraps(&self) -> usize {
        std::fs::read_dir(self.world.path("tmp")).unwrap().count()
    }
}
