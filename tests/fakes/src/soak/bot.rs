//! The *bot* of a soak. It notes when it starts and when it ends in order, says numbered lines as fast as a busy bot
//! does, and leaves a daemon behind that nothing but `SIGKILL` ends. Bot and daemon each hold a lock for as long as
//! they live: who finds it held has met another one, and notes that.
//!
//! `SIGTERM` ends it in order, `SIGUSR2` with 42 (a new bot, please), anything else as it ends any program. While a
//! file `deaf` is there it does not listen to `SIGTERM`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Signal, getpid, getppid, setsid};
use rustix::time::{ClockId, clock_gettime};

/// The variable that names the folder of the soak.
pub const FOLDER: &str = "SOAK";
/// Where the lives of bots are noted: `start ID PID PPID`, `end ID TIME`, `met WHAT`.
pub const NOTES: &str = "notes";
/// The folder with a file for each bot: how many lines it has said.
pub const SAID: &str = "said";
/// While it is there bots do not listen to `SIGTERM`.
pub const DEAF: &str = "deaf";

/// A line, without its end: its bot, its number, and as much more as lines mostly have.
pub fn line(id: u64, number: u64) -> String {
    format!("<{id} {number} {:.<60}>", "")
}

/// Nanoseconds since boot, the same for every process.
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap_or(0)
}

/// Is the bot, its daemon, or the one in between that ends so that the daemon is nobody's child.
pub fn main(args: &[String]) -> u8 {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap_or_default());
    let lived = match args.first().map(String::as_str) {
        Some("daemon") => be_the_daemon(&folder),
        Some("leave") => start("daemon").map(|()| 0),
        _ => Bot::begin(&folder).and_then(|mut bot| bot.live()),
    };
    lived.unwrap_or(1)
}

struct Bot {
    stop: Arc<AtomicBool>,
    again: Arc<AtomicBool>,
    /// When it started, which no other bot did.
    id: u64,
    folder: PathBuf,
    said: u64,
    count: File,
    _only: Option<File>,
}

impl Bot {
    fn begin(folder: &Path) -> io::Result<Self> {
        let (id, stop, again) = (now(), heed(Signal::TERM)?, heed(Signal::USR2)?); // before anybody knows of it
        let only = only(folder, "bot")?;
        note(folder, &format!("start {id} {} {}", pid(Some(getpid())), pid(getppid())))?;
        let count = File::create(folder.join(SAID).join(id.to_string()))?;
        start("leave")?;
        Ok(Self { stop, again, id, folder: folder.into(), said: 0, count, _only: only })
    }

    fn live(&mut self) -> io::Result<u8> {
        self.say(50)?;
        loop {
            if self.again.load(Ordering::Relaxed) {
                return self.end(42);
            }
            if self.stop.load(Ordering::Relaxed) && !self.folder.join(DEAF).exists() {
                return self.end(0);
            }
            self.say(3)?;
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Says so many lines. The count is that of lines which have left this process whole.
    fn say(&mut self, lines: u64) -> io::Result<()> {
        for _ in 0..lines {
            let line = line(self.id, self.said + 1) + "\n";
            io::stdout().lock().write_all(line.as_bytes())?;
            self.said += 1;
            self.count.write_all_at(&self.said.to_le_bytes(), 0)?;
        }
        Ok(())
    }

    fn end(&mut self, code: u8) -> io::Result<u8> {
        let _its_host_is_gone = self.say(20);
        note(&self.folder, &format!("end {} {}", self.id, now()))?;
        Ok(code)
    }
}

fn be_the_daemon(folder: &Path) -> io::Result<u8> {
    setsid()?;
    let _deaf = [heed(Signal::TERM)?, heed(Signal::HUP)?, heed(Signal::INT)?];
    let _only = only(folder, "daemon")?;
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// The lock that only one process of this kind can have; none, and a note, when another one has it.
fn only(folder: &Path, kind: &str) -> io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(kind))?;
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(_) => note(folder, &format!("met another {kind}")).map(|()| None),
    }
}

/// Something that goes on when this process ends, without its output.
fn start(what: &str) -> io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(what).env(crate::NAME, super::BOT);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    if what == "leave" {
        child.wait()?;
    }
    Ok(())
}

fn heed(signal: Signal) -> io::Result<Arc<AtomicBool>> {
    let seen = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal.as_raw(), seen.clone())?;
    Ok(seen)
}

fn pid(pid: Option<rustix::process::Pid>) -> i32 {
    pid.map_or(0, |pid| pid.as_raw_nonzero().get())
}

fn note(folder: &Path, what: &str) -> io::Result<()> {
    let mut notes = OpenOptions::new().append(true).create(true).open(folder.join(NOTES))?;
    notes.write_all(format!("{what}\n").as_bytes()) // one write, so that no two mix
}
