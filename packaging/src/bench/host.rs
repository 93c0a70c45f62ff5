//! Contests of the process that stays: what it weighs, whether it sleeps, how soon it starts a bot again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Arena, Contest, Side, Unit, tick};
use crate::lab::{needs, wait_for};

/// How long an idle process is watched.
const WATCHED: Duration = Duration::from_secs(3);

/// Longer than any of them takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The questions of this file.
pub fn contests() -> Vec<Contest> {
    vec![
        Contest {
            name: "memory of the host while the bot runs (PSS)",
            unit: Unit::Bytes,
            goal: "at most 2 MiB, and twice s6-supervise",
            why: "A static program shares no page with any other; s6 shares the C library with all. The host lets go of the \
                  pages that only its start needed.",
            run: memory,
        },
        Contest {
            name: "wake-ups of the idle host",
            unit: Unit::PerMinute,
            goal: "none",
            why: "",
            run: wake_ups,
        },
        Contest {
            name: "from the end of a bot that asks for a restart to the first instruction of the next",
            unit: Unit::Seconds,
            goal: "less than 10 ms more than a shell's loop",
            why: "The host reads what is left of the tree of the last bot, ends that, and writes down how the bot ended.",
            run: restart,
        },
    ]
}

/// A supervisor that runs one program, in a folder of its own.
struct Supervisor {
    name: &'static str,
    program: &'static str,
    get: &'static str,
    /// What it is told, as the files of its folder and its command line.
    prepare: fn(&Path, &str) -> Result<Command>,
}

const PEERS: [Supervisor; 4] = [
    Supervisor { name: "s6-supervise", program: "s6-supervise", get: "apt-get install s6", prepare: s6 },
    Supervisor { name: "runsv", program: "runsv", get: "apt-get install runit", prepare: runsv },
    Supervisor {
        name: "supervisord",
        program: "supervisord",
        get: "apt-get install supervisor",
        prepare: supervisord,
    },
    Supervisor { name: "pm2", program: "pm2-runtime", get: "npm install --global pm2", prepare: pm2 },
];

/// One that runs; it ends, with what it runs, when it is dropped.
struct Running {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let tell = |signal| Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
        let _told = tell("-TERM"); // what it runs may be in a group of its own
        let _ended = wait_for("its end", Duration::from_secs(5), || Ok(self.child.try_wait()?.map(drop)));
        let _gone = tell("-KILL");
        let _reaped = self.child.wait();
    }
}

fn ours(arena: &Arena, folder: &Path, line: &str) -> Command {
    let mut command = Command::new(&arena.program);
    command.env("HOME", folder).env("DUCTOR_BOT", line).env_remove("DUCTOR_HOME");
    command
}

fn script(folder: &Path, line: &str) -> Result<PathBuf> {
    let run = folder.join("run");
    fs::write(&run, format!("#!/bin/sh\nexec {line}\n"))?;
    fs::set_permissions(&run, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(run)
}

fn s6(folder: &Path, line: &str) -> Result<Command> {
    script(folder, line)?;
    let mut command = Command::new("s6-supervise");
    command.arg(folder);
    Ok(command)
}

fn runsv(folder: &Path, line: &str) -> Result<Command> {
    script(folder, line)?;
    let mut command = Command::new("runsv");
    command.arg(folder);
    Ok(command)
}

fn supervisord(folder: &Path, line: &str) -> Result<Command> {
    let program = script(folder, line)?;
    let settings = format!(
        "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={0}/pid\n\
         [program:bot]\ncommand={1}\nautorestart=true\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
        folder.display(),
        program.display()
    );
    fs::write(folder.join("conf"), settings)?;
    let mut command = Command::new("supervisord");
    command.arg("-c").arg(folder.join("conf"));
    Ok(command)
}

fn pm2(folder: &Path, line: &str) -> Result<Command> {
    let mut command = Command::new("pm2-runtime");
    command.arg("start").arg(script(folder, line)?).args(["--interpreter", "none"]).env("PM2_HOME", folder);
    Ok(command)
}

fn start(mut command: Command, folder: tempfile::TempDir) -> Result<Running> {
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir(folder.path());
    Ok(Running { child: command.spawn().with_context(|| format!("start {command:?}"))?, _folder: folder })
}

/// Reads one figure off every supervisor, ours first, while its program sleeps.
fn of_each(arena: &Arena, rounds: usize, read: fn(u32) -> Result<f64>) -> Result<Vec<Side>> {
    let mut sides = vec![Side::new("ductor", Vec::new())];
    sides.extend(PEERS.iter().map(|peer| {
        if needs::on_path(peer.program) {
            Side::new(peer.name, Vec::new())
        } else {
            Side::missing(peer.name, peer.get)
        }
    }));
    for _ in 0..rounds {
        for (at, side) in sides.iter_mut().enumerate().filter(|(_, side)| side.missing.is_none()) {
            let folder = tempfile::tempdir()?;
            let started = folder.path().join("started");
            let line = format!("sh -c 'echo >{}; exec sleep 1000'", started.display());
            let command = match at.checked_sub(1) {
                None => ours(arena, folder.path(), &line),
                Some(peer) => (PEERS[peer].prepare)(folder.path(), &line)?,
            };
            let running = start(command, folder)?;
            wait_for("the program of the supervisor", PATIENCE, || Ok(started.exists().then_some(())))?;
            std::thread::sleep(Duration::from_millis(500)); // what it does after a start is not what it does
            side.figures.push(read(running.child.id())?);
        }
    }
    Ok(sides)
}

fn memory(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    of_each(arena, rounds.min(5), |pid| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib * 1024.0)
    })
}

fn wake_ups(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    of_each(arena, rounds.min(3), |pid| {
        let before = switches(pid)?;
        std::thread::sleep(WATCHED);
        Ok((switches(pid)? - before) * 60.0 / WATCHED.as_secs_f64())
    })
}

/// How often a process has slept.
fn switches(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    Ok(line.context("no count of switches")?.trim().parse()?)
}

fn restart(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let times = rounds.clamp(3, 8); // a host takes a bot that asks more often, at once, for a broken one
    let notes = |folder: &Path| folder.join("notes");
    let line = |folder: &Path, code: u8| -> Result<String> {
        let this = std::env::current_exe()?;
        Ok(format!("{} bench tick {} {times} {code}", this.display(), notes(folder).display()))
    };
    let gaps = |command: Command, folder: tempfile::TempDir| -> Result<Vec<f64>> {
        let file = notes(folder.path());
        let _running = start(command, folder)?;
        wait_for("the last start", PATIENCE, || {
            let gaps = tick::gaps(&file)?;
            Ok((gaps.len() + 1 >= times).then_some(gaps))
        })
    };
    let folder = tempfile::tempdir()?;
    let ours = gaps(ours(arena, folder.path(), &line(folder.path(), 42)?), folder)?;
    let folder = tempfile::tempdir()?;
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("until {}; do :; done", line(folder.path(), 42)?)]);
    let shell = gaps(shell, folder)?;
    let mut sides = vec![Side::new("ductor", ours), Side::new("a shell's loop", shell)];
    for peer in &PEERS[2..] {
        sides.push(if needs::on_path(peer.program) {
            let folder = tempfile::tempdir()?;
            let command = (peer.prepare)(folder.path(), &line(folder.path(), 42)?)?;
            Side::new(peer.name, gaps(command, folder)?)
        } else {
            Side::missing(peer.name, peer.get)
        });
    }
    Ok(sides)
}
