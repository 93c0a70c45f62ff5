//! Every parser with what the fuzzer begins with, and with what it found: `cargo xtask fuzz` goes on from there. Those of
//! the code that builds are in `packaging/src/parsers.rs`.

use std::fs;
use std::path::Path;

use ductor::internals::PARSERS;

#[test]
fn every_seed_and_every_find_is_parsed() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    for (name, parse) in PARSERS {
        let seeds = fs::read_dir(corpus.join(name)).unwrap();
        let parsed = seeds.map(|seed| parse(&fs::read(seed.unwrap().path()).unwrap())).count();
        assert!(parsed > 0, "{name}");
    }
}
