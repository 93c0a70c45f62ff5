//! Contests of packing one compiled program: each format beside the tools that people use for it, on the same
//! files. Nothing is compiled; ours packs inside this process, theirs are whole programs.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::measure::{self, Runner};
use super::packers::{self, ARCH, DEB, MSI, Packer, RPM, TAR_XZ, ZIP};
use super::{Arena, Contest, Side, Unit};
use crate::bundle::{BUNDLES, Format};
use crate::lab::needs;
use crate::payload::Payload;
use crate::release::Release;
use crate::report;
use crate::target::{self, Target};
use crate::workspace::{cargo, output};
use crate::xz::Shared;

/// The questions of this file.
pub fn contests() -> Vec<Contest> {
    const GOAL: &str = "not slower at the same size, not larger at the same time";
    let contest = |name, why, run| Contest { name, unit: Unit::Seconds, goal: GOAL, why, run };
    vec![
        contest("packing tar.xz", XZ, |arena, rounds| of(&Pack::of(arena)?, rounds, "tar.xz", &TAR_XZ)),
        contest("packing deb", XZ, |arena, rounds| of(&Pack::of(arena)?, rounds, "deb", &DEB)),
        contest("packing rpm", XZ, |arena, rounds| of(&Pack::of(arena)?, rounds, "rpm", &RPM)),
        contest("packing arch", ZSTD, |arena, rounds| of(&Pack::of(arena)?, rounds, "arch", &ARCH)),
        contest("packing zip", TWICE, |arena, rounds| of(&Pack::for_windows(arena)?, rounds, "zip", &ZIP)),
        contest("packing msi", CABINET, |arena, rounds| of(&Pack::for_windows(arena)?, rounds, "msi", &MSI)),
        Contest {
            name: "packing all formats of one target",
            unit: Unit::Seconds,
            goal: "at most 1.3 times the slowest single one",
            why: "tar.xz, deb and rpm compress the program by xz once for all three, and arch by zstd beside them.",
            run: all,
        },
        Contest {
            name: "memory of packing all formats of one target",
            unit: Unit::Bytes,
            goal: "bounded: the windows of the compressors, and a few times the program",
            why: "",
            run: memory,
        },
        Contest {
            name: "dist, nothing changed",
            unit: Unit::Seconds,
            goal: "less than 1 s",
            why: "",
            run: unchanged,
        },
        Contest {
            name: "the program, stripped and static",
            unit: Unit::Bytes,
            goal: "at most 1.5 MiB",
            why: "Half is the standard library, the C library, clap and jiff; the rest is ours, for three managers at once: \
                  any of them can be rendered, and chosen, on any system. What would unwind the stack is left out.",
            run: weight,
        },
    ]
}

const XZ: &str = "The program is a block of its own in the stream, so that tar.xz, deb and rpm share it: less than a percent of size. \
                  Go's compressors, which nfpm has, stop earlier: a larger file in less time.";

const ZSTD: &str =
    "A package is made once and fetched often: level 19. nfpm takes a low one and offers no other here.";

const TWICE: &str = "The same program stands for both of Windows.";

const CABINET: &str = "The same program stands for both of Windows. Ours compresses at the highest level.";

/// What is packed: the bundles of one target, this machine's own unless said otherwise.
pub(super) struct Pack {
    pub release: Release,
    pub payload: Payload,
    target: &'static Target,
}

impl Pack {
    pub fn of(arena: &Arena) -> Result<Self> {
        let host = target::host_platform();
        let target = target::choose(&host, &host, |it| crate::toolchain::has_standard_library(it.triple));
        let target = target.context("no bundle is made for this machine")?;
        Self::with(arena, target, 1)
    }

    fn for_windows(arena: &Arena) -> Result<Self> {
        let target =
            target::choose("windows/x86_64", "", |_| true).context("no bundle is made for Windows")?;
        Self::with(arena, target, 2)
    }

    fn with(arena: &Arena, target: &'static Target, programs: usize) -> Result<Self> {
        let payload = Payload::of(target, vec![fs::read(&arena.program)?; programs], &arena.workspace)?;
        Ok(Self { release: Release::of(&arena.workspace)?, payload, target })
    }

    pub fn formats(&self) -> impl Iterator<Item = &'static Format> + use<> {
        let platform = self.target.platform();
        BUNDLES.iter().filter(move |bundle| bundle.platform == platform).map(|bundle| bundle.format)
    }

    /// The payload, of which nothing is compressed yet.
    pub fn fresh(&self) -> Payload {
        Payload { shared: Shared::default(), ..self.payload.clone() }
    }

    /// One format as a side.
    fn side<'a>(&'a self, format: &'static Format) -> Runner<'a> {
        let pack = || Ok((format.pack)(&self.release, &self.fresh())?.len());
        Runner::work(format!("ductor, {}", format.name), pack)
    }

    /// All formats at once, as `dist` packs them.
    fn all(&self) -> Result<usize> {
        let payload = self.fresh();
        std::thread::scope(|scope| {
            let pack = |format: &'static Format| {
                let payload = &payload;
                scope.spawn(move || (format.pack)(&self.release, payload))
            };
            let packing: Vec<_> = self.formats().map(pack).collect();
            packing.into_iter().try_for_each(|it| it.join().map_or(Ok(()), |packed| packed.map(drop)))
        })?;
        Ok(0)
    }
}

