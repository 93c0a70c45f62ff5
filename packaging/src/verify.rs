//! `cargo xtask verify DIR`: opens every bundle again, with programs that are not ours, and compares what is inside
//! with what belongs inside by the payload list.
//!
//! First the hashes, which no changed byte passes; then what they are the hashes of: files, modes, owners, times,
//! scripts, and that every bundle of a platform carries the same programs. Last what no reader shows: packed again,
//! from the programs that were found inside, a bundle has the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use cargo_dist_schema::DistManifest;

use crate::bundle::{BUNDLES, Bundle};
use crate::checksums::{self, sha256};
use crate::macho;
use crate::manifest;
use crate::payload::Payload;
use crate::progress::Progress;
use crate::release::{NAME, Release};
use crate::report;
use crate::signature;
use crate::target::{Os, TARGETS, Target};
use crate::tree::{Node, Tree};
use crate::workspace::{Workspace, output};

/// Verifies the release in a folder, which this checkout is the source of.
///
/// # Errors
/// What is wrong, for each file; or a reader is not installed.
pub fn run(folder: Option<&Path>) -> Result<()> {
    let workspace = Workspace::find()?;
    let folder = &folder.map_or_else(|| workspace.target.join("distrib"), Path::to_owned);
    let release = Release::of(&workspace)?;
    let progress = Progress::new();
    let listed = hashes(folder)?;
    let mut wrong = Vec::new();
    let mut verified = Vec::new();
    let mut programs: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (bundle, target, file) in present(&release, folder) {
        ensure!(listed.contains_key(&file), "{file} is not in {}", checksums::FILE);
        let _step = progress.begin(format!("opening {file}"));
        match open(bundle, target, &folder.join(&file), &release, &workspace) {
            Ok(program) => {
                programs.entry(bundle.platform).or_default().insert(program);
                verified.push(file);
            }
            Err(error) => wrong.push(format!("{file}: {error:#}")),
        }
    }
    for (platform, different) in programs.iter().filter(|(_, different)| different.len() > 1) {
        wrong.push(format!("the bundles of {platform} carry {} different programs", different.len()));
    }
    if let Err(error) = read_manifest(folder, &listed) {
        wrong.push(format!("{}: {error:#}", manifest::FILE));
    }
    report::verified(&verified);
    wrong.iter().for_each(|error| report::error(error));
    ensure!(wrong.is_empty(), "{} is not what this checkout makes", folder.display());
    ensure!(!verified.is_empty(), "{} holds no bundle of {NAME} {}", folder.display(), release.version);
    Ok(())
}

/// The hash of each file, by the list, after each was compared with its file. No file is without a line.
///
/// # Errors
/// What is wrong.
pub fn hashes(folder: &Path) -> Result<BTreeMap<String, String>> {
    let list = folder.join(checksums::FILE);
    let text = fs::read_to_string(&list).with_context(|| format!("read {}", list.display()))?;
    let listed = checksums::parse(&text).context(checksums::FILE)?;
    for (name, hash) in &listed {
        let bytes = fs::read(folder.join(name)).with_context(|| format!("read {name}"))?;
        ensure!(sha256(&bytes) == *hash, "{name} is not what {} says", checksums::FILE);
    }
    let signed = [checksums::FILE, signature::FILE];
    let without = |name: &&String| !listed.contains_key(*name) && !signed.contains(&name.as_str());
    if let Some(name) = names(folder, "")?.iter().find(without) {
        bail!("{name} is not in {}", checksums::FILE);
    }
    Ok(listed)
}

/// The files below a folder, by path.
fn names(folder: &Path, above: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{above}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            names.extend(self::names(&entry.path(), &format!("{name}/"))?);
        } else {
            names.push(name);
        }
    }
    Ok(names)
}

/// The bundles whose file is there.
fn present(release: &Release, folder: &Path) -> Vec<(&'static Bundle, &'static Target, String)> {
    let file = |bundle: &'static Bundle| {
        let targets = TARGETS.iter().filter(|target| target.platform() == bundle.platform);
        let named = targets.map(|target| (bundle, target, (bundle.format.file)(&release.version, target)));
        named.into_iter().find(|(.., file)| folder.join(file).exists())
    };
    BUNDLES.iter().filter_map(file).collect()
}

