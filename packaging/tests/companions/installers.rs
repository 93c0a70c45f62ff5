//! The installers name what there is to fetch, and are scripts that shells understand.

use std::fs;

use xtask::bundle::BUNDLES;
use xtask::checksums::sha256;
use xtask::release::version;
use xtask::target::TARGETS;

use crate::{passes, read, release};

#[test]
fn installers_and_formula_name_every_archive_with_its_hash() {
    let Some(folder) = release() else { return };
    for bundle in BUNDLES.iter().filter(|bundle| bundle.format.install.is_none()) {
        let target = TARGETS.iter().find(|target| target.platform() == bundle.platform).unwrap();
        let file = (bundle.format.file)(&version().unwrap(), target);
        let hash = sha256(&fs::read(folder.join(&file)).unwrap());
        let readers = if target.triple.contains("windows") {
            vec!["sha256.sum", "dist-manifest.json"]
        } else {
            vec!["sha256.sum", "dist-manifest.json", "ductor-installer.sh", "ductor.rb"]
        };
        for reader in readers {
            let text = read(folder, reader);
            assert!(text.contains(&file) && text.contains(&hash), "{reader} says nothing of {file}");
        }
    }
}

#[test]
fn the_install_script_is_one_that_shells_understand() {
    let Some(folder) = release() else { return };
    passes("sh", &["-n", "ductor-installer.sh"], folder);
    passes("shellcheck", &["--severity=warning", "ductor-installer.sh"], folder);
}
