//! `dist-manifest.json`: what a release consists of, in the form that cargo-dist reads and writes. From it `dist`
//! makes the installers that fetch, and the announcement.

use std::collections::BTreeMap;

use anyhow::Result;
use cargo_dist_schema::{
    Artifact, ArtifactId, ArtifactKind, Asset, AssetKind, ChecksumExtension, ChecksumValue, DistManifest,
    ExecutableAsset, RelPath, Release as App, TripleName,
};

use crate::bundle::Format;
use crate::checksums;
use crate::payload::{File, Payload, Role};
use crate::release::{NAME, Release};
use crate::tools;

/// The name of the file.
pub const FILE: &str = "dist-manifest.json";

/// A file of the release.
pub struct Part<'a> {
    /// Its name.
    pub file: String,
    /// Its hash.
    pub sha256: String,
    /// What it is.
    pub what: What<'a>,
}

/// What a file of a release is.
pub enum What<'a> {
    /// A bundle: of this format, of this payload.
    Bundle(&'a Format, &'a Payload),
    /// The software bill of materials.
    Sbom,
    /// A file of a companion. What cargo-dist has said of it stays.
    Companion,
}

/// The manifest of a release that has these files, and `sha256.sum`.
pub fn manifest(release: &Release, parts: &[Part]) -> DistManifest {
    let app = App {
        app_name: NAME.into(),
        app_version: release.version.to_string(),
        env: None,
        display_name: None,
        display: None,
        artifacts: Vec::new(),
        hosting: cargo_dist_schema::Hosting::default(),
    };
    let mut manifest = DistManifest::new(vec![app], BTreeMap::new());
    manifest.dist_version = Some(tools::CARGO_DIST.into());
    manifest.announcement_tag = Some(format!("v{}", release.version));
    manifest.announcement_is_prerelease = !release.version.pre.is_empty();
    let sums = ArtifactId::new(checksums::FILE.into());
    manifest.artifacts.insert(sums.clone(), plain(sums, ArtifactKind::UnifiedChecksum));
    for part in parts {
        add(&mut manifest, part);
    }
    name_all(&mut manifest);
    manifest
}

/// Adds a file of the release.
pub fn add(manifest: &mut DistManifest, part: &Part) {
    let id = ArtifactId::new(part.file.clone());
    let known = manifest.artifacts.remove(&id);
    let mut artifact = match (&part.what, known) {
        (What::Companion, Some(of_dist)) => of_dist,
        _ => artifact(part),
    };
    let hash = (ChecksumExtension::new("sha256".into()), ChecksumValue::new(part.sha256.clone()));
    artifact.checksums = BTreeMap::from([hash]);
    manifest.artifacts.insert(id, artifact);
    name_all(manifest);
}

/// The release names every file, sorted.
fn name_all(manifest: &mut DistManifest) {
    let names: Vec<ArtifactId> = manifest.artifacts.keys().cloned().collect();
    for app in &mut manifest.releases {
        app.artifacts.clone_from(&names);
    }
}

/// The text of a manifest.
///
/// # Errors
/// Never: it is plain data.
pub fn text(manifest: &DistManifest) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(manifest)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn artifact(part: &Part) -> Artifact {
    let name = ArtifactId::new(part.file.clone());
    match part.what {
        What::Sbom => plain(name, ArtifactKind::SBOM),
        What::Companion => plain(name, ArtifactKind::ExtraArtifact),
        What::Bundle(format, payload) => {
            // Of an archive dist wants to know what stands at its top; a package's manager knows that by itself.
            let (kind, assets) = match format.install {
                Some(_) => (ArtifactKind::Installer, Vec::new()),
                None => (ArtifactKind::ExecutableZip, payload.files.iter().filter_map(asset).collect()),
            };
            let triples = payload.target.parts().into_iter().map(|part| TripleName::new(part.triple.into()));
            let install = format.install.map(|command| format!("{command}{}", part.file));
            Artifact {
                target_triples: triples.collect(),
                assets,
                install_hint: install,
                description: Some(format.description.into()),
                ..plain(name, kind)
            }
        }
    }
}

fn plain(name: ArtifactId, kind: ArtifactKind) -> Artifact {
    Artifact {
        name: Some(name),
        kind,
        target_triples: Vec::new(),
        path: None,
        assets: Vec::new(),
        install_hint: None,
        description: None,
        checksum: None,
        checksums: BTreeMap::new(),
    }
}

/// The program and what people read. The top folder, which installers strip, is not part of a path.
fn asset(file: &File) -> Option<Asset> {
    let kind = match file.role {
        Role::Program => AssetKind::Executable(ExecutableAsset { symbols_artifact: None }),
        Role::Readme => AssetKind::Readme,
        Role::Licence => AssetKind::License,
        Role::Changelog => AssetKind::Changelog,
        Role::Definition | Role::ManPage | Role::Completion(_) => return None,
    };
    let path: RelPath = file.name.clone();
    Some(Asset { id: None, name: Some(file.name.clone()), path: Some(path), kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{deb, tar_xz};
    use crate::payload::tests::sample;

    #[test]
    fn dists_own_reader_finds_every_file_with_its_hash() {
        let release = Release { version: "1.2.3-rc.1".parse().unwrap(), epoch: 0, changelog: Vec::new() };
        let payload = sample(b"");
        let parts = [
            Part {
                file: "a.tar.xz".into(),
                sha256: "11".into(),
                what: What::Bundle(&tar_xz::FORMAT, &payload),
            },
            Part { file: "a.deb".into(), sha256: "22".into(), what: What::Bundle(&deb::FORMAT, &payload) },
            Part { file: "a.cdx.json".into(), sha256: "33".into(), what: What::Sbom },
        ];
        let bytes = text(&manifest(&release, &parts)).unwrap();
        let read: DistManifest = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read.announcement_tag.as_deref(), Some("v1.2.3-rc.1"));
        assert!(read.announcement_is_prerelease);
        let app = read.release_by_name(NAME).unwrap();
        let of = |file: &str| read.artifacts_for_release(app).find(|(id, _)| id.as_str() == file).unwrap().1;
        for part in &parts {
            assert_eq!(of(&part.file).checksums.values().next().unwrap().as_str(), part.sha256);
        }
        assert!(matches!(of("a.tar.xz").kind, ArtifactKind::ExecutableZip));
        assert_eq!(of("a.deb").install_hint.as_deref(), Some("sudo apt install ./a.deb"));
        assert_eq!(of("a.deb").target_triples[0].as_str(), payload.target.triple);
        assert!(of("a.tar.xz").assets.iter().any(|it| matches!(it.kind, AssetKind::Executable(_))));
        assert!(matches!(of("sha256.sum").kind, ArtifactKind::UnifiedChecksum));
    }
}
