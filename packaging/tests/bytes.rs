//! No changed byte of any bundle passes for what this checkout makes, whatever the list of hashes says: `verify`
//! opens it, and packs it again.
//!
//! Every byte of the headers is tried, and some of the rest. Where a reader is not installed this is left out; with
//! `CI=true` it has to be there.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic and tell")]
#![cfg(target_os = "linux")]

mod programs;

use std::fs;
use std::path::Path;

use xtask::bundle::BUNDLES;
use xtask::lab::needs::on_path;
use xtask::payload::Payload;
use xtask::release::Release;
use xtask::target::TARGETS;
use xtask::verify;
use xtask::workspace::Workspace;

/// How many bytes at the start and the end are all tried.
const HEADERS: usize = 24;

/// How many of the others.
const SAMPLES: usize = 8;

#[test]
fn no_changed_byte_of_a_bundle_passes() {
    let missing: Vec<_> =
        ["bsdtar", "rpm", "dpkg-deb", "msiinfo"].into_iter().filter(|name| !on_path(name)).collect();
    if !missing.is_empty() {
        fakes::left_out(format_args!("{missing:?} is not installed"));
        return;
    }
    let workspace = Workspace::find().unwrap();
    let release = Release { epoch: 1_234_567_891, ..Release::of(&workspace).unwrap() };
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        // One of each format; the other platforms differ in the payload.
        for bundle in BUNDLES
            .iter()
            .filter(|bundle| bundle.platform != "linux/aarch64" && bundle.platform != "macos/aarch64")
        {
            let (release, workspace, folder) = (&release, &workspace, folder.path());
            scope.spawn(move || {
                let target = TARGETS.iter().find(|target| target.platform() == bundle.platform).unwrap();
                let payload = Payload::of(target, programs::small(target), workspace).unwrap();
                let whole = (bundle.format.pack)(release, &payload).unwrap();
                let file = folder.join(bundle.name().replace('/', "-"));
                let opens = |path: &Path| verify::open(bundle, target, path, release, workspace);
                fs::write(&file, &whole).unwrap();
                opens(&file).unwrap();
                let some = (0..SAMPLES).map(|part| part * whole.len() / SAMPLES);
                for at in (0..HEADERS).chain(some).chain(whole.len() - HEADERS..whole.len()) {
                    let mut changed = whole.clone();
                    changed[at] ^= 1;
                    fs::write(&file, changed).unwrap();
                    assert!(opens(&file).is_err(), "byte {at} of {}", bundle.name());
                }
            });
        }
    });
}
