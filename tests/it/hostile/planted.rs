//! Something else than a file is where we read and write: no command hangs, ends by a signal, or needs memory for it,
//! and what a link leads to stays as it is.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::launchd::Mac;

/// What is planted where we read.
const TO_READ: [&str; 4] = ["fifo", "folder", "loop", "ten gigabytes"];

/// What is planted where we write.
const TO_WRITE: [&str; 5] = ["fifo", "socket", "folder", "link", "hard link"];

/// Where we read, below the home of a user.
const READ: [&str; 13] = [
    ".ductor/config/config.json",
    ".ductor/host.json",
    ".ductor/host.lock",
    ".ductor/bot.pid",
    ".ductor/logs/service.log",
    ".ductor/logs/service.err",
    ".local/share/ductor/install.json",
    ".local/share/ductor/bot/current",
    ".local/bin/ductor",
    ".local/pyvenv.cfg",
    ".npmrc",
    ".nvm/alias/default",
    "Library/LaunchAgents/dev.ductor.plist",
];

/// Where we write, below the home of a user.
const WRITTEN: [&str; 9] = [
    ".ductor/host.json",
    ".ductor/.host.json.tmp",
    ".ductor/host.lock",
    ".ductor/bot.pid",
    ".ductor/logs",
    ".ductor/logs/service.log",
    ".ductor/logs/service.err.1",
    "Library/LaunchAgents/dev.ductor.plist",
    "Library/LaunchAgents",
];

const QUESTIONS: [&[&str]; 4] = [
    &["service", "doctor"],
    &["service", "logs", "--no-follow"],
    &["upgrade", "--check"],
    &["service", "install", "--dry-run"],
];

#[test]
fn nothing_that_is_planted_where_we_read_hangs_or_ends_a_command() {
    for path in READ {
        // A log of one line of ten gigabytes is shown, as somebody asked for it.
        let is_log = path.contains("/logs/");
        for plant in TO_READ.into_iter().filter(|plant| !is_log || *plant != "ten gigabytes") {
            let world = Planted::new(plant, path);
            for words in QUESTIONS {
                world.is_fine(words);
            }
        }
    }
}

#[test]
fn nothing_that_is_planted_where_we_write_is_followed() {
    for path in WRITTEN {
        for plant in TO_WRITE {
            let world = Planted::new(plant, path);
            let bot = world.mac.world.path("bot").display().to_string();
            for words in [&["service", "install", "--bot", &bot][..], &["stop"], &["service", "uninstall"]] {
                world.is_fine(words);
            }
        }
    }
}

/// A user of a Mac, with something planted in the home, and a file that nobody may touch.
struct Planted {
    mac: Mac,
    about: String,
    precious: (String, u32, i64),
}

impl Planted {
    fn new(plant: &str, path: &str) -> Self {
        let mac = Mac::new();
        let (at, victim) = (mac.world.path(path), mac.world.path("precious"));
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(&victim, "precious").unwrap();
        put(plant, &at, &victim);
        let precious = looks(&victim);
        Self { mac, about: format!("a {plant} at {path}"), precious }
    }

    /// It ends by itself, in time and within half a gibibyte, in words where it fails; and nothing else was touched.
    #[track_caller]
    fn is_fine(&self, words: &[&str]) {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stderr);
        let about = format!("{}, {words:?}: {:?}\n{said}", self.about, output.status);
        let code = output.status.code();
        assert!(code.is_some_and(|code| [0, 1, 3, 4, 77, 78].contains(&code)), "{about}");
        assert!(code != Some(1) || said.contains("error: ") || words.contains(&"doctor"), "{about}");
        assert_eq!(looks(&self.mac.world.path("precious")), self.precious, "{about}");
    }

    fn run(&self, words: &[&str]) -> Output {
        let path = format!("{0}/bin:{0}/.local/bin:/usr/bin:/bin", self.mac.world.path("").display());
        let mut command: Command = self.mac.world.command("/usr/bin/timeout");
        let line = concat!("ulimit -v 524288; exec ", env!("CARGO_BIN_EXE_ductor"), " \"$@\"");
        command.args(["--signal=KILL", "120", "/bin/sh", "-c", line, "sh"]).args(words);
        command
            .env("DUCTOR_MANAGER", "launchd")
            .env("PATH", path)
            .env("FAKE_STATE", self.mac.launchd.path(""));
        command.env_remove("DUCTOR_BOT").stdout(Stdio::null()).stderr(Stdio::piped());
        command.output().unwrap()
    }
}

fn put(plant: &str, at: &Path, victim: &Path) {
    match plant {
        "fifo" => assert!(Command::new("mkfifo").arg(at).status().unwrap().success()),
        "socket" => drop(UnixListener::bind(at).unwrap()),
        "folder" => fs::create_dir(at).unwrap(),
        "link" => symlink(victim, at).unwrap(),
        "hard link" => fs::hard_link(victim, at).unwrap(),
        "loop" => symlink(at.file_name().unwrap(), at).unwrap(),
        _ => fs::File::create(at).unwrap().set_len(10 << 30).unwrap(),
    }
}

/// What is in it, who may read it, when it was changed.
fn looks(file: &Path) -> (String, u32, i64) {
    let meta = file.metadata().unwrap();
    (fs::read_to_string(file).unwrap(), meta.mode(), meta.mtime_nsec())
}
