//! `cargo xtask`: everything that is done to this repository rather than with it.

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", about)]
enum Xtask {
    /// Real machines by hand
    #[command(subcommand)]
    Lab(xtask::lab::command::Verb),
    /// Every check of this repository
    Test(xtask::test::Wanted),
}

fn main() -> anyhow::Result<ExitCode> {
    let code = match Xtask::parse() {
        Xtask::Test(wanted) => xtask::test::run(&wanted).into(),
        Xtask::Lab(verb) => xtask::lab::command::run(&verb)?,
    };
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}
