//! A token in the configuration, in the environment, in the bot's log and on its lips: nothing of ours has it, whatever
//! is asked and whatever goes wrong.

use std::fs;
use std::path::Path;

use ductor::internals::Process;

use super::everything_below;
use crate::launchd::Mac;
use crate::systemd::Linux;
use crate::task_scheduler::machine::Machine;
use crate::world::{Said, World};

const TOKEN: &str = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";

/// The bot says its token whenever it ends badly, which it does at once where `~/bad` is.
const BOT: &str = "
    test ! -e bad || { echo \"POST https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1/getMe\" >&2; exit 1; }
    trap 'exit 0' TERM
    echo $$ >>bots
    while :; do sleep 100 & wait $!; done";

/// Every verb, in an order in which each has something to do.
const VERBS: [&[&str]; 14] = [
    &["service", "render"],
    &["service", "install", "--dry-run"],
    &["service", "install"],
    &["status"],
    &["status", "--json"],
    &["service", "status"],
    &["service", "status", "--json"],
    &["service", "doctor"],
    &["service", "doctor", "--json"],
    &["service", "restart"],
    &["restart"],
    &["service", "stop"],
    &["upgrade", "--check"],
    &["service", "start"],
];

/// Where the token was put, below the home.
const PLANTED: [&str; 2] = [".ductor/config/config.json", "bot"];

#[test]
fn under_launchd_nothing_of_ours_has_the_token() {
    let mac = Mac::with(BOT);
    let bot = mac.world.path("bot").display().to_string();
    nothing_has_it(&mac.world, |words| {
        let chosen = if words.contains(&"install") { &["--bot", &bot][..] } else { &[] };
        let said = mac.ductor_with(&[words, chosen].concat(), &[("TELEGRAM_TOKEN", TOKEN)]);
        format!("{}{}", said.out, said.err)
    });
}

#[test]
fn under_the_task_scheduler_nothing_of_ours_has_the_token() {
    let machine = Machine::with_bot(BOT);
    let bot = machine.world.path("bot").display().to_string();
    nothing_has_it(&machine.world, |words| {
        let chosen = if words.contains(&"install") { &["--bot", &bot][..] } else { &[] };
        let mut command = machine.command(&[words, chosen].concat());
        let output = command.env("TELEGRAM_TOKEN", TOKEN).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    });
}

#[test]
fn under_systemd_nothing_of_ours_has_the_token() {
    let linux = Linux::with(BOT);
    let bot = linux.world.path("bot").display().to_string();
    nothing_has_it(&linux.world, |words| {
        let chosen = if words.contains(&"install") { &["--bot", &bot][..] } else { &[] };
        let mut command = linux.command(&[words, chosen].concat());
        let said = Said::of(command.env("TELEGRAM_TOKEN", TOKEN));
        format!("{}{}", said.out, said.err)
    });
}

fn nothing_has_it(world: &World, ductor: impl Fn(&[&str]) -> String) {
    for folder in ["config", "logs"] {
        fs::create_dir_all(world.home(folder)).unwrap();
    }
    let config = format!("{{\"telegram_token\": \"{TOKEN}\", \"allowed_user_ids\": [1]}}");
    fs::write(world.home("config/config.json"), config).unwrap();
    fs::write(world.home("logs/agent.log"), format!("HTTP Request: POST /bot{TOKEN}/getMe\n")).unwrap();
    for words in VERBS {
        has_not(world, words, &ductor(&[&["--verbose"], words].concat()));
    }
    // The bot ends badly, and says why.
    fs::write(world.path("bad"), "").unwrap();
    let said = ductor(&["service", "restart"]);
    assert!(said.contains("api.telegram.org"), "its last words are shown: {said}");
    has_not(world, &["service", "restart"], &said);
    has_not(world, &["service", "uninstall"], &ductor(&["--verbose", "service", "uninstall"]));
}

/// Neither what was said, nor a command line, nor a file that is ours.
#[track_caller]
fn has_not(world: &World, words: &[&str], said: &str) {
    assert!(!said.contains(TOKEN), "{words:?} says it: {said}");
    for process in Process::all() {
        let line = process.command().join(std::ffi::OsStr::new(" "));
        assert!(!line.to_string_lossy().contains(TOKEN), "{words:?}: {line:?}");
    }
    // What the bot says goes into its log files as it is; `bin` has the programs of this machine.
    let of_others = [world.home("logs"), world.path("bin")];
    let bots_own = |path: &Path| {
        PLANTED.iter().any(|planted| path == world.path(planted))
            || of_others.iter().any(|folder| path.starts_with(folder))
    };
    for path in everything_below(&world.path("")).into_iter().filter(|path| path.is_file() && !bots_own(path))
    {
        let text = fs::read(&path).unwrap_or_default();
        let has_it = text.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
        assert!(!has_it, "{words:?}: {}", path.display());
    }
}
