//! The doorway of `cargo xtask`. Everything behind it is in the library.

use std::process::ExitCode;

use clap::Parser;
use xtask::flags::{Flags, Verb};
use xtask::{dist, report};

fn main() -> ExitCode {
    let done = match Flags::parse().verb {
        Verb::Dist(wish) => dist::run(&wish),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
