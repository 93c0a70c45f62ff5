//! An installation that fails at any step leaves files, the task, and what runs as they were.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::machine::Machine;

/// What there was before, in words, and how it comes about.
type Earlier = (&'static str, fn(&Machine));

fn befores() -> [Earlier; 4] {
    [
        ("nothing", |_| {}),
        ("another definition, running", |machine| drop(machine.install_other(&[]).ok())),
        ("another definition, stopped", |machine| drop(machine.install_other(&["--no-start"]).ok())),
        ("ours, switched off", |machine| {
            machine.install(&["--no-start"]).ok();
            machine.schtasks(&["/Change", "/TN", "ductor", "/DISABLE"]).ok();
        }),
    ]
}

impl Machine {
    fn install_other(&self, words: &[&str]) -> super::machine::Said {
        let bot = format!("{} --other", self.world.path("bot").display());
        self.service(&[&["install", "--bot", &bot], words].concat())
    }
}

/// The number of calls of a good installation up to the one that starts the host.
fn calls_until_start(prepare: fn(&Machine)) -> usize {
    let machine = Machine::new();
    prepare(&machine);
    machine.calls();
    machine.install(&[]).ok();
    let calls = machine.calls();
    calls.iter().position(|call| call.contains("/Run")).unwrap() + 1
}

#[test]
fn case_36_a_call_that_fails_leaves_everything_as_it_was() {
    let (failed, needless) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // Most of the time is spent waiting for bots to have lived for a second.
    std::thread::scope(|scope| {
        for (order, earlier) in
            ["fail-at", "lie-at"].into_iter().flat_map(|order| befores().map(|it| (order, it)))
        {
            let (failed, needless) = (&failed, &needless);
            scope.spawn(move || {
                for step in 1..=calls_until_start(earlier.1) {
                    let counted = if install_fails_at(order, step, earlier) { failed } else { needless };
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (failed, needless) = (failed.into_inner(), needless.into_inner());
    println!("{failed} installations failed and left everything as it was, {needless} did not need the call");
    assert!(failed > 20, "{failed}");
}

/// Installs on a machine on which this call fails, or does nothing and says that it did. Whether the installation
/// failed; then everything is as it was.
fn install_fails_at(order: &str, step: usize, (before, prepare): Earlier) -> bool {
    let machine = Machine::new();
    prepare(&machine);
    machine.calls();
    let was = machine.everything();
    machine.set(order, &step.to_string());
    let said = machine.install(&[]);
    let call = machine.calls().get(step - 1).cloned().unwrap_or_default();
    machine.state.remove(order);
    let what = format!("{order} {step} ({call}), before: {before}, {said:#?}");
    if said.code == 0 {
        assert_eq!(machine.status()["state"], "running", "{what}"); // it was only a question
    } else if order == "lie-at" && call.contains("/Run") {
        assert_eq!(machine.tasks(), ["ductor"], "{what}"); // started as far as anybody could know
    } else {
        machine.wait_for_everything(&was, &what);
    }
    said.code != 0
}

#[test]
fn case_36_an_effect_that_is_cut_leaves_everything_as_it_was() {
    let mut count = 0;
    for (before, prepare) in befores() {
        for step in 1.. {
            let machine = Machine::new();
            prepare(&machine);
            let was = machine.everything();
            let bot = machine.world.path("bot").display().to_string();
            let mut install = machine.command(&["service", "install", "--bot", &bot]);
            let output = install.env("DUCTOR_FAULT", step.to_string()).output().unwrap();
            if output.status.success() {
                break; // there are no more
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains(&format!("effect {step}: cut by DUCTOR_FAULT")), "{said}");
            machine.wait_for_everything(&was, &format!("effect {step}, before: {before}: {said}"));
            count += 1;
        }
    }
    println!("{count} installations were cut and left everything as it was");
    assert!(count >= 10, "{count}");
}