/// Compares a bundle with what belongs inside, around its own programs. The hash of those.
///
/// # Errors
/// What is wrong; or a reader is not installed.
pub fn open(
    bundle: &Bundle,
    target: &'static Target,
    path: &Path,
    release: &Release,
    workspace: &Workspace,
) -> Result<String> {
    let format = bundle.format;
    let found = read(&ask(format.reader, path)?, release.epoch)?;
    let program = |name: &&str| {
        // A completion script for bash has that name, too.
        let is = |(path, _): &(&String, &(u32, Vec<u8>))| {
            path.rsplit('/').next() == Some(name) && !path.contains("share/")
        };
        let (_, (_, program)) = found.iter().find(is).with_context(|| format!("there is no {name}"))?;
        Ok(program.clone())
    };
    let programs = target.os.programs().iter().map(program).collect::<Result<Vec<_>>>()?;
    if target.os == Os::Macos {
        programs.iter().try_for_each(|program| macho::check(program))?;
    }
    let hash = sha256(&programs.concat());
    let payload = Payload::of(target, programs, workspace)?;
    compare(&found, &(format.tree)(release, &payload)?)?;
    for (question, script) in format.scripts {
        let said = ask(question, path)?;
        let same = String::from_utf8_lossy(&said).trim_end() == script.trim_end();
        ensure!(same, "{} answers with another script", question.join(" "));
    }
    // What no reader shows: the same input gives the same bytes.
    let same = (format.pack)(release, &payload)? == fs::read(path)?;
    ensure!(same, "it holds what it should, and has other bytes than this checkout packs");
    Ok(hash)
}

/// What a program says of a file, which stands for `FILE` in its arguments.
fn ask(question: &[&str], file: &Path) -> Result<Vec<u8>> {
    let (program, args) = question.split_first().context("no program")?;
    let file = file.display().to_string();
    output(
        Command::new(program)
            .args(args.iter().map(|word| word.replace("FILE", &file)))
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC"), // a cabinet has the time of nowhere
    )
}

/// The files of a tar archive: mode and content by path. All are root's, and as old as the release.
///
/// # Errors
/// What is wrong.
pub fn read(archive: &[u8], epoch: u64) -> Result<BTreeMap<String, (u32, Vec<u8>)>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path.trim_start_matches("./").trim_start_matches('/').to_owned();
        let header = entry.header();
        ensure!((header.uid()?, header.gid()?) == (0, 0), "{path} is not root's");
        // Some formats count in twos.
        ensure!([epoch, epoch & !1].contains(&header.mtime()?), "{path} has another time than the release");
        match header.entry_type() {
            kind if kind.is_dir() => ensure!(header.mode()? & 0o7777 == 0o755, "{path} has another mode"),
            kind if kind.is_file() => {
                let mode = header.mode()? & 0o7777;
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                ensure!(files.insert(path.clone(), (mode, bytes)).is_none(), "{path} is there twice");
            }
            kind => bail!("{path} is neither file nor folder: {kind:?}"),
        }
    }
    Ok(files)
}

fn compare(found: &BTreeMap<String, (u32, Vec<u8>)>, wanted: &Tree) -> Result<()> {
    let mut names = BTreeSet::new();
    for (path, node) in wanted.nodes() {
        if let Node::File { mode, bytes } = node {
            let (is, content) = found.get(path).with_context(|| format!("{path} is missing"))?;
            ensure!(is == mode, "{path} has the mode {is:o}, not {mode:o}");
            ensure!(content == bytes, "{path} has another content");
            names.insert(path);
        }
    }
    let more = found.keys().find(|path| !names.contains(path.as_str()));
    more.map_or(Ok(()), |path| bail!("{path} does not belong there"))
}

fn read_manifest(folder: &Path, listed: &BTreeMap<String, String>) -> Result<()> {
    names_all(&serde_json::from_slice(&fs::read(folder.join(manifest::FILE))?)?, listed)
}

/// Whether the manifest names every file with the hash it has, and no other.
///
/// # Errors
/// What is wrong.
pub fn names_all(manifest: &DistManifest, listed: &BTreeMap<String, String>) -> Result<()> {
    let app = manifest.release_by_name(NAME).with_context(|| format!("no release of {NAME}"))?;
    let mut named = BTreeSet::from([manifest::FILE]);
    for (id, artifact) in manifest.artifacts_for_release(app).filter(|(id, _)| id.as_str() != checksums::FILE)
    {
        let hash = artifact.checksums.values().next().with_context(|| format!("no hash of {id}"))?;
        ensure!(listed.get(id.as_str()).is_some_and(|is| is == hash.as_str()), "another hash of {id}");
        named.insert(id.as_str());
    }
    let missing = listed.keys().find(|name| !named.contains(name.as_str()));
    missing.map_or(Ok(()), |name| bail!("{name} is missing"))
}
