//! What a bot says when it says too much: a gigabyte, lines that never end, bytes that are no text, and all of it into
//! files that the host keeps.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ductor::internals::Signal;

use crate::world::{BOT, World, wait_for};

const DUCTORW: &str = env!("CARGO_BIN_EXE_ductorw");

/// The files of the log, the oldest first.
fn files(world: &World) -> Vec<PathBuf> {
    let names = ["service.log.4", "service.log.3", "service.log.2", "service.log.1", "service.log"];
    names.map(|name| world.home("logs").join(name)).into_iter().filter(|file| file.exists()).collect()
}

fn kept(world: &World) -> Vec<u8> {
    files(world).iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>().concat()
}

/// Runs a bot to its end.
fn run(bot: &str) -> World {
    let world = World::new(bot);
    let (status, said) = world.start(&mut world.command(DUCTORW)).end();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    world
}

/// `DUCTOR_FLOOD=100` for so many MiB.
#[test]
fn of_a_gigabyte_the_end_is_kept_whole_and_the_disk_never_holds_more() {
    let size: u64 = std::env::var("DUCTOR_FLOOD").map_or(1024, |size| size.parse().unwrap()) << 20;
    let (first, last) = (1_000_000_001, 1_000_000_000 + size / 11);
    let world = World::new(&format!("seq {first} {last}"));
    let host = world.start(&mut world.command(DUCTORW));
    let (deadline, mut most) = (Instant::now() + Duration::from_secs(180), 0);
    while host.process.is_alive() {
        let size = |file: &PathBuf| file.metadata().map_or(0, |found| found.len()); // it may be renamed just now
        most = files(&world).iter().map(size).sum::<u64>().max(most);
        assert!(Instant::now() < deadline, "the bot is blocked");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(host.end().0.code(), Some(0));
    assert!((20 << 20..=25 << 20).contains(&most), "{most} bytes");
    let kept = String::from_utf8(kept(&world)).unwrap();
    let mut numbers = kept.lines().map(|line| line.parse::<u64>().unwrap());
    let oldest = numbers.next().unwrap();
    assert!(numbers.eq(oldest + 1..=last), "no line is missing, and none is torn");
    assert!(oldest > first && kept.len() > 20 << 20, "{oldest}, {} bytes", kept.len());
}

#[test]
fn lines_of_ten_megabytes_and_what_is_no_text_are_kept_to_the_byte() {
    let long = "head -c 10000000 /dev/zero | tr '\\0' x; echo";
    let world =
        run(&format!("{{ echo begin; {long}; head -c 3000000 /dev/urandom; {long}; echo end; }} | tee said"));
    let said = fs::read(world.path("said")).unwrap();
    assert!(kept(&world) == said, "{} of {} bytes", kept(&world).len(), said.len());
}

#[test]
#[cfg(target_os = "linux")] // only there a pipe can be made to hold more than 64 KiB
fn a_host_that_is_suspended_holds_nobody_up_and_loses_nothing() {
    let world = World::new(&format!("read _ <go; seq 10001 40000; echo done >done; read _ <go\n{BOT}"));
    assert!(std::process::Command::new("mkfifo").arg(world.path("go")).status().unwrap().success());
    let host = world.start(&mut world.command(DUCTORW));
    let go = || fs::write(world.path("go"), "\n").unwrap(); // waits until the bot reads
    let tell = |signal| {
        let pid = rustix::process::Pid::from_raw(i32::try_from(host.process.pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    };
    wait_for("bot", || world.state()["bot"].is_object());
    tell(rustix::process::Signal::STOP);
    go();
    wait_for("end of what it says", || world.read("done") == "done\n");
    assert_eq!(kept(&world), b"", "nobody reads it yet");
    tell(rustix::process::Signal::CONT);
    go();
    wait_for("all of it", || kept(&world).ends_with(b"\n40000\n"));
    assert_eq!(kept(&world).len(), 6 * 30_000);
    host.signal(Signal::Terminate);
    assert_eq!(host.end().0.code(), Some(0));
}

#[test]
fn without_input_and_output_of_its_own_the_host_runs_all_the_same() {
    let world = World::new(&format!("echo said; cat >stdin; echo $? >>stdin\n{BOT}"));
    for program in [DUCTORW, env!("CARGO_BIN_EXE_ductor")] {
        let line = format!("exec {program} <&- >&- 2>&-");
        let bots = world.bots().len();
        let host = world.start(world.command("/bin/sh").args(["-c", &line]));
        wait_for("bot", || world.bots().len() > bots && world.state()["process"]["pid"] == host.process.pid);
        assert_eq!(world.read("stdin"), "0\n", "it reads, and that ends at once");
        host.signal(Signal::Terminate);
        assert_eq!(host.end().0.code(), Some(0));
    }
    assert_eq!(kept(&world), b"said\n");
}
