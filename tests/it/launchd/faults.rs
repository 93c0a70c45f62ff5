//! An installation that fails at any step leaves files, the switch and what runs as they were.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fakes::launchd::Job;

use super::{Mac, is_change};
use crate::world::{Said, wait_for};

/// Makes what an installation finds.
type Begin<'a> = &'a (dyn Fn(&Mac) + Sync);

/// What is cut.
type Act = fn(&Mac, &[(&str, &str)]) -> Said;

fn install(mac: &Mac, variables: &[(&str, &str)]) -> Said {
    mac.install_with(&["-v"], variables)
}

fn uninstall(mac: &Mac, variables: &[(&str, &str)]) -> Said {
    mac.ductor_with(&["-v", "service", "uninstall"], variables)
}

/// What has to be as before.
#[derive(Debug, PartialEq)]
struct Seen {
    files: BTreeMap<PathBuf, (u32, String)>,
    disabled: String,
    /// The property list and whether it runs, in each domain.
    jobs: Vec<Option<(String, bool)>>,
    state: String,
}

fn look(mac: &Mac) -> Seen {
    let mut files = BTreeMap::new();
    note(&mac.world.path("Library"), &mut files);
    note(&mac.world.home("logs"), &mut files);
    let job = |domain| Job::read(&mac.launchd, &mac.job(domain)).map(|job| (job.path, job.pid.is_some()));
    Seen {
        files,
        disabled: mac.launchd.get("disabled").unwrap_or_default(),
        jobs: ["gui", "user"].map(job).into(),
        state: mac.state(),
    }
}

fn note(folder: &Path, files: &mut BTreeMap<PathBuf, (u32, String)>) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, meta) = (file.path(), file.metadata().unwrap());
        if meta.is_dir() {
            note(&path, files);
        }
        // What the bot says is not what an installation leaves.
        let content = if path.extension().is_some_and(|it| it == "plist") {
            fs::read_to_string(&path).unwrap()
        } else {
            String::new()
        };
        files.insert(path, (meta.permissions().mode(), content));
    }
}

