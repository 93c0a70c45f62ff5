//! A *parser* reads what others wrote: people, the bot and its sandbox, managers, servers. All of ours stand here by
//! name, so that `tests/fuzz` can feed each with anything; each says by a panic what must never be.
//!
//! What crates read (JSON, property lists, XML, signatures) is fed through the function of ours that calls them.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

use crate::bot::{configured, secrets, shebang};
use crate::effects::text;
use crate::home::Home;
use crate::host::{HostState, bot_pid, lock};
use crate::origin::{Receipt, check, release};
use crate::service::definition::ServiceDefinition;
use crate::service::harmless::Harmless;
use crate::service::launchd::agents::{self, Agent};
use crate::service::launchd::domain::Domain;
use crate::service::launchd::job::Job;
use crate::service::launchd::switch;
use crate::service::render::{command_line, plist, unit};
use crate::service::systemd::keep;
use crate::service::systemd::show::Shown;
use crate::service::task_scheduler::csv::fields;
use crate::service::task_scheduler::schtasks::Last;
use crate::service::task_scheduler::tasks::Task;
use crate::service::task_scheduler::user::User;
use crate::words;

/// A parser, by the name of what it reads.
type Parser = (&'static str, fn(&[u8]));

/// Every parser.
pub const ALL: [Parser; 16] = [
    ("config", config),
    ("host_state", host_state),
    ("pid_and_lock", pid_and_lock),
    ("shebang", shebang_of),
    ("words", words_of),
    ("unit", unit_of),
    ("systemctl_show", systemctl_show),
    ("agent", agent),
    ("launchctl", launchctl),
    ("task", task),
    ("schtasks", schtasks),
    ("receipt", receipt),
    ("sums", sums),
    ("signature", signature),
    ("manifest", manifest),
    ("log_lines", log_lines),
];

fn config(bytes: &[u8]) {
    if let Err(cause) = configured::missing(bytes) {
        assert!(cause.len() < 200, "an error that quotes the file: {cause}");
    }
}

fn host_state(bytes: &[u8]) {
    let Ok(state) = serde_json::from_slice::<HostState>(bytes) else { return };
    let written = serde_json::to_vec(&state).unwrap_or_default();
    assert_eq!(serde_json::from_slice::<HostState>(&written).ok().as_ref(), Some(&state));
    let _text = state.last_exit.map(|exit| exit.to_string());
}

fn pid_and_lock(bytes: &[u8]) {
    let _pid = bot_pid::noted(bytes);
    let _holder = lock::noted(bytes);
    let line: Vec<OsString> = lossy(bytes).split('\0').map(OsString::from).collect();
    let _is_bot = bot_pid::runs_bot(&line, &["bot".into(), "-x".into()]);
}

fn shebang_of(bytes: &[u8]) {
    let head = &bytes[..bytes.len().min(8 * 1024)];
    let found = shebang::in_head(head, || bytes.to_vec(), Path::new("/no/such/script"), OsStr::new(""));
    if let shebang::Program::Python(python) = found {
        assert!(python.is_absolute(), "{python:?}");
    }
}

/// `DUCTOR_BOT`, on either system.
fn words_of(bytes: &[u8]) {
    let line = lossy(bytes);
    if let Some(split) = words::split(&line) {
        assert_eq!(words::split(&words::join(&split)).as_ref(), Some(&split), "{line}");
    }
    let split = command_line::split(&line);
    assert_eq!(command_line::split(&command_line::join(split.iter().map(String::as_str))), split, "{line}");
}

fn unit_of(bytes: &[u8]) {
    let text = lossy(bytes);
    let _chosen = unit::chosen_in(&text, "/home/u".as_ref());
    let Some(added) = keep::additions(&text) else { return };
    // What is kept once is kept for ever, and grows no more.
    let again = keep::additions(&keep::in_place("[Service]\nExecStart=/x\n", &added));
    assert_eq!(again.as_ref(), Some(&added));
    let kept = keep::drop_in(None, &added);
    assert_eq!(keep::drop_in(Some(&kept), &added), kept);
}

fn systemctl_show(bytes: &[u8]) {
    let shown = Shown::parse(bytes);
    let _asked = (shown.state(), shown.definition(), shown.pid(), shown.restarts(), shown.is_enabled());
}

fn agent(bytes: &[u8]) {
    let (Agent::Ours(job) | Agent::Python(job)) = Agent::in_text(bytes) else { return };
    let _chosen = plist::chosen_in(&job);
    let Ok(home) = Home::of("/home/u".into(), None) else { return };
    let definition = ServiceDefinition::for_user("/d/ductor", &home, None);
    let _current = agents::is_current(&job, &definition);
    let _kept = plist::render_keeping(&definition, &[], Some(&job));
}

fn launchctl(bytes: &[u8]) {
    let text = lossy(bytes);
    for job in [Job::printed(Domain::Gui, &text), Job::listed(&text)] {
        let _asked = (job.state(None), job.could_not_start());
    }
    let _off = switch::says_off(&text);
}

fn task(bytes: &[u8]) {
    let Some(task) = Task::read("ductor", text(bytes)) else { return };
    let _asked = (task.is_of(&User::unknown()), task.has_host(), task.is_enabled(), task.starts_at_logon());
    let _written = task.tree.document("UTF-16");
}

fn schtasks(bytes: &[u8]) {
    let table = text(bytes);
    let _last = Last::in_table(&table);
    let length: usize = table.lines().flat_map(fields).map(|field| field.len()).sum();
    assert!(length <= table.len(), "fields are parts of their row");
}

fn receipt(bytes: &[u8]) {
    let Ok(receipt) = serde_json::from_slice::<Receipt>(bytes) else { return };
    assert_eq!(serde_json::from_str::<Receipt>(&receipt.to_json()).ok(), Some(receipt));
}

fn sums(bytes: &[u8]) {
    let name = "ductor-x86_64-unknown-linux-musl.tar.xz";
    let passed = check::hash(&lossy(bytes), name, b"an archive").is_ok();
    assert!(!passed || lossy(bytes).contains(&check::sha256(b"an archive")), "without its hash");
}

/// Nobody makes a signature of the key in the documentation of minisign by chance.
fn signature(bytes: &[u8]) {
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    assert!(check::signature(b"a list of hashes", &lossy(bytes), key).is_err());
    let _no_key = check::signature(b"", "", &lossy(bytes));
}

fn manifest(bytes: &[u8]) {
    if let Ok(version) = release::version(bytes) {
        assert!(!version.to_string().contains(['/', ' ', '\n']), "{version}");
    }
}

/// What the bot said, on its way to a terminal or into an error.
fn log_lines(bytes: &[u8]) {
    let mut harmless = Harmless::new(Vec::new());
    let _infallible = harmless.write_all(bytes);
    let shown = harmless.into_inner();
    assert!(!shown.iter().any(|byte| *byte < 32 && !b"\n\t\r".contains(byte)), "a control character");
    let (config, said) = bytes.split_at(bytes.len() / 2);
    let said = lossy(said);
    let hidden = secrets::hide_those_of(config, &said);
    assert!(hidden.lines().count() <= said.lines().count(), "lines come from nowhere: {hidden:?}");
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
