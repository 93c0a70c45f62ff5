//! The command line of `cargo xtask`, as data.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Builds the release bundles of ductor and runs its tests.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
pub struct Flags {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs of `cargo xtask`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make release bundles: those of this machine's OS and architecture, unless others are named
    #[command(after_help = "\
Examples:
  cargo xtask dist         for this machine
  cargo xtask dist --all   for every system")]
    Dist(Wish),
    /// Open every bundle in a folder with other programs, and compare it with what belongs inside
    Verify {
        /// The folder that `dist` has made [default: target/distrib]
        folder: Option<PathBuf>,
    },
    /// Before a tag is made: say what is ready for a release, and what is to be done
    Release {
        /// Only look; a release is made by the tag
        #[arg(long, required = true)]
        check: bool,
    },
    /// Make the page where people get the release in a folder
    Site {
        /// The folder that `dist --all` has made [default: target/distrib]
        folder: Option<PathBuf>,
        /// Put the page there [default: target/site]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Make the picture in the README anew, from a session on a booted machine
    Picture {
        /// The .deb to install there [default: the one that `test lab` has made]
        package: Option<PathBuf>,
    },
    /// Pass every check of this repository
    #[command(after_help = "\
Examples:
  cargo xtask test               everything
  cargo xtask test fast          what needs no root
  cargo xtask test lab manual    what is called so, on booted machines")]
    Test(crate::test::Wanted),
    /// Feed every parser with anything
    Fuzz(crate::fuzz::Wanted),
    /// Measure ductor beside others: a table of ratios
    Bench(crate::bench::Wanted),
    /// Kill, stop and restart hosts and bots at random, and see that one bot comes back, in time, with all its lines
    Soak(crate::soak::Wanted),
    /// Real machines by hand
    #[command(subcommand)]
    Lab(crate::lab::command::Verb),
}

/// Which bundles are wished for, and how.
#[derive(Args, Clone, Debug, Default)]
pub struct Wish {
    /// Bundles by name, as --list prints them; `*` stands for any part: 'linux/*/deb'
    #[arg(value_name = "BUNDLE")]
    pub bundles: Vec<String>,
    /// Every bundle there is
    #[arg(long, conflicts_with = "bundles")]
    pub all: bool,
    /// Print every bundle, its file, and `yes` or what this machine lacks for it; make nothing
    #[arg(long)]
    pub list: bool,
    /// With --list: one JSON array
    #[arg(long, requires = "list")]
    pub json: bool,
    /// Put the files there [default: target/distrib]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Sign the hashes with this secret key of minisign; its password is in $DUCTOR_SIGN_PASSWORD, or asked for
    #[arg(long, value_name = "KEY", conflicts_with = "list")]
    pub sign: Option<PathBuf>,
    /// Package the programs that are already compiled
    #[arg(long)]
    pub no_build: bool,
}