/// Cuts a command at each effect, and at each call of launchctl, from what `begin` makes.
fn cut_everywhere(what: &str, begin: Begin<'_>, act: Act) {
    let mac = Mac::new();
    begin(&mac);
    mac.forget_calls();
    let told = act(&mac, &[]).ended(0).err;
    let effects = told.lines().filter(|line| line.starts_with("+ ")).count();
    let calls: Vec<String> = mac.launchd.get("calls").unwrap().lines().map(Into::into).collect();
    assert!(effects >= 1 && calls.len() >= 6, "{told}\n{calls:?}");

    let last = calls.iter().rposition(|call| is_change(verb(call))).unwrap() + 1;
    let numbers = |count: usize| (1..=count).map(|number| number.to_string());
    let mut cuts: Vec<Cut> = numbers(effects).map(Cut::Effect).collect();
    cuts.extend(numbers(last + LOOK).map(Cut::Fail));
    cuts.extend(calls.iter().filter(|call| is_change(verb(call))).map(|call| Cut::Lie(verb(call).into())));
    let (failed, done) = (&AtomicUsize::new(0), &*mac.state());
    for some in cuts.chunks(4) {
        thread::scope(|threads| {
            for cut in some {
                threads.spawn(move || {
                    if fails(what, begin, act, done, cut) {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
    }
    let failed = failed.load(Ordering::Relaxed);
    // Two questions may go without an answer, and how often it looks differs.
    assert!(failed + 4 > cuts.len(), "{failed} of {}", cuts.len());
    count(what, cuts.len(), failed);
}

/// After a change it looks whether that came true, in both domains.
const LOOK: usize = 2;

/// Where an installation is cut.
#[derive(Debug)]
enum Cut {
    /// This effect fails.
    Effect(String),
    /// This call of launchctl fails.
    Fail(String),
    /// The first call with this verb does nothing, and says that it did.
    Lie(String),
}

fn verb(call: &str) -> &str {
    call.split(' ').nth(1).unwrap()
}

/// Cuts the command once. Whether it failed; then everything is as before. Otherwise it does all that it shall.
fn fails(what: &str, begin: Begin<'_>, act: Act, done: &str, cut: &Cut) -> bool {
    let mac = Mac::new();
    begin(&mac);
    let before = look(&mac);
    mac.forget_calls();
    let said = match cut {
        Cut::Effect(number) => act(&mac, &[("DUCTOR_FAULT", number)]),
        Cut::Fail(number) => {
            mac.launchd.set("fail-at", number).unwrap();
            act(&mac, &[])
        }
        Cut::Lie(verb) => {
            mac.launchd.set("lie-at", verb).unwrap();
            act(&mac, &[])
        }
    };
    mac.launchd.remove("fail-at");
    mac.launchd.remove("lie-at");
    let told = format!("{what}: {cut:?}\n{}{}", said.out, said.err);
    let after = look(&mac);
    if said.code != Some(0) && after == before {
        return true;
    }
    let call = harmless(&mac, cut);
    assert!(
        call.is_some(),
        "{told}\nbefore {:?}, {:?}\nafter {:?}, {:?}",
        before.state,
        before.jobs,
        after.state,
        after.jobs
    );
    wait_for(done, || mac.state() == done);
    false
}

/// The call that failed where nothing is taken back: the question whether the agent is switched off, which it can
/// do without, and those after the installation, by which the bot is waited for.
fn harmless(mac: &Mac, cut: &Cut) -> Option<String> {
    let Cut::Fail(number) = cut else { return None };
    let calls = mac.launchd.get("calls").unwrap();
    let mut calls: Vec<&str> = calls.lines().collect();
    calls.truncate(number.parse().unwrap());
    let call = calls.pop().unwrap();
    let looks = calls.iter().rev().take_while(|call| verb(call) != "bootstrap").count();
    let is_over = looks < calls.len() && looks >= LOOK;
    (verb(call) == "print-disabled" || is_over).then(|| call.into())
}

/// Says how many places there were, where tests are asked for what they print.
#[allow(clippy::print_stdout, reason = "the number is part of what this test shows")]
fn count(what: &str, cuts: usize, failed: usize) {
    println!("{what}: cut at {cuts} places; {failed} times it failed, and everything was as before");
}

#[test]
fn case_36_a_first_install_that_fails_anywhere_leaves_nothing() {
    cut_everywhere("first install", &|mac| fs::create_dir(mac.world.path("Library")).unwrap(), install);
}

#[test]
fn case_36_a_first_install_over_a_switch_that_is_off_leaves_it_off() {
    cut_everywhere(
        "switched off",
        &|mac| {
            fs::create_dir(mac.world.path("Library")).unwrap();
            mac.launchctl(&["disable", &mac.job("gui")]);
        },
        install,
    );
}

#[test]
fn case_36_a_rewrite_that_fails_anywhere_leaves_the_old_one_running() {
    cut_everywhere(
        "rewrite",
        &|mac| {
            mac.install_with(&["--no-start"], &[]).ended(0);
            let text = fs::read_to_string(mac.agent()).unwrap();
            let stale = text.replace("<integer>10</integer>", "<integer>9</integer>");
            fs::write(mac.agent(), stale).unwrap();
            let gui = mac.job("gui").replace("/dev.ductor", "");
            assert_eq!(mac.launchctl(&["bootstrap", &gui, mac.agent().to_str().unwrap()]), Some(0));
            super::wait_for_bot(mac, 1);
        },
        install,
    );
}

#[test]
fn case_36_an_uninstallation_that_fails_anywhere_leaves_it_running() {
    cut_everywhere("uninstall", &|mac| drop(mac.install().ended(0)), uninstall);
}
