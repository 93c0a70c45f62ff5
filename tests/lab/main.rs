//! Tests on booted machines, with the package that `cargo xtask dist` makes.
//!
//! `cargo xtask test lab` prepares them and runs them. Run in any other way each is skipped and says so:
//! never silently passed. A module is one subject; its list at the top is what is judged.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test program: it tells, and it may panic")]

mod access;
mod arch;
mod attacks;
mod cross;
mod deb;
mod definitions;
mod endings;
mod faults;
mod foreign;
mod getting;
mod in_use;
mod input;
mod inside;
mod installer;
mod journal;
mod lab;
mod made_of;
mod manual;
mod mirror;
mod msi;
mod onboarding;
mod openrc;
mod owners;
mod package;
mod picture;
mod places;
mod reproducible;
mod rpm;
mod screens;
mod search_path;
mod service;
mod survive;
mod trees;
mod uninstall;
mod unit;
mod upgrade;
mod web;
mod wine;
mod world;

use std::cell::RefCell;
use std::panic;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use xtask::test::in_lab::{PACKAGE, SKIP, WINDOWS, WINDOWS_SKIP};

/// A test by its name.
type Test = (&'static str, fn() -> anyhow::Result<()>);

/// Lists the tests of a module by the names of their functions.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub const TESTS: &[crate::Test] = &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*];
    };
}
use tests;

thread_local! {
    /// Where and why this thread panicked: a test says what it expects by panicking.
    static PANIC: RefCell<String> = RefCell::default();
}

static TIMES: Mutex<Vec<(Duration, &str)>> = Mutex::new(Vec::new());

fn main() -> ExitCode {
    let args = Arguments::from_args();
    panic::set_hook(Box::new(|info| PANIC.set(info.to_string())));
    let lacks = lacks();
    if lacks.as_deref() == Some("") {
        return ExitCode::SUCCESS; // not wanted
    }
    let tests = [
        reproducible::TESTS, // the longest first
        cross::TESTS,
        getting::TESTS,
        installer::TESTS,
        mirror::TESTS,
        unit::TESTS,
        lab::TESTS,
        made_of::TESTS,
        manual::TESTS,
        package::TESTS,
        picture::TESTS,
        service::TESTS,
        survive::TESTS,
        uninstall::TESTS,
        access::TESTS,
        attacks::TESTS,
        endings::TESTS,
        trees::TESTS,
        owners::TESTS,
        inside::TESTS,
        screens::TESTS,
        search_path::TESTS,
        deb::TESTS,
        definitions::TESTS,
        places::TESTS,
        faults::TESTS,
        journal::TESTS,
        upgrade::TESTS,
        onboarding::TESTS,
        openrc::TESTS,
        input::TESTS,
        rpm::TESTS,
        arch::TESTS,
        wine::TESTS,
        msi::TESTS,
        in_use::TESTS,
    ]
    .concat();
    let trials = tests.into_iter().map(|(name, test)| {
        let of_wine = ["lab::wine::", "lab::msi::", "lab::in_use::", "lab::cross::the_program_of_windows"]
            .iter()
            .any(|module| name.starts_with(module));
        let under_wine = || of_wine.then(lacks_windows).flatten();
        let lacks = lacks.clone().or_else(under_wine);
        let short = name.strip_prefix("lab::").unwrap_or(name);
        Trial::ignorable_test(short, move || match lacks {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => timed(short, test),
        })
    });
    let end = libtest_mimic::run(&args, trials.collect());
    tell_times();
    end.exit_code()
}

/// Why the tests can't run, if they can't.
fn lacks() -> Option<String> {
    let plain = || std::env::var_os(PACKAGE).is_none().then(|| "they run by: cargo xtask test lab".into());
    std::env::var(SKIP).ok().or_else(plain)
}

/// The same for the tests that need Wine and programs for Windows.
fn lacks_windows() -> Option<String> {
    let plain = || std::env::var_os(WINDOWS).is_none().then(|| "no programs for Windows were made".into());
    std::env::var(WINDOWS_SKIP).ok().or_else(plain)
}

fn timed(name: &'static str, test: fn() -> anyhow::Result<()>) -> Result<Completion, Failed> {
    let start = Instant::now();
    let end = panic::catch_unwind(test).unwrap_or_else(|_| Err(anyhow::Error::msg(PANIC.take())));
    TIMES.lock().unwrap().push((start.elapsed(), name));
    match end {
        Ok(()) => Ok(Completion::Completed),
        Err(error) => Err(format!("{error:#}").into()),
    }
}

/// The slowest tests: what to look at when the whole takes too long.
fn tell_times() {
    let mut times = TIMES.lock().unwrap();
    times.sort_by(|a, b| b.cmp(a));
    for (took, name) in times.iter().take(20) {
        println!("{:>8.1} s  {name}", took.as_secs_f32());
    }
}
