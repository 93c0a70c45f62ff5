//! The *software bill of materials*: what the program is made of, in the form of CycloneDX 1.5
//! (cyclonedx.org/docs/1.5/json). Which crates, which licences: cargo says it of the lock file. Their hashes are
//! the lock file's own.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use semver::Version;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kept;
use crate::release::{HOMEPAGE, LICENCE, NAME, Release, SUMMARY};
use crate::target::Target;
use crate::workspace::{Workspace, cargo, output, rustc};

/// `ductor-0.1.0.cdx.json`
pub fn file(version: &Version) -> String {
    format!("{NAME}-{version}.cdx.json")
}

/// The bill of a release, for some targets: a crate that only one of them needs is on it.
///
/// # Errors
/// Cargo can't read the workspace, or a crate is not in the lock file.
pub fn sbom(release: &Release, workspace: &Workspace, targets: &[&Target]) -> Result<Vec<u8>> {
    let lock = workspace.read("Cargo.lock")?;
    let compiler = compiler()?;
    let triples: Vec<_> = targets.iter().map(|target| target.triple).collect();
    let about = format!("{release:?} {triples:?} {compiler}");
    kept::or_made(workspace, "bill", &[&lock, &workspace.read("Cargo.toml")?, about.as_bytes()], || {
        let crates = Crates::of(workspace, targets)?;
        let hashes = hashes(std::str::from_utf8(&lock)?)?;
        let mut bytes = serde_json::to_vec_pretty(&bill(release, &crates, &hashes, &compiler)?)?;
        bytes.push(b'\n');
        Ok(bytes)
    })
}

/// The version of rustc, with its commit: `1.92.0 (ded5c06cf 2025-12-08)`. Another one makes other bytes.
fn compiler() -> Result<String> {
    let said = String::from_utf8(output(rustc().arg("--version"))?)?;
    Ok(said.trim().trim_start_matches("rustc ").to_owned())
}

/// What of `cargo metadata` is read here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

/// A crate.
#[derive(Clone, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// Where it comes from; none for one of the workspace.
    pub(crate) source: Option<String>,
    license: Option<String>,
    repository: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

/// Null for what is linked in, else `dev` or `build`.
#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

fn metadata(workspace: &Workspace, target: &Target) -> Result<Metadata> {
    let mut metadata = cargo();
    metadata.args(["metadata", "--locked", "--format-version=1", "--filter-platform", target.triple]);
    serde_json::from_slice(&output(metadata.current_dir(&workspace.root))?)
        .context("cargo metadata says what is not JSON")
}

/// The crates that are linked into the program, by the name and version of each, with what each needs.
#[derive(Default)]
pub(crate) struct Crates(pub(crate) BTreeMap<String, (Option<Package>, BTreeSet<String>)>);

impl Crates {
    /// Those of a program for any of these targets.
    pub(crate) fn of(workspace: &Workspace, targets: &[&Target]) -> Result<Self> {
        let mut crates = Self::default();
        for target in targets {
            crates.extend(&metadata(workspace, target)?)?;
        }
        Ok(crates)
    }

    fn extend(&mut self, metadata: &Metadata) -> Result<()> {
        let packages: BTreeMap<&str, &Package> =
            metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
        let package = |id: &str| packages.get(id).copied().with_context(|| format!("no package {id}"));
        let nodes: BTreeMap<&str, &Node> =
            metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let top = metadata.packages.iter().find(|package| package.name == NAME).context("no package")?;
        let (mut queue, mut seen) = (vec![top.id.as_str()], BTreeSet::new());
        while let Some(id) = queue.pop() {
            if !seen.insert(id) {
                continue;
            }
            let node = nodes.get(id).with_context(|| format!("no node {id}"))?;
            let linked = |needed: &&Dependency| needed.dep_kinds.iter().any(|kind| kind.kind.is_none());
            let needed: Vec<&str> =
                node.deps.iter().filter(linked).map(|needed| needed.pkg.as_str()).collect();
            let entry = self.0.entry(url(package(id)?)).or_default();
            entry.0 = Some(package(id)?.clone());
            for id in &needed {
                entry.1.insert(url(package(id)?));
            }
            queue.extend(needed);
        }
        Ok(())
    }
}

/// The package URL, by which the bill refers to a crate (github.com/package-url/purl-spec).
fn url(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version.replace('+', "%2B"))
}

