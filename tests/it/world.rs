//! A *world*: a user with a home folder, a fake bot (a shell script), and the real `ductor`.
//!
//! Everything that is started in a world inherits its mark, and ends with it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ductor::internals::{Process, Signal};

/// All that runs in a world where everything was ended.
pub const NOBODY: [Process; 0] = [];

/// A deadline for what should take no time; machines that build are slow.
pub const SOON: Duration = Duration::from_secs(120);

/// A bot that notes its start and what it is told. `SIGUSR2` makes it ask for a restart.
pub const BOT: &str = "
    trap 'echo TERM >>told; exit 0' TERM
    trap 'exit 42' USR2
    echo $$ >>bots
    while :; do sleep 100 & wait $!; done";

pub struct World {
    dir: tempfile::TempDir,
}

/// A host that was started in a world.
pub struct Running {
    child: Child,
    said: PathBuf,
    pub process: Process,
}

/// How a command ended, and what it said.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl World {
    /// A world with this bot, a shell script that runs in the folder of the world.
    pub fn new(bot: &str) -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        let script = format!("#!/bin/sh\ncd '{}'\n{bot}\n", world.path("").display());
        fakes::put_script(&world.path("bot"), &script).unwrap();
        world
    }

    /// A Python with the bot's module and a twin without a window, in an environment where the host looks for one.
    /// Whatever it is asked to run is `bot`, a shell script.
    pub fn python(&self, bot: &str) {
        let bin = self.path(".local/bin");
        let package = self.path(".local/lib/python3.12/site-packages/ductor_bot");
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("__main__.py"), "").unwrap();
        fs::write(package.join("__init__.py"), "").unwrap();
        fs::write(self.path(".local/pyvenv.cfg"), "home = /usr/bin\nversion = 3.12.1\n").unwrap();
        // What runs has to look like a Python that runs the bot.
        let script = self.path("ductor_bot");
        fs::write(&script, format!("cd '{}'\n{bot}\n", self.path("").display())).unwrap();
        for name in ["python3", "pythonw"] {
            let text = format!("#!/bin/bash\nexec -a \"$0\" bash '{}'\n", script.display());
            fakes::put_script(&bin.join(name), &text).unwrap();
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file of the ductor home.
    pub fn home(&self, name: &str) -> PathBuf {
        self.path(".ductor").join(name)
    }

    /// A program in this world: its home, its bot, nothing of the environment of the tests.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.dir.path());
        command.env("DUCTOR_BOT", self.path("bot")).env("WORLD", self.dir.path());
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    pub fn ductor(&self, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_ductor"));
        command.args(words);
        command
    }

    /// A folder for PATH that has `ductor` alone: no manager can be asked, whatever the machine of the tests has.
    pub fn only_ductor(&self) -> PathBuf {
        let folder = self.path("bin");
        crate::fakes::link_ductor(&folder);
        folder
    }

    /// The host, as systemd would start it.
    pub fn supervised(&self) -> Command {
        let mut command = self.command("/bin/sh");
        let line = concat!("SYSTEMD_EXEC_PID=$$ exec ", env!("CARGO_BIN_EXE_ductor"), " \"$@\"");
        command.env("DUCTOR_SUPERVISOR", "1").args(["-c", line, "sh"]);
        command
    }

    /// Starts a host; it runs its first bot when this returns.
    pub fn host(&self) -> Running {
        let count = self.bots().len() + 1;
        let running = self.start(&mut self.ductor(&[]));
        self.wait_for_bots(count);
        running
    }

    /// Waits until so many bots were started, and the host says that the last of them runs.
    pub fn wait_for_bots(&self, count: usize) {
        wait_for("a bot", || {
            let bots = self.bots();
            bots.len() == count && self.state()["bot"]["process"]["pid"] == bots[count - 1]
        });
    }

    /// The bots that run. A pid alone may be somebody else's by now.
    pub fn living_bots(&self) -> usize {
        let (bots, mine) = (self.bots(), self.processes());
        mine.iter().filter(|process| bots.contains(&process.pid)).count()
    }

    pub fn start(&self, command: &mut Command) -> Running {
        // A file, as what a host leaves behind would hold a pipe open.
        let (file, said) = tempfile::NamedTempFile::new_in(self.dir.path()).unwrap().keep().unwrap();
        let child = command.stderr(file).spawn().unwrap();
        // One that has ended already is nobody by now.
        let process = Process::of(child.id()).unwrap_or(Process { pid: child.id(), start: 0 });
        Running { child, said, process }
    }

    /// What the host says about itself.
    pub fn state(&self) -> serde_json::Value {
        let text = fs::read_to_string(self.home("host.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The pids of all bots that were started, in order.
    pub fn bots(&self) -> Vec<u32> {
        self.read("bots").lines().map(|pid| pid.trim().parse().unwrap()).collect()
    }

    /// A file in the folder of the world; empty if it is not there.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Everything that runs in this world.
    pub fn processes(&self) -> Vec<Process> {
        let mine = |process: &Process| process.environment("WORLD").is_some_and(|it| it == self.dir.path());
        Process::all().into_iter().filter(mine).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        while let [first, rest @ ..] = self.processes().as_slice() {
            for process in rest.iter().chain([first]) {
                let _gone = process.signal(Signal::Kill);
            }
            first.wait_gone(Instant::now() + SOON);
        }
    }
}

impl Running {
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal).unwrap();
    }

    /// None of its threads is woken for two seconds, once all are asleep.
    #[cfg(target_os = "linux")]
    pub fn sleeps(&self) {
        let switches = || -> Vec<String> {
            let tasks = fs::read_dir(format!("/proc/{}/task", self.process.pid)).unwrap();
            let status = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap());
            let lines = status.flat_map(|it| it.lines().map(ToOwned::to_owned).collect::<Vec<_>>());
            lines.filter(|line| line.contains("ctxt_switches")).collect()
        };
        let same_after = |time| {
            let before = switches();
            assert!(!self.process.wait_gone(Instant::now() + time), "it lives");
            before == switches()
        };
        wait_for("sleep", || same_after(Duration::from_millis(100)));
        assert!(same_after(Duration::from_secs(2)), "it wakes");
    }

    /// Waits for its end: how it ended, and what it said on stderr.
    pub fn end(mut self) -> (ExitStatus, String) {
        assert!(self.process.wait_gone(Instant::now() + SOON), "it does not end");
        let status = self.child.wait().unwrap();
        (status, fs::read_to_string(&self.said).unwrap())
    }
}

/// The ids of the problems in what `service status --json` says.
pub fn problems_of(status: &serde_json::Value) -> Vec<String> {
    let problems = status["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["id"].as_str().unwrap().to_owned()).collect()
}

impl Said {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.ended(0)
    }

    /// The JSON that it said.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn with(self, part: &str) -> Self {
        assert!(
            self.err.contains(part) || self.out.contains(part),
            "no {part:?} in\n{}{}",
            self.out,
            self.err
        );
        self
    }
}

/// Waits for something to become true.
pub fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !condition() {
        assert!(Instant::now() < deadline, "no {what} after {SOON:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
