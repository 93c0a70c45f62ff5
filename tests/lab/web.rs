//! A *web*: a machine with releases on a web server of its own, laid out as the forge has them and signed with a
//! key made for it. alice has a bot there that is configured.

use std::fs;
use std::io::Read;
use std::ops::Deref;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use liblzma::read::XzDecoder;
use serde_json::Value;
use xtask::lab::image::FETCHING;
use xtask::lab::{Output, wait_for};
use xtask::test::in_lab::PACKAGE;
use xtask::tree::Tree;
use xtask::workspace::Workspace;
use xtask::xz::{Shared, xz};
use xtask::{checksums, installers, manifest};

use crate::world::{PATIENCE, World};

/// The version that is tested.
pub const THIS: &str = env!("CARGO_PKG_VERSION");

/// Where installers look, unless they are told otherwise; here they have to be.
pub const LATEST: &str = "http://127.0.0.1:8000/latest/download";

/// The program where the installer puts it.
pub const PROGRAM: &str = "/home/alice/.local/bin/ductor";

/// A machine that is its own web server.
pub struct Web {
    world: World,
    key: String,
}

impl Deref for Web {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Web {
    /// A machine with this version as its latest release.
    pub fn boot() -> Result<Self> {
        let world = World::boot(&FETCHING)?;
        let serve = "mkdir -p /srv/web/download /srv/web/latest && \
             minisign -G -W -p /srv/key.pub -s /srv/key >/dev/null && \
             systemd-run -q python3 -m http.server 8000 --bind 127.0.0.1 --directory /srv/web";
        world.sh("root", serve)?.ok()?;
        wait_for("the web server", PATIENCE, || {
            world.run("root", &["curl", "-fs", "http://127.0.0.1:8000/"])?.ok().map(Some)
        })?;
        let key = fs::read_to_string(world.path("/srv/key.pub"))?;
        let key = key.lines().nth(1).context("minisign writes a comment and the key")?.to_owned();
        let web = Self { world, key };
        web.publish(THIS, &program(THIS)?)?;
        web.configure("alice")?;
        web.give("alice", &format!("{MODULE}/__init__.py"), "", 0o644)?;
        web.give("alice", &format!("{MODULE}/__main__.py"), BOT, 0o644)?;
        Ok(web)
    }

    /// Makes a release of this version, with these bytes as its program, the latest.
    pub fn publish(&self, version: &str, program: &[u8]) -> Result<()> {
        let folder = self.path(&format!("/srv/web/download/v{version}"));
        fs::create_dir_all(&folder)?;
        let (name, archive) = archive(program)?;
        let manifest = fs::read_to_string(archives().join(manifest::FILE))?.replace(THIS, version);
        let mut files = vec![(name, archive), (manifest::FILE.into(), manifest.into_bytes())];
        files.extend(installers::scripts(&Workspace::find()?, &version.parse()?, Some(&self.key))?);
        let hashes: Vec<(String, String)> =
            files.iter().map(|(name, bytes)| (name.clone(), checksums::sha256(bytes))).collect();
        let sums = checksums::lines(hashes.iter().map(|(name, hash)| (name.as_str(), hash.as_str())));
        files.push((checksums::FILE.into(), sums.into_bytes()));
        for (name, bytes) in files {
            fs::write(folder.join(name), bytes)?;
        }
        let publish = format!(
            "minisign -S -s /srv/key -m /srv/web/download/v{version}/sha256.sum >/dev/null && \
             ln -sfn ../download/v{version} /srv/web/latest/download"
        );
        self.sh("root", &publish)?.ok().map(drop)
    }

    /// What people type, with these options.
    pub fn install(&self, options: &str) -> Result<Output> {
        self.sh("alice", &format!("curl -fsS {LATEST}/install.sh | sh -s -- --from {LATEST} {options}"))
    }

    /// The installed program's own command line.
    pub fn type_in(&self, words: &[&str]) -> Result<Output> {
        self.run("alice", &[&[PROGRAM], words].concat())
    }

