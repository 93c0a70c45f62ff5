//! Every command that changes the service, cut at every place (`src/effects/fault.rs`), under all three managers.
//!
//! Where a place fails, everything is as before, or as the command makes it. Where the process is killed, every file is
//! whole, and the same command again makes everything as if nothing had happened. Either way nothing else is left.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod answers;
pub mod machine;
mod picture;
pub mod release;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use machine::{MACHINES, Machine, PACKAGED};
use picture::Picture;

use crate::world::Said;

/// In what is said where linger is not as it was asked for, which is no failure.
const LINGER: &str = "sudo loginctl ";

type New = fn() -> Box<dyn Machine>;
/// Makes what the command finds.
type Begin = dyn Fn(&dyn Machine) + Sync;
/// The command.
type Act = dyn Fn(&dyn Machine) -> Command + Sync;

/// Cuts the command in every way, from what `begin` makes, under each of the managers.
fn everywhere(what: &str, begin: &Begin, act: &Act) {
    each(&MACHINES, |new| Cut::new(new, begin, act).everywhere(what));
}

/// Does something with each of the machines, at the same time.
fn each(machines: &[New], act: impl Fn(New) + Sync) {
    thread::scope(|scope| machines.iter().for_each(|new| drop(scope.spawn(|| act(*new)))));
}

/// A command that is cut, and what there is before and after it where it is not.
struct Cut<'a> {
    new: New,
    begin: &'a Begin,
    act: &'a Act,
    before: Picture,
    after: Picture,
}

impl<'a> Cut<'a> {
    fn new(new: New, begin: &'a Begin, act: &'a Act) -> Self {
        let machine = new();
        begin(&*machine);
        let before = Picture::of(&*machine);
        Said::of(&mut act(&*machine)).ended(0);
        Self { new, begin, act, before, after: Picture::of(&*machine) }
    }

    /// A machine on which the command was not yet run.
    fn machine(&self) -> Box<dyn Machine> {
        let machine = (self.new)();
        (self.begin)(&*machine);
        machine
    }

    fn command(&self, machine: &dyn Machine, fault: &str) -> Command {
        let mut command = (self.act)(machine);
        command.env("DUCTOR_FAULT", fault);
        command
    }

    #[allow(clippy::print_stdout, reason = "the number is part of what this test shows")]
    fn everywhere(&self, what: &str) {
        let count = while_there_are(|place| self.is_killed(place));
        let failed = AtomicUsize::new(0);
        while_there_are(|place| {
            failed.fetch_add(usize::from(place <= count && self.fails(place)), Ordering::Relaxed);
            place < count
        });
        let (manager, failed) = (self.before.manager(), failed.into_inner());
        println!("{manager}, {what}: killed at {count} places, failed at {failed} of them");
        assert!(count > 0 && failed > 0, "{manager}, {what}: {count}, {failed}");
    }

    /// Whether there is such a place to be killed at.
    fn is_killed(&self, place: usize) -> bool {
        let machine = self.machine();
        let output = self.command(&*machine, &format!("kill:{place}")).output().unwrap();
        if output.status.signal() != Some(9) {
            return false;
        }
        let half = Picture::files_of(&*machine);
        half.is_whole(&self.before, &self.after);
        let again = Said::of(&mut (self.act)(&*machine));
        let told = format!("killed at {place}, then {:?}: {}{}", again.code, again.out, again.err);
        self.after.wait_for(&*machine, &told);
        again.ended(0);
        true
    }

    /// Whether the command fails when this place does; then everything is as before.
    fn fails(&self, place: usize) -> bool {
        let machine = self.machine();
        let said = Said::of(&mut self.command(&*machine, &place.to_string()));
        let told = format!("cut at {place}, {:?}: {}{}", said.code, said.out, said.err);
        if said.code == Some(0) {
            if !said.err.contains(LINGER) {
                self.after.wait_for(&*machine, &told);
            }
            return false;
        }
        assert!(said.err.contains("cut by DUCTOR_FAULT"), "{told}");
        self.before.wait_for(&*machine, &told);
        true
    }
}

