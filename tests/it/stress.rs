//! Every way a bot can end, and what no sequence of kills and restarts may lead to: two bots, none for long, or a
//! state that can't be read.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fakes::soak;

use crate::world::World;

#[test]
fn every_code_and_every_signal_reaches_the_manager() {
    let world = World::new("eval \"$(cat end)\"");
    let ends_with = |end: &str| {
        fs::write(world.path("end"), end).unwrap();
        world.start(&mut world.supervised()).end().0.code()
    };
    for code in (0..=255).filter(|code| *code != 42) {
        assert_eq!(ends_with(&format!("exit {code}")), Some(code));
    }
    assert_eq!(ends_with("exit 42"), Some(1), "one that only asks for restarts; never 42");
    // Those that end a process by default, signal(7).
    for signal in (1..=15).chain([16, 24, 25, 26, 27, 29, 30, 31]) {
        assert_eq!(ends_with(&format!("kill -{signal} $$; sleep 9")), Some(128 + signal), "signal {signal}");
    }
}

/// `DUCTOR_STRESS=1000 cargo test --test it stress` for longer, `DUCTOR_SEED` for the same blows again.
#[test]
fn after_any_blow_there_is_one_bot_again_and_never_two() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let wanted = soak::Wanted {
        programs: Path::new(env!("CARGO_BIN_EXE_ductor")).parent().unwrap(),
        rounds: number("DUCTOR_STRESS").unwrap_or(100),
        time: Duration::from_secs(24 * 3600),
        seed: number("DUCTOR_SEED").unwrap_or(u64::try_from(clock % 1_000_000).unwrap()),
        slow: false,
        told: &|_| {},
    };
    let report = soak::run(&wanted).unwrap();
    assert!(report.findings.is_empty(), "{report:#?}");
    assert!(report.lines > 0 && report.restarts > 0 && report.kills > 0, "{report:#?}");
}
