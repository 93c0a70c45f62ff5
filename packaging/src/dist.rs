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
use crate::channels;
use crate::checksums;
use crate::companion::Companion;
use crate::describe::{Describer, Packed};
use crate::flags::Wish;
use crate::installers;
use crate::kept;
use crate::linker;
use crate::payload::Payload;
use crate::progress::Progress;
use crate::release::{self, Release};
use crate::report::{self, Made, Offer};
use crate::signature::Signer;
use crate::stamp::Stamp;
use crate::target::{self, Target};
use crate::toolchain::{self, Missing};
use crate::workspace::{Workspace, write};

/// Every companion there is, in the order in which they are made.
pub const COMPANIONS: [Companion; 2] = [installers::COMPANION, channels::COMPANION];

/// What was asked for.
struct Plan {
    bundles: Vec<Planned>,
    companions: Vec<&'static Companion>,
}

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
    let signer = wish.sign.as_ref().map(|key| Signer::read(key, &workspace)).transpose()?;
    let progress = Progress::new();
    let folder = folder(&workspace, wish.out.as_deref())?;
    // Nobody knows what programs were compiled from that are taken as they are, and a signature has a time.
    let stamp = if wish.no_build || wish.sign.is_some() {
        None
    } else {
        Stamp::of(&workspace, &release, &format!("{wish:?}")).ok()
    };
    if let Some(files) = stamp.as_ref().and_then(|stamp| stamp.made(&folder)) {
        progress.say("nothing has changed since these were made");
        report::unchanged(&files, &folder);
        return Ok(());
    }
    let payloads = payloads(&plan.bundles, &workspace, &release, wish.no_build, &progress);
    let results = pack(&plan.bundles, &payloads, (&workspace, &release, &folder), &progress);
    let describer = Describer { workspace: &workspace, release: &release, folder: &folder, signer };
    finish(&plan, &payloads, results, &describer)?;
    stamp.map_or(Ok(()), |stamp| stamp.keep(&folder))
}

/// Which bundles, each for which target, and what this machine lacks for it.
fn plan(wish: &Wish) -> Result<Plan> {
    let host = target::host_platform();
    let names: Vec<String> =
        BUNDLES.iter().map(Bundle::name).chain(COMPANIONS.iter().map(|it| it.name.to_owned())).collect();
    let wanted: Vec<&str> = if !wish.bundles.is_empty() {
        bundle::named(&wish.bundles, &names)?
    } else if wish.all || wish.list {
        names.iter().map(String::as_str).collect()
    } else {
        bundle::named(&[format!("{host}/*")], &names).unwrap_or_default()
    };
    ensure!(!wanted.is_empty(), "no bundle is made for {host}; `cargo xtask dist --list` prints them all");
    let companions: Vec<_> = COMPANIONS.iter().filter(|companion| wanted.contains(&companion.name)).collect();
    // What a companion is made from is made too. A list is of what was asked for.
    let is_needed =
        |bundle: &Bundle| !wish.list && companions.iter().any(|companion| (companion.from)(bundle));
    let is_wanted = |bundle: &&Bundle| wanted.contains(&bundle.name().as_str()) || is_needed(bundle);
    let bundles: Result<Vec<_>> =
        BUNDLES.iter().filter(is_wanted).map(|bundle| planned(bundle, &host)).collect();
    Ok(Plan { bundles: bundles?, companions })
}

fn planned(bundle: &'static Bundle, host: &str) -> Result<Planned> {
    let target = target::choose(bundle.platform, host, |target| {
        target.parts().iter().all(|part| toolchain::has_standard_library(part.triple))
    })
    .with_context(|| format!("{} has no target", bundle.name()))?;
    Ok(Planned { bundle, target, missing: missing(target) })
}

/// What is missing to make the program of a target: a standard library, a linker, or nothing.
fn missing(target: &'static Target) -> Option<Missing> {
    target
        .parts()
        .into_iter()
        .find_map(|part| toolchain::compiler(part.triple).or_else(|| linker::missing(part)))
}

