//! A kernel of one's own in one respect, by unshare(1): a table of processes in which a pid comes again, a disk that
//! is soon full. And a clock that jumps, by libfaketime. Who may not have these leaves the tests out; in CI nothing
//! may be left out.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ductor::internals::Signal;

use crate::log_files::missing;
use crate::world::{BOT, World, wait_for};

const DUCTOR: &str = env!("CARGO_BIN_EXE_ductor");
const DUCTORW: &str = env!("CARGO_BIN_EXE_ductorw");

/// Whether such namespaces can be had here.
fn can_unshare(what: &str) -> bool {
    let tried = Command::new("unshare").args(what.split(' ')).arg("true").output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        fakes::left_out(format_args!("unshare {what} is refused"));
    }
    can
}

/// A killed host whose pid belongs to somebody else by now, and a state that names it.
#[test]
fn a_stranger_with_the_pid_of_a_killed_host_is_left_alone() {
    const TABLE: &str = "--pid --fork --kill-child --mount-proc";
    if !can_unshare(TABLE) {
        return;
    }
    let world =
        World::new(&format!("setsid -f sh -c 'trap \"\" TERM; echo >left; sleep 1000; sleep 1000'\n{BOT}"));
    let script = format!(
        "{DUCTOR} & host=$!
        # Both rest, so that nobody else gets the pid.
        until [ \"$(pgrep -cx sleep)\" = 2 ] && grep -q '\"bot\": {{' .ductor/host.json; do :; done
        kill -9 $host; wait $host
        echo $((host - 1)) >/proc/sys/kernel/ns_last_pid
        sleep 1000 & stranger=$!
        [ $stranger = $host ] || exit 9
        pgrep -cfx 'sh -c trap.*' >before
        {DUCTOR} status --json >status
        {DUCTOR} stop >stopped
        pgrep -cfx 'sh -c trap.*' >after
        {DUCTOR} & next=$!
        until grep -q \"\\\"pid\\\": $next,\" .ductor/host.json; do sleep 0.02; done
        kill $next; wait $next
        kill $stranger"
    );
    let mut command = world.command("/usr/bin/unshare");
    let run = world.start(command.args(TABLE.split(' ')).args(["sh", "-c", &script]));
    let (status, said) = run.end();
    assert_eq!(status.code(), Some(0), "{said}");
    let status: serde_json::Value = serde_json::from_str(&world.read("status")).unwrap();
    assert!(status["host"]["pid"].is_null(), "{status:#}");
    assert!(world.read("stopped").contains("ended what an earlier host left"), "{}", world.read("stopped"));
    assert_eq!([world.read("before"), world.read("after")], ["1\n", "0\n"]);
}

/// A disk of 3 MiB under the log files.
#[test]
fn a_disk_that_is_full_costs_lines_that_are_counted_and_never_the_bot() {
    if !can_unshare("--mount") {
        return;
    }
    let world = World::new(&format!("seq 100001 900000; read _ <go; echo more\n{BOT}"));
    assert!(Command::new("mkfifo").arg(world.path("go")).status().unwrap().success());
    fs::create_dir_all(world.home("logs")).unwrap();
    let line = format!("mount -t tmpfs -o size=3m none .ductor/logs && exec {DUCTORW}");
    let host = world.start(world.command("/usr/bin/unshare").args(["--mount", "sh", "-c", &line]));
    let log = || -> PathBuf {
        let inside = world.home("logs/service.log");
        Path::new(&format!("/proc/{}/root", host.process.pid)).join(inside.strip_prefix("/").unwrap())
    };
    let room = 3 << 20;
    wait_for("a full disk", || log().metadata().is_ok_and(|log| log.len() == room));
    wait_for("bot", || world.state()["bot"].is_object());
    let half = fs::read(log()).unwrap();
    let whole: String = (100_001..=900_000).map(|number| format!("{number}\n")).collect();
    assert!(whole.as_bytes().starts_with(&half), "what there was room for is there");
    fs::remove_file(log()).unwrap(); // somebody makes room
    fs::write(world.path("go"), "\n").unwrap();
    let said = || fs::read_to_string(log()).unwrap_or_default();
    wait_for("room", || said().ends_with("more\n"));
    let (missing, rest) = missing(&said(), "No space left on device (os error 28)").unwrap();
    let whole = whole + "more\n";
    assert!(whole.ends_with(&rest) && missing + room + rest.len() as u64 == whole.len() as u64, "{missing}");
    host.signal(Signal::Terminate);
    host.end();
}

#[test]
fn a_clock_that_jumps_changes_no_wait() {
    let Some(library) = faketime() else { return };
    let world = World::new(&format!("[ $(wc -l <bots) -lt 2 ] && {{ echo $$ >>bots; exit 3; }}\n{BOT}"));
    fs::write(world.path("bots"), "").unwrap();
    let jump = |to: &str| fs::write(world.path("clock"), to).unwrap();
    jump("+0");
    let mut command = world.ductor(&[]);
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", world.path("clock"));
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let begun = Instant::now();
    let host = world.start(&mut command);
    for (restarts, waited, to) in [(1, 2, "-400d"), (2, 2 + 4, "+400d")] {
        wait_for("a wait", || world.state()["restarts"] == restarts);
        jump(to);
        let before = world.bots().len();
        wait_for("a bot", || world.bots().len() > before);
        assert!(begun.elapsed() >= Duration::from_secs(waited), "{to}: {:?}", begun.elapsed());
    }
    wait_for("the third bot", || world.state()["bot"].is_object());
    let state = world.state();
    let since = |of: &serde_json::Value| of["since"].as_str().unwrap().to_owned();
    assert!(since(&state["bot"]) > since(&state), "the host has seen the jump: {state}");
    host.signal(Signal::Terminate);
    assert_eq!((host.end().0.code(), world.read("told").as_str()), (Some(0), "TERM\n"));
}

/// Debian's library that gives a program another clock.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|folder| folder.unwrap().path());
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketime.so.1"));
    let library = libraries.find(|library| library.exists());
    if library.is_none() {
        fakes::left_out("faketime is not installed");
    }
    library
}
