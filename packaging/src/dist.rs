//! `cargo xtask dist`: plan, build, stage, pack, finish.
//!
//! A step that fails for one bundle fails that bundle: the others are still made, and the exit code tells.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::build;
use crate::bundle::{self, BUNDLES, Bundle};
use crate::checksums;
use crate::flags::Wish;
use crate::manifest::{self, Part, What};
use crate::payload::Payload;
use crate::progress::Progress;
use crate::release::{self, Release};
use crate::report::{self, Made, Offer};
use crate::sbom;
use crate::target::{self, Target};
use crate::tools::{self, Missing};
use crate::workspace::Workspace;

/// A bundle that was asked for, with what it is made for.
struct Planned {
    bundle: &'static Bundle,
    target: &'static Target,
    missing: Option<Missing>,
}

/// Makes the bundles that are wished for.
///
/// # Errors
/// Nothing could be planned; or a bundle was not made, after the others were.
pub fn run(wish: &Wish) -> Result<()> {
    let plan = plan(wish)?;
    if wish.list {
        return list(&plan, wish.json);
    }
    let workspace = Workspace::find()?;
    let release = Release::of(&workspace)?;
    let progress = Progress::new();
    let payloads = payloads(&plan, &workspace, &release, wish.no_build, &progress);
    let folder = folder(&workspace, wish.out.as_deref())?;
    let results = pack(&plan, &payloads, &release, &folder, &progress);
    finish(&plan, &payloads, results, (&workspace, &release, &folder))
}

/// Which bundles, each for which target, and what this machine lacks for it.
fn plan(wish: &Wish) -> Result<Vec<Planned>> {
    let host = target::host_platform();
    let bundles: Vec<&Bundle> = if !wish.bundles.is_empty() {
        bundle::named(&wish.bundles)?
    } else if wish.all || wish.list {
        BUNDLES.iter().collect()
    } else {
        BUNDLES.iter().filter(|bundle| bundle.platform == host).collect()
    };
    ensure!(!bundles.is_empty(), "no bundle is made for {host}; `cargo xtask dist --list` prints them all");
    bundles.into_iter().map(|bundle| planned(bundle, &host)).collect()
}

fn planned(bundle: &'static Bundle, host: &str) -> Result<Planned> {
    let target = target::choose(bundle.platform, host, |target| {
        target.parts().iter().all(|part| tools::has_standard_library(part.triple))
    })
    .with_context(|| format!("{} has no target", bundle.name()))?;
    Ok(Planned { bundle, target, missing: tools::missing(target) })
}

fn list(plan: &[Planned], json: bool) -> Result<()> {
    let version = release::version()?;
    let offer = |planned: &Planned| Offer {
        name: planned.bundle.name(),
        file: (planned.bundle.format.file)(&version, planned.target),
        missing: planned.missing.clone(),
    };
    let offers: Vec<Offer> = plan.iter().map(offer).collect();
    if json {
        return report::json(&offers);
    }
    report::offers(&offers);
    Ok(())
}

/// The payload of each target in the plan, one after the other: cargo uses all processors by itself.
fn payloads(
    plan: &[Planned],
    workspace: &Workspace,
    release: &Release,
    no_build: bool,
    progress: &Progress,
) -> Vec<(&'static Target, Result<Payload>)> {
    let mut payloads: Vec<(&Target, Result<Payload>)> = Vec::new();
    for planned in plan {
        let target = planned.target;
        if payloads.iter().any(|(known, _)| *known == target) {
            continue;
        }
        let payload = || {
            if !no_build {
                if let Some(missing) = &planned.missing {
                    bail!("{} is missing\n  fix: {}", missing.what, missing.get);
                }
                progress.say(&format!("building {}", target.triple));
                build::build(workspace, target, release.epoch)?;
            }
            Payload::of(target, build::programs(workspace, target)?, workspace)
        };
        payloads.push((target, payload()));
    }
    payloads
}

/// Where the files go: what was asked for, else where cargo-dist looks.
fn folder(workspace: &Workspace, out: Option<&Path>) -> Result<PathBuf> {
    let folder = out.map_or_else(|| workspace.target.join("distrib"), Path::to_owned);
    fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
    Ok(folder)
}

/// Packs every bundle of the plan, as many at a time as there are processors, and writes its file.
fn pack(
    plan: &[Planned],
    payloads: &[(&Target, Result<Payload>)],
    release: &Release,
    folder: &Path,
    progress: &Progress,
) -> Vec<(String, Result<Made>)> {
    let queue = Mutex::new(plan.iter().enumerate());
    let results = Mutex::new(Vec::new());
    let worker = || {
        while let Some((at, planned)) = queue.lock().ok().and_then(|mut queue| queue.next()) {
            let step = progress.begin(format!("packing {}", planned.bundle.name()));
            let made = make(planned, payloads, release, folder);
            drop(step);
            if let Ok(mut results) = results.lock() {
                results.push((at, planned.bundle.name(), made));
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, Into::into);
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(worker))));
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(at, ..)| *at);
    results.into_iter().map(|(_, name, made)| (name, made)).collect()
}

