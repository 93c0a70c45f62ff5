//! The *ground* of a soak: a user with a home, and the hosts that are started there, as one manager or another does.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ductor::home::Home;
use ductor::internals::{Process, Signal};
use serde_json::Value;

use super::book::{Book, Life};
use super::dice::Dice;
use super::{Report, Wanted, bot, lines};

/// Nothing takes so long that is going to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who starts hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Keeps what the bot says, restarts a host that failed.
    Systemd,
    /// Restarts a host that failed; the host keeps the log files.
    Launchd,
    /// The host keeps the log files, and restarts the bot.
    TaskScheduler,
}

/// A host that was started.
pub struct Host {
    child: Child,
    pub process: Process,
    pub kind: Kind,
    /// In nanoseconds since boot.
    started: u64,
    /// Bots of it that failed, for the wait before the next one.
    pub failures: usize,
}

pub struct Ground<'a> {
    wanted: &'a Wanted<'a>,
    dir: tempfile::TempDir,
    home: Home,
    pub book: Book,
    pub looked: Instant,
    pub watch: Watch,
}

impl<'a> Ground<'a> {
    pub fn new(wanted: &'a Wanted<'a>) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join(bot::SAID))?;
        fs::create_dir(dir.path().join("journals"))?;
        std::os::unix::fs::symlink(wanted.programs.join("fakes"), dir.path().join(super::BOT))?;
        let home = Home::of(dir.path().into(), None).map_err(|error| io::Error::other(error.to_string()))?;
        let book = Book::new(dir.path().into(), wanted.seed);
        Ok(Self { wanted, watch: Watch::new(&home), dir, home, book, looked: Instant::now() })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn is_slow(&self) -> bool {
        self.wanted.slow
    }

    pub fn home(&self) -> &Home {
        &self.home
    }

    /// What managers keep: a file for each host.
    pub fn journals(&self) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(self.path("journals"))?.map(|file| Ok(file?.path())).collect()
    }

    /// Removes what was kept for hosts that have ended, as all of it was looked at.
    pub fn forget_journals(&self, lives: &[Life]) -> io::Result<()> {
        let last = lives.last().map_or(0, |life| life.id);
        let started = |path: &Path| path.file_name()?.to_str()?.parse::<u64>().ok();
        let mut journals: Vec<(u64, PathBuf)> =
            self.journals()?.into_iter().filter_map(|path| Some((started(&path)?, path))).collect();
        journals.sort();
        // The newest one of those that began before may be that of the living host.
        let older = journals.iter().filter(|(started, _)| *started < last).count().saturating_sub(1);
        journals.into_iter().take(older).try_for_each(|(_, path)| fs::remove_file(path))
    }

    /// Starts a host, as a manager that the dice choose.
    pub fn start(&self, dice: &mut Dice, words: &[&str]) -> io::Result<Host> {
        let kinds: &[Kind] = if self.wanted.slow {
            &[Kind::Systemd, Kind::Systemd, Kind::Launchd, Kind::Launchd, Kind::TaskScheduler]
        } else {
            &[Kind::Systemd, Kind::Launchd]
        };
        let (kind, started) = (dice.of(kinds), bot::now());
        let mut command = match kind {
            Kind::Systemd => {
                let mut shell = self.command(Path::new("/bin/sh"));
                shell.env("DUCTOR_SUPERVISOR", "1").args(["-c", "SYSTEMD_EXEC_PID=$$ exec \"$0\" \"$@\""]);
                shell.arg(self.wanted.programs.join("ductor"));
                let journal = self.path("journals").join(started.to_string());
                shell.stdout(OpenOptions::new().append(true).create(true).open(journal)?);
                shell
            }
            Kind::Launchd => {
                let mut ductor = self.command(&self.wanted.programs.join("ductor"));
                ductor
                    .env("XPC_SERVICE_NAME", "dev.ductor")
                    .env("FAKE_LAUNCHD", std::process::id().to_string());
                ductor
            }
            Kind::TaskScheduler => self.command(&self.wanted.programs.join("ductorw")),
        };
        let child = command.args(words).spawn()?;
        let process = Process::of(child.id()).unwrap_or(Process { pid: child.id(), start: 0 });
        Ok(Host { child, process, kind, started, failures: 0 })
    }

    /// A program in this home, with nothing of the environment of who soaks.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", self.dir.path());
        command.env("DUCTOR_BOT", self.path(super::BOT)).env(bot::FOLDER, self.dir.path());
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::null());
        let said = File::options().append(true).create(true).open(self.path("talk"));
        command.stderr(said.map_or_else(|_| Stdio::null(), Stdio::from));
        command
    }

    /// A host, and its bot. There was none since `down`, if there was one before.
    pub fn begin(&mut self, dice: &mut Dice, down: Option<u64>) -> io::Result<Host> {
        let host = self.start(dice, &[])?;
        self.comes(host, down.unwrap_or_else(bot::now), Duration::ZERO)
    }

    /// Waits for a bot of this host that started after `down`, for which the policy waits so long.
    pub fn comes(&mut self, mut host: Host, down: u64, wait: Duration) -> io::Result<Host> {
        let deadline = Instant::now() + wait + PATIENCE;
        loop {
            if let Some(bot) = self.bot_of(&host)?.filter(|bot| bot.id > down) {
                self.book.follows(&bot, down, wait);
                self.book.report.restarts += 1;
                return Ok(host);
            }
            if let Some(status) = host.child.try_wait()? {
                return Err(io::Error::other(format!("{host} ended: {status}; {}", self.about())));
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{host} has no bot; {}", self.about())));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The bot that runs under this host, which says so.
    pub fn bot_of(&mut self, host: &Host) -> io::Result<Option<Life>> {
        self.book.read()?;
        let state = state(&self.home).unwrap_or_default();
        let process = |value: &Value| serde_json::from_value::<Process>(value.clone()).ok();
        let bot = process(&state["bot"]["process"]).filter(Process::is_alive);
        let says_so = process(&state["process"]) == Some(host.process);
        let lives = self.book.lives.iter().rev();
        Ok(lives.into_iter().find(|life| says_so && bot.is_some_and(|bot| bot.pid == life.pid)).cloned())
    }

    /// Kills a host, and reaps it.
    pub fn kill(&mut self, mut host: Host) -> io::Result<()> {
        host.child.kill()?;
        host.child.wait()?;
        self.book.host_killed(host.process.pid, host.started);
        self.book.report.kills += 1;
        Ok(())
    }

    /// How a host ends that is about to.
    pub fn end_of(&mut self, mut host: Host) -> io::Result<ExitStatus> {
        if !host.process.wait_gone(Instant::now() + PATIENCE) {
            return Err(io::Error::other(format!("{host} does not end; {}", self.about())));
        }
        host.child.wait()
    }

    /// Ends it all: a host ends in order, everything with it, and every line is there.
    pub fn end(mut self, host: Host) -> io::Result<Report> {
        host.process.signal(Signal::Terminate)?;
        let status = self.end_of(host)?;
        if status.code() != Some(0) {
            self.book.find(&format!("the last host ended with {status}"));
        }
        for left in self.processes() {
            self.book.find(&format!("still there: {:?}", left.command()));
        }
        lines::look(&mut self, true)?;
        self.book.report.restarts -= 1; // the first bot
        self.book.report.unreadable_states = self.watch.end();
        if self.book.report.unreadable_states > 0 {
            self.book.find("the state could not be read");
        }
        Ok(self.book.report.clone())
    }

    fn processes(&self) -> Vec<Process> {
        let here =
            |process: &Process| process.environment(bot::FOLDER).is_some_and(|it| it == self.dir.path());
        Process::all().into_iter().filter(here).collect()
    }

    /// What to know when something does not go on.
    fn about(&self) -> String {
        let report = &self.book.report;
        let talk = fs::read_to_string(self.path("talk")).unwrap_or_default();
        let lines: Vec<&str> = talk.lines().rev().take(5).collect();
        let found = &report.findings;
        format!(
            "seed {}, round {}, {}; {found:?}; the last that hosts said: {lines:?}",
            report.seed, report.rounds, self.book.blow
        )
    }
}

/// What the last host says of itself, if that can be read.
pub fn state(home: &Home) -> Option<Value> {
    serde_json::from_slice(&fs::read(home.state()).ok()?).ok()
}

impl Drop for Ground<'_> {
    fn drop(&mut self) {
        self.watch.end();
        while let [first, rest @ ..] = self.processes().as_slice() {
            for process in rest.iter().chain([first]) {
                let _gone = process.signal(Signal::Kill);
            }
            first.wait_gone(Instant::now() + PATIENCE);
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a host under {:?} (pid {})", self.kind, self.process.pid)
    }
}

/// Looks at the state all the while: it can be read, but while somebody else has broken it.
pub struct Watch {
    done: Arc<AtomicBool>,
    /// Odd while it is broken.
    breaks: Arc<AtomicU64>,
    unreadable: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn new(home: &Home) -> Self {
        let (done, breaks, unreadable) = <(Arc<AtomicBool>, Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let (over, before, count, home) = (done.clone(), breaks.clone(), unreadable.clone(), home.clone());
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                let broken = before.load(Ordering::SeqCst);
                let reads = !home.state().exists() || state(&home).is_some();
                let excused = broken % 2 == 1 || before.load(Ordering::SeqCst) != broken;
                count.fetch_add(u64::from(!reads && !excused), Ordering::SeqCst);
                std::thread::sleep(Duration::from_micros(300));
            }
        });
        Self { done, breaks, unreadable, thread: Some(thread) }
    }

    /// Somebody breaks the state, or it is whole again.
    pub fn breaks(&self) {
        self.breaks.fetch_add(1, Ordering::SeqCst);
    }

    /// How often it could not be read.
    fn end(&mut self) -> u64 {
        self.done.store(true, Ordering::SeqCst);
        let _ended = self.thread.take().map(JoinHandle::join);
        self.unreadable.load(Ordering::SeqCst)
    }
}