    /// The service's status, which has to be up under the installed program of this version.
    pub fn is_up(&self, version: &str) -> Result<()> {
        assert_eq!(self.type_in(&["--version"])?.ok()?, format!("ductor {version}"));
        let said = self.type_in(&["service", "status", "--json"])?;
        let status: Value = serde_json::from_str(&said.stdout).with_context(|| said.to_string())?;
        ensure!(status["state"] == "running" && status["bot_pid"].is_u64(), "{status:#}");
        self.sh("root", &format!("cmp /proc/{}/exe {PROGRAM}", status["pid"]))?.ok().map(drop)
    }
}

/// The program that is tested, under another version of the same length.
pub fn program(version: &str) -> Result<Vec<u8>> {
    let mut program = Vec::new();
    for entry in tar::Archive::new(XzDecoder::new(&fs::read(real_archive()?)?[..])).entries()? {
        let mut entry = entry?;
        if entry.path()?.ends_with("ductor") && entry.header().entry_type().is_file() {
            entry.read_to_end(&mut program)?;
        }
    }
    with_version(program, version)
}

/// A program of ours that says another version, of the same length.
pub fn with_version(mut program: Vec<u8>, version: &str) -> Result<Vec<u8>> {
    let found: Vec<usize> = (0..program.len().saturating_sub(THIS.len()))
        .filter(|at| program[*at..].starts_with(THIS.as_bytes()))
        .collect();
    ensure!(!found.is_empty() && version.len() == THIS.len(), "{version} can't be put into the program");
    for at in found {
        program[at..at + version.len()].copy_from_slice(version.as_bytes());
    }
    Ok(program)
}

/// The archive with another program, by its name.
fn archive(program: &[u8]) -> Result<(String, Vec<u8>)> {
    let path = real_archive()?;
    let (mut made, mut tree) = (tar::Builder::new(Vec::new()), Tree::default());
    for entry in tar::Archive::new(XzDecoder::new(&fs::read(&path)?[..])).entries()? {
        let mut entry = entry?;
        let (mut header, mut bytes) = (entry.header().clone(), Vec::new());
        entry.read_to_end(&mut bytes)?;
        let path = entry.path()?;
        if path.ends_with("ductor") && header.entry_type().is_file() {
            bytes = program.into();
            tree.add("ductor", 0o755, program.into())?; // compressed by itself, as in the real one
        }
        header.set_size(bytes.len() as u64);
        made.append_data(&mut header, path, &bytes[..])?;
    }
    let name = path.file_name().context("an archive has a name")?.to_string_lossy().into_owned();
    Ok((name, xz(&made.into_inner()?, &tree, &Shared::default())?))
}

/// The archive that was made beside the package.
fn real_archive() -> Result<PathBuf> {
    let names =
        ["musl", "gnu"].map(|libc| format!("ductor-{}-unknown-linux-{libc}.tar.xz", std::env::consts::ARCH));
    let made = names.into_iter().map(|name| archives().join(name)).find(|path| path.exists());
    made.context("no archive beside the package")
}

pub fn archives() -> PathBuf {
    PathBuf::from(std::env::var_os(PACKAGE).unwrap_or_default()).with_file_name("")
}

/// Where pip puts a module of a user.
const MODULE: &str = ".local/lib/python3.11/site-packages/ductor_bot";

/// A bot that notes its starts and ends, and does not stay under a host of the version in `~/refused`.
const BOT: &str = r#"
import os, signal, subprocess, sys, time
def note(what):
    with open(os.path.expanduser("~/events"), "a") as events:
        events.write(f"{what} {os.getpid()} {time.time_ns()}\n")
def end(*_):
    note("term")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
if os.path.exists(os.path.expanduser("~/refused")):
    host = subprocess.check_output([f"/proc/{os.getppid()}/exe", "--version"], text=True)
    if host == open(os.path.expanduser("~/refused")).read():
        sys.exit(f"not under {host}")
note("start")
while True:
    signal.pause()
"#;
