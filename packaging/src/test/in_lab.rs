//! The tier *lab*: the package that `dist` makes, on booted machines.
//!
//! It gets what the machines need, makes the package and the images, and hands over to the tests in
//! `tests/lab`. These are told by two variables what they have: [`PACKAGE`] or [`SKIP`]. With neither (a plain
//! `cargo test`) every one of them is skipped and says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Steps;
use super::second_try::count_twice;
use super::tally::Tally;
use crate::bundle::deb;
use crate::lab::{Wine, image, machine, needs, wine};
use crate::release;
use crate::target::{self, TARGETS};
use crate::workspace::{Workspace, output};

/// The variable that names the package to test, a `.deb`. The other bundles of its platform stand beside it.
pub const PACKAGE: &str = "DUCTOR_LAB_PACKAGE";

/// The variable that says why the tests of the lab can't run. Empty: they are not wanted.
pub const SKIP: &str = "DUCTOR_LAB_SKIP";

/// The variable that names the folder with the programs for Windows; like [`PACKAGE`], for the tests under Wine.
pub const WINDOWS: &str = "DUCTOR_LAB_WINDOWS";

/// The variable that says why the tests under Wine can't run.
pub const WINDOWS_SKIP: &str = "DUCTOR_LAB_WINDOWS_SKIP";

/// The bundles that the tests are about, as `cargo xtask dist` is asked for them: those of every platform.
pub const BUNDLES: &str = "*/*/*";

/// Takes the steps of this tier, with `words` for the test program.
pub fn take(steps: &mut Steps, words: &[String]) {
    let mut ready: Result<PathBuf> = Ok(PathBuf::new());
    steps.take("what machines need", || prepare(&mut ready, || needs::get(&say).map(|()| PathBuf::new())));
    if let Err(missing) = needs::check() {
        ready = Err(missing.into());
    }
    steps.take("images", || prepare(&mut ready, || build_images().map(|()| PathBuf::new())));
    steps.take("package", || prepare(&mut ready, make_package));
    let mut windows: Result<PathBuf> = needs::check().map(|()| PathBuf::new()).map_err(Into::into);
    steps.take("Wine, and programs for Windows", || prepare(&mut windows, make_windows));
    steps.take("unit tests for Windows", || unit_tests(&windows, words));
    steps.take("lab tests", || {
        let tally = count_twice("lab tests", words, |words| lab_tests(&ready, &windows, words));
        machine::sweep()?;
        wine::sweep();
        tally
    });
}

/// Does one thing that the tests rest on, unless an earlier one is missing. A failure fails the step, and is
/// the reason why the tests are skipped.
fn prepare(ready: &mut Result<PathBuf>, step: impl FnOnce() -> Result<PathBuf>) -> Result<Tally> {
    if ready.is_ok() {
        *ready = step();
        if let Err(error) = ready {
            let failed = anyhow::anyhow!("{error:#}");
            return Err(failed);
        }
    }
    Ok(Tally::default())
}

fn build_images() -> Result<()> {
    machine::sweep()?;
    image::build_all(&image::ALL, &say)
}

/// Every bundle, whatever it is for, made here.
fn make_package() -> Result<PathBuf> {
    get_compilers()?;
    let out = super::root().join("target/lab");
    // Not this very program: the tests before may have compiled it anew, and then its file is gone.
    let status = super::cargo("xtask").args(["dist", BUNDLES, "--out"]).arg(&out).status()?;
    ensure!(status.success(), "cargo xtask dist: {status}");
    own_package(&out)
}

/// What compiles and links for other machines, by the script that people get it by.
fn get_compilers() -> Result<()> {
    let script = super::root().join("packaging/cross-setup.sh");
    let status = Command::new(&script).status().with_context(|| format!("run {}", script.display()))?;
    ensure!(status.success(), "{}: {status}; what it said stands above", script.display());
    Ok(())
}

/// The `.deb` of this computer's own processor.
///
/// # Errors
/// It was not made.
pub fn own_package(folder: &Path) -> Result<PathBuf> {
    let platform = target::host_platform();
    let own = TARGETS.iter().find(|target| target.platform() == platform);
    let own = own.with_context(|| format!("no package is made for {platform}"))?;
    let package = folder.join((deb::FORMAT.file)(&release::version()?, own));
    ensure!(package.is_file(), "{} was not made", package.display());
    Ok(package)
}

/// Both programs, a bot, and the models of programs of Windows; with what only debug builds have for tests.
fn make_windows() -> Result<PathBuf> {
    wine::get(&say)?;
    wine::sweep();
    wine::build(&say)?;
    let target = ["--quiet", "--target", wine::TARGET];
    let ours = ["--package=ductor", "--bin=ductor", "--bin=ductorw"];
    let fakes = ["--package=fakes", "--bin=bot", "--bin=fakes"];
    for what in [ours, fakes] {
        let status = super::cargo("build").args(target).args(what).status()?;
        ensure!(status.success(), "cargo build for {}: {status}", wine::TARGET);
    }
    Ok(Workspace::find()?.target.join(wine::TARGET).join("debug"))
}

/// The unit tests, as they are compiled for Windows, under Wine.
fn unit_tests(windows: &Result<PathBuf>, words: &[String]) -> Result<Tally> {
    if let Err(missing) = windows {
        return Ok(Tally::skip("unit tests for Windows", &format!("{missing:#}")));
    }
    let mut build = super::cargo("test");
    build.args(["--quiet", "--package=ductor", "--lib", "--target", wine::TARGET]);
    let said = output(build.args(["--no-run", "--message-format=json"]))?;
    let messages = serde_json::Deserializer::from_slice(&said).into_iter::<serde_json::Value>().flatten();
    let mut programs = messages.filter_map(|message| Some(message["executable"].as_str()?.to_owned()));
    let program = programs.next().context("cargo names no test program")?;
    let wine = Wine::new()?;
    count_twice("unit tests for Windows", words, |words| {
        let mut tests = wine.command(&program);
        tests.args(words);
        tests
    })
}

/// The test program of `tests/lab`, told what there is.
fn lab_tests(ready: &Result<PathBuf>, windows: &Result<PathBuf>, words: &[String]) -> Command {
    let mut test = super::cargo("test");
    test.args(["--package=xtask", "--test=lab", "--"]).args(words).arg(threads());
    match ready {
        Ok(package) => test.env(PACKAGE, package),
        Err(missing) => test.env(SKIP, format!("{missing:#}")),
    };
    match windows {
        Ok(programs) => test.env(WINDOWS, programs),
        Err(missing) => test.env(WINDOWS_SKIP, format!("{missing:#}")),
    };
    test
}

/// Machines mostly wait, so there may be more of them than processors.
fn threads() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    format!("--test-threads={}", (2 * processors).min(6))
}

#[allow(clippy::print_stdout, reason = "this is what a person reads")]
fn say(what: &str) {
    println!("{what}");
}
