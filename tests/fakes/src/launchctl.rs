//! `launchctl` of macOS, as far as ductor uses it. It changes what stands in the state folder; that a job runs is
//! the business of [`super::launchd`].
//!
//! # Sources
//!
//! Nothing here was measured on a Mac. The forms of `print`, `print-disabled` and `list`, and the codes 64, 112 and
//! 113, follow ProcursusTeam/launchctl, a rewrite of Apple's; codes 3, 5, 36, 37 and 125, and when they come, follow
//! reports of users (openclaw#116875 and #84721: `bootout` comes back early, `bootstrap` is refused with 5 or 37
//! meanwhile; openclaw#849: 5 while switched off; oppi#38: 125 without a screen session; homebrew-services#111:
//! `load` says 0 whatever happens; numa#189: `list` sees one domain only). Where they say nothing, the simplest
//! behaviour was taken.
//!
//! # Settings
//!
//! | file in the state folder | meaning |
//! |---|---|
//! | `screen` | is there: this user is logged in at the screen, so `gui/UID` exists |
//! | `drain-ms` | so long an ended job stays in the way |
//! | `bootout-code`, `bootstrap-codes` | the answer of every `bootout`; those of the next `bootstrap`s (0: work) |
//! | `unknown-verbs` | verbs that this launchctl does not know; with `print` among them it is one of 10.9 |
//! | `old-form` | is there: texts as before macOS 11 |
//! | `load-fails` | what `load` writes to stderr, ending with 0 and doing nothing |
//! | `no-exec` | is there: no program of a job can be executed |
//! | `throttle-ms` | instead of the `ThrottleInterval` of a job |
//! | `setenv` | `NAME=VALUE` lines that every job gets, as by `launchctl setenv` |
//! | `disabled` | the labels that are switched off; also written by `enable` and `disable` |

use std::path::Path;
use std::time::{Duration, Instant};

use crate::launchd::{self, Job};
use crate::state::{Order, State};
use crate::{complain, say};

const OK: u8 = 0;
const IO: u8 = 5;
const ALREADY: u8 = 37;
const USAGE: u8 = 64;
const NO_DOMAIN: u8 = 112;
const NO_SERVICE: u8 = 113;
const UNSUPPORTED: u8 = 125;
/// What a call that is told to fail ends with: `EPERM`.
const TOLD: u8 = 1;

