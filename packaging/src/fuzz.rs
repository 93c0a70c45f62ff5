//! `cargo xtask fuzz`: feeds every [parser](parsers), of ductor and of the code that builds, with anything, by libFuzzer.
//!
//! cargo-fuzz compiles `tests/fuzz` with the compiler that is there: without a sanitizer, which safe Rust does not need,
//! nothing of that is unstable. Seeds are `tests/fuzz/corpus` and `tests/golden`; inputs that reached new code stay in
//! `target/fuzz/corpus`, and the next run goes on from there. What ends a parser, hangs it or makes it take half a
//! gigabyte is a *find*.

#![allow(clippy::print_stdout, reason = "this is what a person reads")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::lab::needs;
use crate::parsers;
use crate::test::tally::Tally;
use crate::tools;
use crate::workspace::{Workspace, output};

/// How each parser is fed by `cargo xtask test`: the same inputs every time, so that what passed once passes again.
const BRIEFLY: [&str; 3] = ["-seed=1", "-runs=10000", "-max_total_time=20"];

/// How the program is compiled: as fast as the parsers are to be tried, and no slower to make than that takes.
const PROFILE: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_PANIC", "unwind"),
    ("CARGO_PROFILE_RELEASE_STRIP", "none"),
];

/// For how long, and what.
#[derive(clap::Args, Debug)]
pub struct Wanted {
    /// Feed each parser for so many minutes
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub minutes: u64,
    /// Feed each as `cargo xtask test` does: a few thousand inputs, always the same
    #[arg(long, conflicts_with = "minutes")]
    pub briefly: bool,
    /// These parsers, not all
    pub parsers: Vec<String>,
}

/// Feeds the parsers that are wanted and gives the exit code: 0 when nothing was found.
///
/// # Errors
/// A parser is not known; the fuzzer can't be made.
pub fn run(wanted: &Wanted) -> Result<u8> {
    let known: Vec<&str> = parsers::all().map(|(name, _)| name).collect();
    let unknown = wanted.parsers.iter().find(|name| !known.contains(&name.as_str()));
    ensure!(unknown.is_none(), "no parser {unknown:?}; there are: {}", known.join(", "));
    let is_wanted = |name: &&str| wanted.parsers.is_empty() || wanted.parsers.iter().any(|it| it == name);
    let parsers = known.into_iter().filter(is_wanted).collect();
    get()?;
    let tally = feed(parsers, (!wanted.briefly).then(|| Duration::from_secs(60 * wanted.minutes)))?;
    Ok(u8::from(!tally.failures.is_empty()))
}

/// Feeds every parser for a moment, as a step of `cargo xtask test`.
///
/// # Errors
/// The fuzzer can't be made.
pub fn briefly() -> Result<Tally> {
    if let Err(error) = get() {
        return Ok(Tally::skip("fuzz", &format!("{error:#}")));
    }
    feed(parsers::all().map(|(name, _)| name).collect(), None)
}

/// For so long, or briefly.
fn feed(parsers: Vec<&'static str>, time: Option<Duration>) -> Result<Tally> {
    let workspace = Workspace::find()?;
    let fuzzer = Fuzzer { program: make(&workspace)?, workspace, time };
    let (left, tally) = (Mutex::new(parsers.into_iter()), Mutex::new(Tally::default()));
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                let next = || left.lock().ok()?.next();
                while let Some(parser) = next() {
                    let name = format!("fuzz {parser}");
                    let one = fuzzer.feed(parser).unwrap_or_else(|error| {
                        println!("{name}: {error:#}");
                        Tally::fail(&name)
                    });
                    if let Ok(mut tally) = tally.lock() {
                        *tally = [std::mem::take(&mut *tally), one].into_iter().sum();
                    }
                }
            });
        }
    });
    tally.into_inner().ok().context("a thread panicked")
}

/// Gets what the fuzzer is made with.
fn get() -> Result<()> {
    let missing = [("c++", "g++"), ("pip3", "python3-pip")].into_iter();
    let missing: Vec<&str> =
        missing.filter(|(program, _)| !needs::on_path(program)).map(|(_, package)| package).collect();
    needs::install(&missing, &|what| println!("{what}"))?;
    ensure!(needs::on_path("c++"), "no C++ compiler, which libFuzzer is written for: install g++");
    tools::fetch()
}

/// Compiles the program that has all parsers in it.
fn make(workspace: &Workspace) -> Result<PathBuf> {
    let target = workspace.target.join("fuzz");
    let mut build = Command::new(tools::fetched("cargo-fuzz"));
    build.args(["fuzz", "build", "--fuzz-dir", "tests/fuzz", "--sanitizer", "none", "--codegen-units", "16"]);
    build.arg("--target-dir").arg(&target).arg("fuzz").envs(PROFILE).current_dir(&workspace.root);
    output(&mut build)?;
    let mut made = target.read_dir()?.flatten().map(|entry| entry.path().join("release/fuzz"));
    made.find(|program| program.is_file()).with_context(|| format!("no fuzzer in {}", target.display()))
}

/// The program, and how long it is to try; none: briefly.
struct Fuzzer {
    program: PathBuf,
    workspace: Workspace,
    time: Option<Duration>,
}

impl Fuzzer {
    fn feed(&self, parser: &str) -> Result<Tally> {
        let folder = self.workspace.target.join("fuzz");
        let fresh = tempfile::tempdir()?;
        let kept = self.time.map_or(fresh.path().into(), |_| folder.join("corpus").join(parser));
        let finds = folder.join("finds").join(parser);
        for folder in [&kept, &finds] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("make the folder {}", folder.display()))?;
        }
        let seeds = [Path::new("tests/fuzz/corpus").join(parser), "tests/golden".into()];
        let mut fuzz = Command::new(&self.program);
        fuzz.arg(&kept).args(seeds).env("PARSER", parser).env("RUST_BACKTRACE", "0");
        fuzz.args(["-timeout=20", "-rss_limit_mb=512", "-max_len=16384"]);
        match self.time {
            Some(time) => fuzz.arg(format!("-max_total_time={}", time.as_secs())),
            None => fuzz.args(BRIEFLY),
        };
        fuzz.arg(format!("-artifact_prefix={}/", finds.display()));
        let ended = fuzz.current_dir(&self.workspace.root).output().context("start the fuzzer")?;
        let said = String::from_utf8_lossy(&ended.stderr);
        let name = format!("fuzz {parser}");
        if ended.status.success() {
            println!("{name}: {}", said.lines().rev().find(|line| line.starts_with("Done ")).unwrap_or(""));
            return Ok(Tally::pass(&name));
        }
        let from = said.find("panicked at").or(said.find("ERROR: libFuzzer")).unwrap_or(0);
        println!("{name}: found\n{}\nlook at it: PARSER={parser} cargo run -p fuzz -- FILE", &said[from..]);
        Ok(Tally::fail(&name))
    }
}
