//! A *parser* of the code that builds reads what a compiler, another tool or whoever carried a release here wrote. All
//! of them stand here by name, as those of ductor itself in its `src/parsers.rs`: [`all`] has both, for [`fuzz`].
//!
//! [`fuzz`]: crate::fuzz

use cargo_dist_schema::DistManifest;
use ductor::internals::PARSERS;

use crate::{changelog, checksums, elf, macho, verify};

/// A parser, by the name of what it reads. It says by a panic what must never be.
type Parser = (&'static str, fn(&[u8]));

/// Those of this crate.
const OURS: [Parser; 6] = [
    ("macho", macho_of),
    ("elf", elf_of),
    ("bundle", bundle),
    ("hashes", hashes),
    ("dist_manifest", dist_manifest),
    ("changelog", changelog_of),
];

/// Every parser that there is.
pub fn all() -> impl Iterator<Item = Parser> {
    PARSERS.into_iter().chain(OURS)
}

fn macho_of(bytes: &[u8]) {
    let _checked = macho::check(bytes);
    let _needed = macho::libraries(bytes);
    if let Ok(joined) = macho::join(&[bytes.to_vec(), bytes.to_vec()]) {
        assert!(joined.ends_with(bytes), "the programs stay as they are");
    }
}

fn elf_of(bytes: &[u8]) {
    let _needed = elf::needs(bytes);
}

/// What a reader says of a bundle.
fn bundle(bytes: &[u8]) {
    let Ok(files) = verify::read(bytes, 1) else { return };
    let held: usize = files.values().map(|(_, bytes)| bytes.len()).sum();
    assert!(held <= bytes.len(), "more than there is");
}

fn hashes(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(listed) = checksums::parse(&text) else { return };
    let listed = listed.iter().map(|(name, hash)| (name.as_str(), hash.as_str()));
    assert_eq!(checksums::lines(listed), text);
}

fn dist_manifest(bytes: &[u8]) {
    let Ok(manifest) = serde_json::from_slice::<DistManifest>(bytes) else { return };
    let _named = verify::names_all(&manifest, &Default::default());
}

fn changelog_of(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for entry in changelog::parse(&text).unwrap_or_default() {
        assert!(
            entry.changes.iter().all(|change| !change.contains('\n')),
            "a change is a paragraph: {entry:?}"
        );
        let _section = changelog::section(&text, &entry.version);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_seed_and_every_find_is_parsed() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus");
        for (name, parse) in OURS {
            let seeds = fs::read_dir(corpus.join(name)).unwrap();
            let parsed = seeds.map(|seed| parse(&fs::read(seed.unwrap().path()).unwrap())).count();
            assert!(parsed > 0, "{name}");
        }
        let folders =
            fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names = all().map(|(name, _)| name.to_owned());
        assert_eq!(
            folders.collect::<BTreeSet<_>>(),
            names.collect(),
            "each parser has a folder, and no other is there"
        );
    }
}
