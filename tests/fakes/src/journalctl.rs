//! `journalctl --user` of systemd, as far as ductor uses it, and the journal that it reads: a file with a line for each
//! line that a service wrote, `MICROSECONDS PID TEXT`; what the manager itself says of a unit has no pid. The machine has one
//! unit, so only whose words are wanted is looked at.
//!
//! Source: journalctl(1). Setting: `no-journal` (this user may not read it, which `--quiet` makes no failure).

use std::fs::OpenOptions;
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::state::{Order, State};
use crate::{complain, say};

const JOURNAL: &str = "journal";

/// Puts a line into the journal, of this process or of the manager.
pub fn note(state: &State, pid: Option<u32>, text: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let pid = pid.map_or("-".into(), |pid| pid.to_string());
    let file = OpenOptions::new().create(true).append(true).open(state.path(JOURNAL));
    let _full_disk = file.and_then(|mut file| file.write_all(format!("{now} {pid} {text}\n").as_bytes()));
}

/// Is journalctl.
pub fn main(args: &[String]) -> u8 {
    let Some(state) = State::find() else { return complain(1, "FAKE_STATE is not set") };
    if state.call("journalctl", args) == Order::Fail {
        return complain(1, "Failed to open files: Permission denied");
    }
    let has = |option: &str| args.iter().any(|arg| arg == option);
    let after = |option: &str| args.iter().skip_while(|arg| *arg != option).nth(1);
    let since = args.iter().find_map(|arg| micros(arg.strip_prefix("--since=@")?)).unwrap_or(0);
    let Ok(count) = after("-n").map_or("10", String::as_str).parse::<i32>() else {
        return complain(1, "Failed to add match: Invalid argument");
    };
    let count = usize::try_from(count).unwrap_or(0);
    let of_manager = args.iter().any(|arg| arg.starts_with("USER_UNIT="));
    let mut from = 0;
    loop {
        let journal = if state.has("no-journal") { None } else { state.get(JOURNAL) }.unwrap_or_default();
        let lines =
            journal.lines().skip(from).filter_map(|line| shown(line, since, of_manager, has("--output=cat")));
        let lines: Vec<String> = lines.collect();
        let last = if from == 0 { lines.len().saturating_sub(count) } else { 0 };
        if !lines[last..].is_empty() {
            say(&lines[last..].join("\n"));
        }
        if !has("-f") {
            if lines[last..].is_empty() && !has("--quiet") {
                say("-- No entries --");
            }
            return 0;
        }
        from = journal.lines().count();
        sleep(Duration::from_millis(20));
    }
}

/// `SECONDS.MICROSECONDS`
fn micros(moment: &str) -> Option<u64> {
    moment.replace('.', "").parse().ok()
}

/// A line of the journal as it is shown, if it is wanted.
fn shown(line: &str, since: u64, with_managers: bool, bare: bool) -> Option<String> {
    let (micros, rest) = line.split_once(' ')?;
    let (pid, text) = rest.split_once(' ')?;
    let is_wanted = micros.parse::<u64>().ok()? >= since && (with_managers || pid != "-");
    let line = || match pid {
        "-" => format!("Nov 25 12:00:00 systemd[1]: {text}"),
        pid => format!("Nov 25 12:00:00 ductor[{pid}]: {text}"),
    };
    is_wanted.then(|| if bare { text.to_owned() } else { line() })
}
