//! Feeds one parser, the one that the variable `PARSER` names (`packaging/src/parsers.rs` has all), with anything.
//!
//! Built by `cargo fuzz` it is a fuzzer (libFuzzer); `cargo xtask fuzz` does that. Built as any program it parses the
//! files that are named to it: so a find is looked at, with nothing but cargo.
//!
//! ```sh
//! PARSER=unit cargo run --package fuzz -- tests/fuzz/corpus/unit/*
//! ```

#![cfg_attr(fuzzing, no_main)]

use std::sync::LazyLock;

use xtask::parsers::all;

static PARSER: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("PARSER").unwrap_or_default();
    let names = || all().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
    let found = all().find(|(name, _)| *name == wanted);
    found.unwrap_or_else(|| panic!("PARSER={wanted}: it has to be one of {}", names())).1
});

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| PARSER(bytes));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    std::env::args_os().skip(1).try_for_each(|file| std::fs::read(file).map(|bytes| PARSER(&bytes)))
}