/// The hash of each crate's archive, by name and version. Crates of the workspace have none.
fn hashes(lock: &str) -> Result<BTreeMap<(String, String), String>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        version: String,
        checksum: Option<String>,
    }
    let lock: Lock = toml::from_str(lock).context("Cargo.lock")?;
    let hashed = |locked: Locked| Some(((locked.name, locked.version), locked.checksum?));
    Ok(lock.package.into_iter().filter_map(hashed).collect())
}

fn bill(
    release: &Release,
    crates: &Crates,
    hashes: &BTreeMap<(String, String), String>,
    compiler: &str,
) -> Result<Value> {
    let own = format!("pkg:cargo/{NAME}@{}", release.version.to_string().replace('+', "%2B"));
    let mut components = Vec::new();
    for (url, (package, _)) in crates.0.iter().filter(|(url, _)| **url != own) {
        let package = package.as_ref().with_context(|| format!("{url} is needed, and no package"))?;
        components.push(component(url, package, hashes)?);
    }
    let needs =
        |(url, (_, needed)): (&String, &(_, BTreeSet<String>))| json!({"ref": url, "dependsOn": needed});
    let time = jiff::Timestamp::from_second(i64::try_from(release.epoch)?)?;
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time.to_string(),
            "tools": {"components": [{"type": "application", "name": "rustc", "version": compiler}]},
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": NAME,
                "version": release.version.to_string(),
                "description": SUMMARY,
                "licenses": [{"expression": LICENCE}],
                "purl": own,
                "externalReferences": [{"type": "vcs", "url": HOMEPAGE}],
            },
        },
        "components": components,
        "dependencies": crates.0.iter().map(needs).collect::<Vec<_>>(),
    }))
}

fn component(url: &str, package: &Package, hashes: &BTreeMap<(String, String), String>) -> Result<Value> {
    let key = (package.name.clone(), package.version.clone());
    let hash = hashes.get(&key).with_context(|| format!("Cargo.lock has no hash of {url}"))?;
    let mut component = json!({
        "type": "library",
        "bom-ref": url,
        "name": package.name,
        "version": package.version,
        "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": hash}],
        "purl": url,
    });
    if let Some(licence) = &package.license {
        // Before there were expressions crates wrote a slash.
        component["licenses"] = json!([{"expression": licence.replace('/', " OR ")}]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::TARGETS;

    #[test]
    fn what_is_linked_in_is_on_the_bill_with_its_hash_and_what_tests_need_is_not() {
        let workspace = Workspace::find().unwrap();
        let release =
            Release { version: crate::release::version().unwrap(), epoch: 7, changelog: Vec::new() };
        let linux = TARGETS.iter().find(|target| target.triple == "x86_64-unknown-linux-gnu").unwrap();
        let bill: Value = serde_json::from_slice(&sbom(&release, &workspace, &[linux]).unwrap()).unwrap();
        assert_eq!(bill["metadata"]["timestamp"], "1970-01-01T00:00:07Z");
        let rustc = &bill["metadata"]["tools"]["components"][0]["version"];
        assert!(rustc.as_str().unwrap().starts_with(|c: char| c.is_ascii_digit()), "{rustc}");
        let components = bill["components"].as_array().unwrap();
        let named = |name: &str| components.iter().find(|component| component["name"] == name);
        let clap = named("clap").unwrap();
        assert_eq!(clap["hashes"][0]["content"].as_str().unwrap().len(), 64);
        assert_eq!(clap["licenses"][0]["expression"], "MIT OR Apache-2.0");
        for absent in ["proptest", "xtask", NAME] {
            assert!(named(absent).is_none(), "{absent}");
        }
        let refs: BTreeSet<&str> = components.iter().map(|it| it["bom-ref"].as_str().unwrap()).collect();
        let own = bill["metadata"]["component"]["bom-ref"].as_str().unwrap();
        assert_eq!(refs.len(), components.len(), "no reference stands for two");
        for entry in bill["dependencies"].as_array().unwrap() {
            let ends = entry["dependsOn"].as_array().unwrap().iter().chain([&entry["ref"]]);
            ends.for_each(|end| assert!(end == own || refs.contains(end.as_str().unwrap()), "{end}"));
        }
    }
}
