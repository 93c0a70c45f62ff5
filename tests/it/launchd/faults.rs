//! An installation that fails at any step leaves files, the switch and what runs as they were.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fakes::launchd::Job;

use super::{Mac, is_change};

/// Makes what an installation finds.
type Begin<'a> = &'a (dyn Fn(&Mac) + Sync);

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

/// Cuts the installation at each effect, and at each call of launchctl, from what `begin` makes.
fn cut_everywhere(what: &str, begin: Begin<'_>) {
    let mac = Mac::new();
    begin(&mac);
    mac.forget_calls();
    let told = mac.install_with(&["-v"], &[]).ended(0).err;
    let effects = told.lines().filter(|line| line.starts_with("+ ")).count();
    let calls: Vec<String> = mac.launchd.get("calls").unwrap().lines().map(Into::into).collect();
    assert!(effects >= 1 && calls.len() >= 6, "{told}\n{calls:?}");

    // After its last change the installation looks whether it came true, in both domains. What follows only waits
    // for the bot: by then the definition stays.
    let last = calls.iter().rposition(|call| is_change(call.trim_start_matches("launchctl "))).unwrap() + 1;
    let numbers = |count: usize| (1..=count).map(|number| number.to_string());
    let mut cuts: Vec<(&str, String)> = numbers(effects).map(|number| ("effect", number)).collect();
    for (call, number) in calls.iter().zip(numbers(last + 2)) {
        if is_change(call.trim_start_matches("launchctl ")) {
            cuts.push(("lie-at", number.clone()));
        }
        cuts.push(("fail-at", number));
    }
    let (failed, calls) = (&AtomicUsize::new(0), &calls);
    for some in cuts.chunks(4) {
        thread::scope(|threads| {
            for (cut, number) in some {
                threads.spawn(move || {
                    if !survives(&format!("{what}: {cut} {number}"), begin, cut, number, calls) {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
    }
    count(what, cuts.len(), failed.load(Ordering::Relaxed));
}

/// Cuts one installation. Whether it did not mind; otherwise everything is as before.
fn survives(what: &str, begin: Begin<'_>, cut: &str, number: &str, calls: &[String]) -> bool {
    let mac = Mac::new();
    begin(&mac);
    let before = look(&mac);
    mac.forget_calls();
    let fault = [("DUCTOR_FAULT", number)];
    let variables = if cut == "effect" { &fault[..] } else { &[] };
    if cut != "effect" {
        mac.launchd.set(cut, number).unwrap();
    }
    let said = mac.install_with(&["-v"], variables);
    mac.launchd.remove(cut);
    if said.code != Some(0) {
        let after = look(&mac);
        assert_eq!(
            (&after.state, &after.jobs, &after.disabled),
            (&before.state, &before.jobs, &before.disabled),
            "{what}\n{}{}",
            said.out,
            said.err
        );
        assert_eq!(after, before, "{what}");
        return false;
    }
    // The one question that it can do without: whether the agent is switched off.
    let call = number.parse::<usize>().ok().and_then(|number| calls.get(number - 1)).unwrap();
    assert!(cut == "fail-at" && call.contains("print-disabled"), "{what}: {call}");
    assert_eq!((mac.state(), mac.problems().len()), ("running".into(), 0), "{what}");
    true
}

/// Says how many places there were, where tests are asked for what they print.
#[allow(clippy::print_stdout, reason = "the number is part of what this test shows")]
fn count(what: &str, cuts: usize, failed: usize) {
    println!("{what}: cut at {cuts} places; {failed} times it failed, and everything was as before");
}

#[test]
fn case_36_a_first_install_that_fails_anywhere_leaves_nothing() {
    cut_everywhere("first install", &|mac| fs::create_dir(mac.world.path("Library")).unwrap());
}

#[test]
fn case_36_a_first_install_over_a_switch_that_is_off_leaves_it_off() {
    cut_everywhere("switched off", &|mac| {
        fs::create_dir(mac.world.path("Library")).unwrap();
        mac.launchctl(&["disable", &mac.job("gui")]);
    });
}

#[test]
fn case_36_a_rewrite_that_fails_anywhere_leaves_the_old_one_running() {
    cut_everywhere("rewrite", &|mac| {
        mac.install_with(&["--no-start"], &[]).ended(0);
        let text = fs::read_to_string(mac.agent()).unwrap();
        let stale = text.replace("<integer>10</integer>", "<integer>9</integer>");
        fs::write(mac.agent(), stale).unwrap();
        let gui = mac.job("gui").replace("/dev.ductor", "");
        assert_eq!(mac.launchctl(&["bootstrap", &gui, mac.agent().to_str().unwrap()]), Some(0));
        super::wait_for_bot(mac, 1);
    });
}
