//! What people see: one command, the exact screen, the exit code.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::process::{Output, Stdio};

use super::world::{Said, World};

fn without_manager(words: &[&str]) -> Output {
    let world = World::new("");
    let mut command = world.ductor(words);
    command
        .env("PATH", world.only_ductor())
        .env("LANG", "C.UTF-8")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.output().unwrap()
}

#[track_caller]
fn expect(words: &[&str], code: i32, stdout: &str, stderr: &str) {
    let output = without_manager(words);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!((text(&output.stdout), text(&output.stderr)), (stdout.to_owned(), stderr.to_owned()));
    assert_eq!(output.status.code(), Some(code));
}

#[test]
fn an_unknown_word_never_starts_a_bot_and_names_the_nearest() {
    expect(
        &["statsu"],
        2,
        "",
        "error: the command line: unrecognized subcommand 'statsu'\n  fix: ductor status\n",
    );
}

/// The fix of an unknown word once started the bot's own command line, which reads it otherwise.
#[test]
fn a_fix_starts_this_ductor_also_where_the_bots_own_is_first_on_path() {
    let world = World::new("");
    std::fs::hard_link(world.path("bot"), world.path("ductor")).unwrap();
    let ductor = env!("CARGO_BIN_EXE_ductor");
    for path in [world.path(""), world.path("nothing")] {
        let said = |words: &[&str]| {
            let mut command = world.ductor(words);
            command.env("PATH", &path).env("DUCTOR_MANAGER", "launchd").env_remove("DUCTOR_BOT");
            Said::of(&mut command)
        };
        said(&["statsu"]).with(&format!("\n  fix: {ductor} status\n"));
        said(&["service", "status"]).with(&format!(". Fix: {ductor} run   (in the foreground"));
        said(&["service", "status", "--json"]).with(&format!("\"fix\": \"{ductor} run "));
        said(&["service", "stop"]).with(&format!("\n  fix: {ductor} run   (in the foreground"));
    }
}

#[test]
fn the_version_is_the_native_one() {
    expect(&["--version"], 0, concat!("ductor ", env!("CARGO_PKG_VERSION"), "\n"), "");
}

#[test]
fn a_manager_that_cannot_be_asked_is_code_5_and_everything_unknown_is_null() {
    let output = without_manager(&["service", "status", "--json"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in ["installed", "enabled", "packaged", "survives_logout", "survives_reboot", "pid", "since"] {
        assert!(status[key].is_null(), "{key}: {status:#}");
    }
    assert_eq!((&status["state"], &status["owner"]), (&"unknown".into(), &"none".into()));
    assert_eq!(status["problems"][0]["id"], "manager-unreachable");
    let install = ["service", "install", "--bot", "/bin/true"];
    for words in [&["service", "start"][..], &["service", "stop"], &install] {
        assert_eq!(without_manager(words).status.code(), Some(5), "{words:?}");
    }
}

#[test]
fn logs_work_without_a_service_and_nothing_yet_is_no_failure() {
    let output = without_manager(&["service", "logs", "--no-follow"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{said}");
    assert!(said.ends_with("nothing yet\n"), "{said}");
}

#[test]
fn what_it_renders_is_what_the_library_renders() {
    use ductor::service::{ServiceDefinition, render::unit};
    let unit = unit::render(&ServiceDefinition::packaged("/usr/bin/ductor")).unwrap();
    expect(&["service", "render", "--packaged", "--manager", "systemd"], 0, &unit, "");
}

#[test]
fn what_programs_read_is_the_same_in_every_locale() {
    let world = World::new("");
    let bot = world.path("bötchen");
    std::fs::rename(world.path("bot"), &bot).unwrap();
    let render = ["service", "render", "--manager", "systemd"];
    let mut command = world.ductor(&render);
    let output = command.env("LC_ALL", "C").env("DUCTOR_HOME", &bot).stdout(Stdio::piped()).output().unwrap();
    let unit = String::from_utf8(output.stdout).unwrap();
    assert!(unit.contains(&format!("DUCTOR_HOME={}", bot.display())), "{unit}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_does_not_fit_on_a_disk_is_no_success() {
    let world = World::new("");
    for words in [&["completions", "bash"][..], &["service", "render"], &["service", "status", "--json"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = world.ductor(words).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.starts_with("error: write to stdout: No space left"), "{said}");
    }
}

#[test]
fn under_sudo_nothing_is_touched() {
    if !rustix::process::geteuid().is_root() {
        // SUDO_UID means nothing to a user who is not root.
        return fakes::left_out("it takes root to be called through sudo");
    }
    let world = World::new("");
    for words in [&["service", "install"][..], &["run"], &["stop"], &["onboarding"]] {
        let output = world.ductor(words).env("SUDO_UID", "1000").stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(77), "{words:?}");
        assert!(!world.home("").exists());
    }
}

#[test]
fn root_touches_no_home_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return fakes::left_out("it takes root to make somebody else's home");
    }
    let world = World::new("");
    std::os::unix::fs::chown(world.path(""), Some(1000), Some(1000)).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for (name, home) in [("HOME", world.path("")), ("DUCTOR_HOME", world.path("new/home"))] {
        for words in [&["service", "install"][..], &["run"], &["agents"], &["uninstall", "--purge", "--yes"]]
        {
            let mut command = world.ductor(words);
            let output = command
                .env("HOME", elsewhere.path())
                .env(name, &home)
                .stderr(Stdio::piped())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(77), "{name}, {words:?}: {said}");
            assert!(said.contains("it belongs to another user, and this is root"), "{said}");
        }
    }
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 1, "the bot of this world");
}

#[test]
fn a_bot_that_is_nothing_is_named_before_anything_is_touched() {
    let cases =
        [("/no/such/bot", "no such"), ("/", "folder"), ("'/bin/true", "quot"), ("/etc/passwd", "execut")];
    for (bot, cause) in cases {
        let world = World::new("");
        let output =
            world.ductor(&["service", "install", "--bot", bot]).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert_eq!(output.status.code(), Some(78), "{bot}: {said}");
        assert!(said.contains(cause) && said.contains("fix:"), "{bot}: {said}");
        assert!(!world.path(".config").exists());
    }
}