fn of(pack: &Pack, rounds: usize, format: &str, packers: &[Packer]) -> Result<Vec<Side>> {
    let format = pack.formats().find(|it| it.name == format).context("not a format of this target")?;
    let folder = tempfile::tempdir()?;
    packers::lay_out(folder.path(), &(format.tree)(&pack.release, &pack.payload)?, &pack.release.version)?;
    measure::commands(
        rounds,
        [pack.side(format)]
            .into_iter()
            .chain(packers.iter().map(|packer| packer.side(folder.path())))
            .collect(),
    )
}

/// All formats at once, beside each alone.
fn all(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let pack = Pack::of(arena)?;
    let mut runners = vec![Runner::work("ductor, all at once", || pack.all())];
    runners.extend(pack.formats().map(|format| pack.side(format)));
    measure::commands(rounds, runners)
}

/// The bundles of this machine's own target, beside the same where all is packed anew. Nothing is compiled.
fn unchanged(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().display().to_string();
    let dist = || -> Result<Runner<'static>> {
        let this = std::env::current_exe()?;
        Ok(Runner::new("ductor, nothing changed", this, &["dist", "--out", &out])
            .inside(&arena.workspace.root, &[]))
    };
    let mut sides = measure::commands(rounds, vec![dist()?])?;
    let forget = || -> Result<()> {
        let kept = arena.workspace.target.join("kept");
        fs::remove_dir_all(&kept).with_context(|| format!("remove {}", kept.display()))?;
        Ok(fs::remove_file(arena.workspace.target.join("xtask.stamp"))?)
    };
    let mut anew = Side::new("ductor, packed anew", Vec::new());
    for _ in 0..rounds.min(3) {
        forget()?;
        anew.figures.extend(measure::once(dist()?)?);
    }
    sides.push(anew);
    Ok(sides)
}

/// What it weighs, and what its crates weigh by cargo-bloat, which compiles it once more.
fn weight(arena: &Arena, _: usize) -> Result<Vec<Side>> {
    #[allow(clippy::cast_precision_loss, reason = "a program is far from 2^53 bytes")]
    let size = |bytes: u64| vec![bytes as f64];
    let program = Side::new("ductor", size(fs::metadata(&arena.program)?.len()));
    if !needs::on_path("cargo-bloat") {
        return Ok(vec![program, Side::missing("its crates", "cargo install cargo-bloat")]);
    }
    let target = arena.program.iter().rev().nth(2).context("the program is in no folder of a target")?;
    let mut bloat = cargo();
    bloat.args(["bloat", "--release", "--crates", "-n", "0", "--message-format", "json", "--bin", "ductor"]);
    bloat.arg("--target").arg(target).arg("--target-dir").arg(arena.workspace.target.join("bloat"));
    bloat.current_dir(&arena.workspace.root);
    let crates: Value = serde_json::from_slice(&output(&mut bloat)?)?;
    let one = |it: &Value| {
        Some(Side::new(format!("code of {}", it["name"].as_str()?), size(it["size"].as_u64()?)).ours())
    };
    let crates = crates["crates"].as_array().context("cargo-bloat names no crates")?.iter().filter_map(one);
    Ok([program].into_iter().chain(crates.take(12)).collect())
}

/// The most that a process of its own has held in memory, all formats at once.
fn memory(_: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let most = || -> Result<f64> {
        let packed = output(Command::new(std::env::current_exe()?).args(["bench", "pack"]))?;
        Ok(String::from_utf8_lossy(&packed).trim().parse()?)
    };
    let figures: Result<Vec<f64>> = (0..rounds.min(3)).map(|_| most()).collect();
    Ok(vec![Side::new("ductor, all at once", figures?)])
}

/// Packs all formats at once, and prints the most that this process held in memory, in bytes.
///
/// # Errors
/// A bundle can't be packed.
pub fn run() -> Result<u8> {
    let pack = Pack::of(&Arena::open()?)?;
    fs::write("/proc/self/clear_refs", "5").context("forget the most that it held before")?; // proc(5)
    pack.all()?;
    let text = fs::read_to_string("/proc/self/status")?;
    let most = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: u64 = most.trim().trim_end_matches(" kB").trim().parse()?;
    report::out(&(kib * 1024).to_string());
    Ok(0)
}
