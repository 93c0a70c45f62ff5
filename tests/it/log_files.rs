//! The log files of a host under a manager that keeps no journal. `ductorw` is such a host on every OS: its name
//! alone says that the Task Scheduler started it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ductor::internals::Signal;

use crate::world::{BOT, Running, World, wait_for};

const DUCTORW: &str = env!("CARGO_BIN_EXE_ductorw");

fn start(world: &World) -> Running {
    let host = world.start(&mut world.command(DUCTORW));
    wait_for("bot", || !world.bots().is_empty());
    host
}

fn logs(world: &World) -> [String; 2] {
    ["logs/service.log", "logs/service.err"]
        .map(|name| fs::read_to_string(world.home(name)).unwrap_or_default())
}

#[test]
fn what_the_bot_and_the_host_say_is_kept() {
    let world = World::new("echo out; echo err >&2; echo $$ >>bots; read _ <go; exit 3");
    assert!(Command::new("mkfifo").arg(world.path("go")).status().unwrap().success());
    let host = start(&world);
    wait_for("lines", || logs(&world) == ["out\n", "err\n"]);
    fs::write(world.path("go"), "\n").unwrap();
    let told = "err\nthe bot ended with code 3; it is started again in 2 s\n";
    wait_for("line of the host", || logs(&world) == ["out\n", told]);
    host.signal(Signal::Terminate);
    let (status, said) = host.end();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""), "nothing is said elsewhere");
}

#[test]
fn the_last_words_of_bot_and_host_are_kept() {
    let world = World::new("echo last; echo words >&2; exit 78");
    let (status, said) = world.start(&mut world.command(DUCTORW)).end();
    assert_eq!((status.code(), said.as_str()), (Some(78), ""));
    assert_eq!(logs(&world), ["last\n", "words\nthe bot ended with code 78\n"]);
    let (status, said) = world.start(world.command(DUCTORW).env("DUCTOR_BOT", "/none")).end();
    assert_eq!((status.code(), said.as_str()), (Some(78), ""));
    assert!(logs(&world)[1].contains("/none"), "{:?}", logs(&world));
}

#[test]
fn whatever_a_bot_says_takes_25_mebibytes_at_most() {
    let world = World::new(&format!("head -c 40000000 /dev/urandom; echo; echo end\n{BOT}"));
    let host = start(&world);
    wait_for("end", || fs::read(world.home("logs/service.log")).unwrap_or_default().ends_with(b"\nend\n"));
    let sizes: Vec<u64> = fs::read_dir(world.home("logs"))
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .collect();
    assert!(sizes.len() == 5 && sizes.iter().all(|size| *size <= 5 << 20), "{sizes:?}");
    host.signal(Signal::Terminate);
    host.end();
}

/// The limit on the size of files stands for the disk that is full: the kernel refuses to write.
#[test]
fn a_full_disk_costs_lines_and_never_the_bot() {
    let world =
        World::new(&format!("head -c 5000000 /dev/zero; echo $$ >>bots; read x <go; echo more\n{BOT}"));
    assert!(Command::new("mkfifo").arg(world.path("go")).status().unwrap().success());
    let line = format!("trap '' XFSZ; ulimit -f 2000; exec {DUCTORW}");
    let host = world.start(world.command("/bin/sh").args(["-c", &line]));
    wait_for("bot", || !world.bots().is_empty());
    let log = world.home("logs/service.log");
    wait_for("lines", || log.metadata().is_ok_and(|log| log.len() == 2000 * 512));
    fs::remove_file(&log).unwrap(); // somebody makes room
    fs::write(world.path("go"), "\n").unwrap();
    wait_for("room", || logs(&world)[0].ends_with("more\n"));
    let (missing, rest) = missing(&logs(&world)[0], "File too large (os error 27)").unwrap();
    assert_eq!(missing + 2000 * 512 + rest.len() as u64, 5_000_000 + 5, "{rest}");
    host.signal(Signal::Terminate);
    assert_eq!(host.end().0.code(), Some(0));
}

/// How many bytes a log says are missing at its begin, and what stands behind that: whatever the host had not read
/// yet when there was room again.
pub fn missing(log: &str, why: &str) -> Option<(u64, String)> {
    let (count, rest) = log.strip_prefix("\nductor: ")?.split_once(" bytes are missing here: ")?;
    Some((count.parse().ok()?, rest.strip_prefix(why)?.strip_prefix('\n')?.to_owned()))
}

#[test]
#[cfg(target_os = "linux")] // only there a process tells how often it was woken
fn keeping_log_files_wakes_nobody() {
    let world = World::new(BOT);
    start(&world).sleeps();
}

/// `service logs` where the manager keeps no journal; what it prints goes to a file.
fn print_logs(world: &World, words: &[&str]) -> Running {
    let mut command = world.ductor(&["service", "logs"]);
    command.args(words).env("DUCTOR_MANAGER", "launchd");
    world.start(command.stdout(fs::File::create(world.path("printed")).unwrap()))
}

#[test]
fn logs_are_both_files_as_one_stream_over_rotations_until_ctrl_c() {
    let world = World::new("");
    fs::create_dir_all(world.home("logs")).unwrap();
    let [out, err] = ["service.log", "service.err"].map(|name| world.home("logs").join(name));
    let say = |file: &Path, text: &str| {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    say(&out, "old\nout\n");
    let logs = print_logs(&world, &["-n", "1"]);
    wait_for("last line", || world.read("printed") == "out\n");
    say(&err, "err\n");
    wait_for("line of a new file", || world.read("printed") == "out\nerr\n");
    say(&out, "before\n");
    fs::rename(&out, world.home("logs/service.log.1")).unwrap();
    say(&out, "after\n");
    wait_for("line after the rotation", || world.read("printed") == "out\nerr\nbefore\nafter\n");
    let pid = rustix::process::Pid::from_raw(i32::try_from(logs.process.pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let (status, said) = logs.end();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn without_lines_that_is_said_and_nothing_printed() {
    let world = World::new("");
    let (status, said) = print_logs(&world, &["--no-follow"]).end();
    assert_eq!(
        (status.code(), said.as_str(), world.read("printed").as_str()),
        (Some(0), "nothing yet\n", "")
    );
}

#[test]
fn the_last_lines_of_a_huge_file_cost_no_memory() {
    let world = World::new("");
    fs::create_dir_all(world.home("logs")).unwrap();
    let mut log = fs::File::create(world.home("logs/service.log")).unwrap();
    log.set_len(2 << 30).unwrap(); // a hole: zeros that take no room
    log.seek(SeekFrom::End(0)).unwrap();
    log.write_all(format!("\n{}\nend\n", "x".repeat(10 << 20)).as_bytes()).unwrap();
    let line =
        format!("ulimit -v 50000; exec {} service logs --no-follow -n 2", env!("CARGO_BIN_EXE_ductor"));
    let mut command = world.command("/bin/sh");
    command.args(["-c", &line]).env("DUCTOR_MANAGER", "launchd");
    let output = command.stdout(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), (10 << 20) + 5));
}