/// Is launchctl.
pub fn main(args: &[String]) -> u8 {
    let Some(state) = State::find() else { return complain(TOLD, "FAKE_STATE is not set") };
    match state.call("launchctl", args) {
        Order::Fail => return complain(TOLD, "Operation not permitted"),
        Order::Lie => return OK,
        Order::Work => {}
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let unknown = state.get("unknown-verbs").unwrap_or_default();
    let unknown: Vec<&str> = unknown.split_whitespace().collect();
    if words.first().is_none_or(|verb| unknown.contains(verb)) {
        let code = if unknown.contains(&"print") { TOLD } else { USAGE };
        return complain(code, &format!("Unrecognized subcommand: {}", words.first().unwrap_or(&"")));
    }
    run(&state, &words)
}

fn run(state: &State, words: &[&str]) -> u8 {
    match words {
        ["version"] => say("Darwin Bootstrapper Version 7.0.0: a fake one"),
        ["print", target] if target.matches('/').count() == 1 => print_domain(state, target),
        ["print", target] => print_job(state, target),
        ["print-disabled", domain] if is_there(state, domain) => print_disabled(state),
        ["print-disabled", _] => no_domain(),
        ["enable", target] => switch(state, target, true),
        ["disable", target] => switch(state, target, false),
        ["bootstrap", domain, path] => bootstrap(state, domain, Path::new(path)),
        ["bootout", target] => bootout(state, target),
        ["load", words @ .., path] => {
            let label = launchd::label(Path::new(path)).filter(|_| words.contains(&"-w"));
            let _if_it_has_one = label.map(|label| switch(state, &label, true));
            load(state, Path::new(path))
        }
        ["unload", path] => unload(state, Path::new(path)),
        ["list", label] => list(state, label),
        _ => complain(USAGE, "Usage: launchctl <subcommand> ..."),
    }
}

/// `gui/UID` is there while somebody sits at the screen; `user/UID` while anything of the user runs, as we do.
fn is_there(state: &State, domain: &str) -> bool {
    let uid = launchd::uid();
    domain == format!("user/{uid}") || (domain == format!("gui/{uid}") && state.has("screen"))
}

fn no_domain() -> u8 {
    complain(NO_DOMAIN, "Bad request.\nCould not find domain")
}

fn print_domain(state: &State, domain: &str) -> u8 {
    if !is_there(state, domain) {
        return no_domain();
    }
    say(&format!("{domain} = {{\n\ttype = {}\n}}", domain.split('/').next().unwrap_or_default()))
}

fn print_job(state: &State, target: &str) -> u8 {
    let Some((domain, _)) = target.rsplit_once('/').filter(|(domain, _)| is_there(state, domain)) else {
        return complain(UNSUPPORTED, "Domain does not support specified action");
    };
    let Some(job) = Job::read(state, target) else {
        return complain(NO_SERVICE, &format!("Bad request.\nCould not find service in domain for {domain}"));
    };
    let (key, reason) = if state.has("old-form") {
        ("last exit status", "")
    } else {
        ("last exit code", if job.last_exit == Some(78) { ": EX_CONFIG" } else { "" })
    };
    let last = job.last_exit.map_or("(never exited)".into(), |code| format!("{code}{reason}"));
    let pid = job.pid.map(|pid| format!("\tpid = {pid}\n")).unwrap_or_default();
    say(&format!(
        "{target} = {{\n\tactive count = 1\n\tpath = {}\n\ttype = LaunchAgent\n\tstate = {}\n\n\tprogram = {}\n\t\
         arguments = {{\n\t\t{}\n\t}}\n\n\tdomain = {domain}\n\truns = {}\n{pid}\t{key} = {last}\n}}",
        job.path, job.state, job.program, job.program, job.runs
    ))
}

fn print_disabled(state: &State) -> u8 {
    let off = if state.has("old-form") { "true" } else { "disabled" };
    let lines: String =
        launchd::disabled(state).iter().map(|label| format!("\t\t\"{label}\" => {off}\n")).collect();
    say(&format!("\n\tdisabled services = {{\n\t\t\"com.example.other\" => {off}\n{lines}\t}}"))
}

/// Switches a label on or off. It need not be loaded, nor exist.
fn switch(state: &State, target: &str, on: bool) -> u8 {
    let label = target.rsplit('/').next().unwrap_or_default();
    let mut labels = launchd::disabled(state);
    labels.retain(|it| it != label);
    if !on {
        labels.push(label.into());
    }
    if state.set("disabled", &labels.join("\n")).is_ok() { OK } else { IO }
}

fn bootstrap(state: &State, domain: &str, path: &Path) -> u8 {
    let told = state.take_word("bootstrap-codes").and_then(|code| code.parse().ok());
    if let Some(code) = told.filter(|code| *code != OK) {
        return complain(code, &format!("Bootstrap failed: {code}"));
    }
    if !is_there(state, domain) {
        return complain(UNSUPPORTED, "Bootstrap failed: 125: Domain does not support specified action");
    }
    match start(state, domain, path) {
        Ok(()) => OK,
        Err(ALREADY) => complain(ALREADY, "Bootstrap failed: 37: Operation already in progress"),
        Err(code) => complain(code, "Bootstrap failed: 5: Input/output error"),
    }
}

fn start(state: &State, domain: &str, path: &Path) -> Result<(), u8> {
    let label = launchd::label(path).ok_or(IO)?;
    let target = format!("{domain}/{label}");
    if launchd::disabled(state).contains(&label) {
        return Err(IO);
    }
    match Job::read(state, &target) {
        _ if launchd::is_ending(state, &target) => return Err(ALREADY),
        Some(_) => return Err(IO),
        None => {}
    }
    if !launchd::may_stand_in(path, domain) {
        return Err(IO);
    }
    launchd::start(state, &target, path).map_err(|_| IO)
}

/// Comes back before the job has ended, unless it ends at once.
fn bootout(state: &State, target: &str) -> u8 {
    if let Some(code) = state.number("bootout-code").and_then(|code| code.try_into().ok()) {
        if Job::read(state, target).is_some() {
            launchd::end(state, target);
        }
        return complain(code, &format!("Boot-out failed: {code}"));
    }
    match Job::read(state, target) {
        None => complain(3, "Boot-out failed: 3: No such process"),
        Some(_) if launchd::is_ending(state, target) => {
            complain(36, "Boot-out failed: 36: Operation now in progress")
        }
        Some(_) => {
            launchd::end(state, target);
            OK
        }
    }
}

/// The domain of the session in which launchctl is called; the old verbs know no other.
fn session(state: &State) -> String {
    let kind = if state.has("screen") { "gui" } else { "user" };
    format!("{kind}/{}", launchd::uid())
}

/// Ends with 0, whatever happens.
fn load(state: &State, path: &Path) -> u8 {
    if let Some(text) = state.get("load-fails") {
        return complain(OK, &text);
    }
    // It is a front for what the newer verbs do, so a job that is ending is in its way too, for a moment.
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        match start(state, &session(state), path) {
            Err(ALREADY) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
            Err(code) => return complain(OK, &format!("Load failed: {code}: Input/output error")),
            Ok(()) => return OK,
        }
    }
}

fn unload(state: &State, path: &Path) -> u8 {
    if let Some(label) = launchd::label(path) {
        launchd::end(state, &format!("{}/{label}", session(state)));
    }
    OK
}

fn list(state: &State, label: &str) -> u8 {
    let Some(job) = Job::read(state, &format!("{}/{label}", session(state))) else {
        return complain(NO_SERVICE, &format!("Could not find service \"{label}\" in domain for port"));
    };
    let pid = job.pid.map(|pid| format!("\t\"PID\" = {pid};\n")).unwrap_or_default();
    let status = job.last_exit.unwrap_or(0) << 8;
    say(&format!(
        "{{\n\t\"LimitLoadToSessionType\" = \"Aqua\";\n\t\"Label\" = \"{label}\";\n\t\"OnDemand\" = false;\n\t\
         \"LastExitStatus\" = {status};\n{pid}\t\"Program\" = \"{}\";\n}};",
        job.program
    ))
}
