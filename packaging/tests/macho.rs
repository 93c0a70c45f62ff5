//! What is checked of a program of macOS finds every changed byte of it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod programs;

use xtask::macho::{check, join};
use xtask::target::TARGETS;

#[test]
fn no_changed_byte_of_a_signed_program_passes() {
    let target = TARGETS.iter().find(|target| target.triple == "aarch64-apple-darwin").unwrap();
    let program = programs::mach_o(target.arch);
    check(&program).unwrap();
    for at in (0..100).chain((100..0x3000).step_by(97)) {
        let mut changed = program.clone();
        changed[at] ^= 1;
        assert!(check(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn both_of_a_universal_program_are_checked() {
    let macs: Vec<_> = TARGETS.iter().filter(|target| target.triple.ends_with("64-apple-darwin")).collect();
    let parts: Vec<_> = macs.iter().map(|target| programs::mach_o(target.arch)).collect();
    let joined = join(&parts).unwrap();
    check(&joined).unwrap();
    for start in [0x4000, 0x8000] {
        let mut changed = joined.clone();
        changed[start + 0x1234] ^= 1;
        let error = format!("{:#}", check(&changed).unwrap_err());
        assert!(error.contains("page 1 has another hash"), "{error}");
    }
}