fn make(
    planned: &Planned,
    payloads: &[(&Target, Result<Payload>)],
    release: &Release,
    folder: &Path,
) -> Result<Made> {
    let (_, payload) = payloads.iter().find(|(target, _)| *target == planned.target).context("not staged")?;
    let payload = payload.as_ref().map_err(|error| anyhow!("{error:#}"))?;
    let format = planned.bundle.format;
    let start = Instant::now();
    let bytes = (format.pack)(release, payload)?;
    let time = start.elapsed();
    let file = (format.file)(&release.version, planned.target);
    write(folder, &file, &bytes)?;
    Ok(Made { name: planned.bundle.name(), file, size: bytes.len(), sha256: checksums::sha256(&bytes), time })
}

/// A file that is there is a whole one.
fn write(folder: &Path, file: &str, bytes: &[u8]) -> Result<()> {
    let written = ductor::effects::file::replace(&folder.join(file), bytes, 0o644);
    written.map_err(|error| anyhow!("{}: {}", error.what, error.cause))
}

/// Writes what is said of the bundles that were made, and prints the table of it; then what was not made and why.
fn finish(
    plan: &[Planned],
    payloads: &[(&'static Target, Result<Payload>)],
    results: Vec<(String, Result<Made>)>,
    around: (&Workspace, &Release, &Path),
) -> Result<()> {
    let (mut made, mut failed) = (Vec::new(), Vec::new());
    for (planned, (name, result)) in plan.iter().zip(results) {
        match result {
            Ok(bundle) => made.push((planned, bundle)),
            Err(error) => failed.push((name, error)),
        }
    }
    let folder = around.2;
    let mut files = if made.is_empty() { Vec::new() } else { describe(&made, payloads, around)? };
    let mut made: Vec<Made> = made.into_iter().map(|(_, made)| made).collect();
    made.append(&mut files);
    report::made(&made, folder);
    for (name, error) in &failed {
        report::error(&format!("{name}: {error:#}"));
    }
    ensure!(failed.is_empty(), "{} of {} bundles not made", failed.len(), plan.len());
    Ok(())
}

/// The files that go with every release: the bill of materials, the manifest, and the hashes over all.
fn describe(
    made: &[(&Planned, Made)],
    payloads: &[(&'static Target, Result<Payload>)],
    (workspace, release, folder): (&Workspace, &Release, &Path),
) -> Result<Vec<Made>> {
    let mut files = Vec::new();
    let mut keep = |file: &str, bytes: Vec<u8>, start: Instant| -> Result<()> {
        write(folder, file, &bytes)?;
        let (size, sha256) = (bytes.len(), checksums::sha256(&bytes));
        files.push(Made { name: "always".into(), file: file.into(), size, sha256, time: start.elapsed() });
        Ok(())
    };
    let packed: Vec<&Payload> = payloads.iter().filter_map(|(_, payload)| payload.as_ref().ok()).collect();
    let start = Instant::now();
    let targets: Vec<&Target> = packed.iter().flat_map(|payload| payload.target.parts()).collect();
    let (sbom_file, sbom) = (sbom::file(&release.version), sbom::sbom(release, workspace, &targets)?);
    let sbom_hash = checksums::sha256(&sbom);
    keep(&sbom_file, sbom, start)?;

    let start = Instant::now();
    let mut parts = vec![Part { file: &sbom_file, sha256: &sbom_hash, what: What::Sbom }];
    for (planned, made) in made {
        let payload = packed.iter().find(|payload| payload.target == planned.target).context("not staged")?;
        let what = What::Bundle(planned.bundle.format, payload);
        parts.push(Part { file: &made.file, sha256: &made.sha256, what });
    }
    keep(manifest::FILE, manifest::manifest(release, &parts)?, start)?;

    let start = Instant::now();
    let all = made.iter().map(|(_, made)| made).chain(&files);
    let lines = checksums::lines(all.map(|made| (made.file.as_str(), made.sha256.as_str())));
    let sums = Made {
        name: "always".into(),
        file: checksums::FILE.into(),
        size: lines.len(),
        sha256: checksums::sha256(lines.as_bytes()),
        time: start.elapsed(),
    };
    write(folder, checksums::FILE, lines.as_bytes())?;
    files.push(sums);
    Ok(files)
}
