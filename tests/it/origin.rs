//! Taking the program away, and another version in its place, as far as it shows without an installer. (With one: the
//! lab's `installer`.)

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::process::{Output, Stdio};

use crate::world::{World, wait_for};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ductor");

/// Whatever manager the machine of the tests has, it is not asked.
fn without_manager(world: &World, words: &[&str]) -> (Output, String) {
    let mut command = world.ductor(words);
    let output = command.env("PATH", world.path("")).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

#[test]
fn a_program_that_was_put_there_by_hand_is_left_to_that_hand() {
    let world = World::new("");
    std::fs::create_dir_all(world.path(".local/share/ductor/bot/1")).unwrap();
    for _ in 0..2 {
        let (output, said) = without_manager(&world, &["uninstall"]);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(output.stdout, b"nothing that ductor installed is left\n");
        assert!(said.ends_with(&format!("by hand; to remove it: rm '{PROGRAM}'\n")), "{said}");
        assert!(!world.path(".local/share/ductor").exists());
    }
    let (output, said) = without_manager(&world, &["upgrade"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.starts_with(&format!("error: ductor upgrade: {PROGRAM} was put there by hand\n  fix: ")),
        "{said}"
    );
}

#[test]
fn the_bots_own_files_go_only_when_that_is_confirmed() {
    let world = World::new("");
    std::fs::create_dir_all(world.home("config")).unwrap();
    let (output, said) = without_manager(&world, &["uninstall", "--purge"]);
    assert_eq!((output.status.code(), world.home("config").exists()), (Some(1), true));
    assert!(
        said.contains("fix: ductor uninstall (keeps it), or: ductor uninstall --purge --yes\n"),
        "{said}"
    );
    let (output, _) = without_manager(&world, &["uninstall", "--purge", "--yes", "--dry-run"]);
    let removal = format!("remove {} and all in it\n", world.path(".ductor").display());
    assert_eq!((String::from_utf8_lossy(&output.stdout), output.status.code()), (removal.into(), Some(0)));
    assert!(world.home("config").exists());
    let (output, _) = without_manager(&world, &["uninstall", "--purge", "--yes"]);
    assert_eq!((output.status.code(), world.home("").exists()), (Some(0), false));
}

#[test]
fn an_agent_can_not_take_away_what_it_runs_under() {
    let world = World::new(
        "trap 'exit 0' TERM
        { $DUCTOR uninstall --purge --yes; echo $?; } >answer 2>&1
        echo $$ >>bots
        while :; do sleep 100 & wait $!; done",
    );
    let mut command = world.ductor(&[]);
    let _host = world.start(command.env("DUCTOR", PROGRAM));
    wait_for("an answer", || !world.bots().is_empty());
    let answer = world.read("answer");
    assert!(answer.contains("inside the bot") && answer.ends_with("\n1\n"), "{answer}");
    assert!(world.home("host.lock").exists());
}