/// Does something with 1, 2, 3 …, several at a time, until it says that there is no such number. How many there were:
/// most of the time is spent waiting for bots to have lived for a second.
fn while_there_are(act: impl Fn(usize) -> bool + Sync) -> usize {
    let (next, last) = (AtomicUsize::new(1), AtomicUsize::new(usize::MAX));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number > last.load(Ordering::SeqCst) {
                        break;
                    }
                    if !act(number) {
                        last.fetch_min(number - 1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    last.into_inner()
}

fn install(machine: &dyn Machine) -> Command {
    let bot = machine.world().path("bot");
    machine.ductor(&["service", "install", "--bot", bot.to_str().unwrap()])
}

/// With another definition than [`install`] makes.
fn install_other(machine: &dyn Machine) {
    let bot = format!("{} --other", machine.world().path("bot").display());
    Said::of(&mut machine.ductor(&["service", "install", "--bot", &bot])).ended(0);
}

fn installed(machine: &dyn Machine) {
    Said::of(&mut install(machine)).ended(0);
}

fn service(verb: &'static str) -> impl Fn(&dyn Machine) -> Command + Sync {
    move |machine| machine.ductor(&["service", verb])
}

fn stopped(machine: &dyn Machine) {
    installed(machine);
    Said::of(&mut machine.ductor(&["service", "stop"])).ended(0);
}

fn switched_off(machine: &dyn Machine) {
    stopped(machine);
    machine.switch_off();
}

fn uninstalled(machine: &dyn Machine) {
    installed(machine);
    Said::of(&mut machine.ductor(&["service", "uninstall"])).ended(0);
}

#[test]
fn case_36_a_first_install_cut_anywhere_is_there_or_not() {
    everywhere("first install", &|_| {}, &install);
}

#[test]
fn case_36_an_install_over_another_cut_anywhere_is_the_old_or_the_new_one() {
    everywhere("install over another", &install_other, &install);
}

#[test]
fn case_36_an_install_over_one_that_is_switched_off_cut_anywhere_is_done_or_not() {
    everywhere("install over one switched off", &switched_off, &install);
}

#[test]
fn case_36_beside_a_package_what_is_cut_anywhere_is_done_or_not() {
    each(&PACKAGED, |new| {
        Cut::new(new, &|_| {}, &install).everywhere("install beside a package");
        Cut::new(new, &installed, &service("uninstall")).everywhere("uninstall beside a package");
        Cut::new(new, &uninstalled, &install).everywhere("install over a mask");
    });
}

#[test]
fn case_36_an_uninstall_cut_anywhere_is_done_or_not() {
    everywhere("uninstall", &installed, &service("uninstall"));
}

#[test]
fn case_36_a_start_cut_anywhere_is_done_or_not() {
    everywhere("start", &stopped, &service("start"));
}

#[test]
fn case_36_a_stop_cut_anywhere_is_done_or_not() {
    everywhere("stop", &installed, &service("stop"));
}

#[test]
fn case_36_a_restart_cut_anywhere_leaves_it_running() {
    everywhere("restart", &installed, &service("restart"));
}

/// Pages of a version that had come half-way were taken for somebody's own, and stayed.
#[test]
fn what_a_killed_upgrade_had_placed_is_uninstalled_with_the_rest() {
    each(&MACHINES, |new| {
        while_there_are(|place| {
            let machine = new();
            release::placed(&*machine);
            let mut upgrade = release::upgrade(&*machine);
            if upgrade.env("DUCTOR_FAULT", format!("kill:{place}")).output().unwrap().status.signal()
                != Some(9)
            {
                return false;
            }
            let said = Said::of(&mut release::installed(&*machine, &["uninstall"])).ended(0);
            assert!(!said.err.contains("somebody changed"), "killed at {place}: {}", said.err);
            for left in [".local/bin/ductor", ".local/share/man", ".local/share/ductor/install.json"] {
                assert!(!machine.world().path(left).exists(), "killed at {place}: {left}\n{}", said.err);
            }
            true
        });
    });
}

#[test]
fn case_36_an_upgrade_cut_anywhere_is_the_old_or_the_new_version() {
    everywhere("upgrade", &release::placed, &release::upgrade);
}