fn list(plan: &Plan, json: bool) -> Result<()> {
    let version = release::version()?;
    let of_bundle = |planned: &Planned| Offer {
        name: planned.bundle.name(),
        file: (planned.bundle.format.file)(&version, planned.target),
        missing: planned.missing.clone(),
    };
    let of_companion = |companion: &&Companion| Offer {
        name: companion.name.into(),
        file: (companion.files)(&version).join(" "),
        missing: (companion.missing)(),
    };
    let offers: Vec<Offer> =
        plan.bundles.iter().map(of_bundle).chain(plan.companions.iter().map(of_companion)).collect();
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

/// Packs every bundle of the plan, twice as many at a time as there are processors, and writes its file: one that
/// waits for what another compresses leaves its processor to a third.
fn pack(
    plan: &[Planned],
    payloads: &[(&Target, Result<Payload>)],
    around: (&Workspace, &Release, &Path),
    progress: &Progress,
) -> Vec<(String, Result<Made>)> {
    let queue = Mutex::new(plan.iter().enumerate());
    let results = Mutex::new(Vec::new());
    let worker = || {
        while let Some((at, planned)) = queue.lock().ok().and_then(|mut queue| queue.next()) {
            let step = progress.begin(format!("packing {}", planned.bundle.name()));
            let made = make(planned, payloads, around);
            drop(step);
            if let Ok(mut results) = results.lock() {
                results.push((at, planned.bundle.name(), made));
            }
        }
    };
    let workers = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(worker))));
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(at, ..)| *at);
    results.into_iter().map(|(_, name, made)| (name, made)).collect()
}

fn make(
    planned: &Planned,
    payloads: &[(&Target, Result<Payload>)],
    (workspace, release, folder): (&Workspace, &Release, &Path),
) -> Result<Made> {
    let (_, payload) = payloads.iter().find(|(target, _)| *target == planned.target).context("not staged")?;
    let payload = payload.as_ref().map_err(|error| anyhow!("{error:#}"))?;
    let format = planned.bundle.format;
    let start = Instant::now();
    let inputs = (format!("{release:?} {}", planned.target.triple), payload.digest());
    let inputs = [inputs.0.as_bytes(), inputs.1.as_bytes()];
    let pack = || (format.pack)(release, payload);
    let bytes = kept::or_made(workspace, &planned.bundle.name(), &inputs, pack)?;
    let time = start.elapsed();
    let file = (format.file)(&release.version, planned.target);
    write(folder, &file, &bytes)?;
    Ok(Made { name: planned.bundle.name(), file, size: bytes.len(), sha256: checksums::sha256(&bytes), time })
}

/// Makes what goes with the bundles that were made, and prints the table of all; then what was not made and why.
fn finish(
    plan: &Plan,
    payloads: &[(&'static Target, Result<Payload>)],
    results: Vec<(String, Result<Made>)>,
    describer: &Describer,
) -> Result<()> {
    let (mut bundles, mut failed) = (Vec::new(), Vec::new());
    for (planned, (name, result)) in plan.bundles.iter().zip(results) {
        match result {
            Ok(made) => {
                let payload = payloads.iter().find(|(target, _)| *target == planned.target);
                let payload = payload.and_then(|(_, payload)| payload.as_ref().ok()).context("not staged")?;
                bundles.push(Packed { made, bundle: planned.bundle, payload });
            }
            Err(error) => failed.push((name, error)),
        }
    }
    let wished = plan.bundles.len() + plan.companions.len();
    let made = if bundles.is_empty() {
        Vec::new()
    } else {
        describer.describe(bundles, &plan.companions, &mut failed)?
    };
    report::made(&made, describer.folder);
    for (name, error) in &failed {
        report::error(&format!("{name}: {error:#}"));
    }
    ensure!(failed.is_empty(), "{} of {wished} bundles not made", failed.len());
    Ok(())
}
