//! The doorway of `cargo xtask`. Everything behind it is in the library.

use std::process::ExitCode;

use clap::Parser;
use xtask::flags::{Flags, Verb};
use xtask::{bench, checklist, dist, fuzz, lab, picture, report, site, soak, test, verify};

fn main() -> ExitCode {
    let done = match Flags::parse().verb {
        Verb::Dist(wish) => dist::run(&wish).map(|()| 0),
        Verb::Verify { folder } => verify::run(folder.as_deref()).map(|()| 0),
        Verb::Release { check: _ } => checklist::run(),
        Verb::Picture { package } => picture::run(package.as_deref()).map(|()| 0),
        Verb::Site { folder, out } => site::run(folder.as_deref(), out.as_deref()).map(|()| 0),
        Verb::Test(wanted) => Ok(test::run(&wanted)),
        Verb::Fuzz(wanted) => fuzz::run(&wanted),
        Verb::Bench(wanted) => bench::run(&wanted),
        Verb::Soak(wanted) => soak::run(&wanted),
        Verb::Lab(verb) => lab::command::run(&verb).map(|code| u8::try_from(code).unwrap_or(1)),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
