//! What goes with the bundles of a release: the bill of materials, the companions, the manifest, the hashes over
//! all, and their signature. Each is made from those before it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use anyhow::{Error, Result, anyhow, ensure};
use cargo_dist_schema::DistManifest;

use crate::bundle::{BUNDLES, Bundle};
use crate::checksums;
use crate::companion::{Around, Companion, Files};
use crate::manifest::{self, Part, What};
use crate::payload::Payload;
use crate::release::Release;
use crate::report::Made;
use crate::sbom;
use crate::signature::{self, Signer};
use crate::target::Target;
use crate::workspace::Workspace;
use crate::workspace::write;

/// A bundle that was made.
pub struct Packed<'a> {
    /// Its file.
    pub made: Made,
    /// Which one.
    pub bundle: &'static Bundle,
    /// What is inside.
    pub payload: &'a Payload,
}

/// Makes what goes with the bundles of a release.
pub struct Describer<'a> {
    /// The checkout.
    pub workspace: &'a Workspace,
    /// The release.
    pub release: &'a Release,
    /// Where the files go.
    pub folder: &'a Path,
    /// What signs the hashes, where that is wished.
    pub signer: Option<Signer>,
}

impl Describer<'_> {
    /// Makes everything, and gives every file of the release. A companion that can't be made is one that failed.
    ///
    /// # Errors
    /// What every release has can't be made.
    pub fn describe(
        &self,
        bundles: Vec<Packed>,
        companions: &[&'static Companion],
        failed: &mut Vec<(String, Error)>,
    ) -> Result<Vec<Made>> {
        let mut targets: Vec<&Target> = Vec::new();
        for target in bundles.iter().flat_map(|packed| packed.payload.target.parts()) {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        let start = Instant::now();
        let bill = sbom::sbom(self.release, self.workspace, &targets)?;
        let mut others = vec![self.keep("always", sbom::file(&self.release.version), &bill, start)?];

        let mut parts = vec![part(&others[0], What::Sbom)];
        parts.extend(bundles.iter().map(|it| part(&it.made, What::Bundle(it.bundle.format, it.payload))));
        let mut manifest = manifest::manifest(self.release, &parts);

        for companion in companions {
            let start = Instant::now();
            match self.companion(companion, &bundles, &parts, &mut manifest) {
                Ok(files) => {
                    for (file, bytes) in files {
                        let made = self.keep(companion.name, file, &bytes, start)?;
                        manifest::add(&mut manifest, &part(&made, What::Companion));
                        others.push(made);
                    }
                }
                Err(error) => failed.push((companion.name.into(), error)),
            }
        }

        let start = Instant::now();
        let text = manifest::text(&manifest)?;
        others.push(self.keep("always", manifest::FILE.into(), &text, start)?);

        let start = Instant::now();
        let mut all: Vec<Made> = bundles.into_iter().map(|packed| packed.made).chain(others).collect();
        let lines = checksums::lines(all.iter().map(|made| (made.file.as_str(), made.sha256.as_str())));
        all.push(self.keep("always", checksums::FILE.into(), lines.as_bytes(), start)?);
        match &self.signer {
            Some(signer) => {
                let signature = signer.sign(self.release, lines.as_bytes())?;
                all.push(self.keep("always", signature::FILE.into(), &signature, start)?);
            }
            // One of other hashes, left from before, would be a lie.
            None => remove(&self.folder.join(signature::FILE))?,
        }
        Ok(all)
    }

    /// The files of a companion, if everything that it is made from was made.
    fn companion(
        &self,
        companion: &Companion,
        bundles: &[Packed],
        parts: &[Part],
        manifest: &mut DistManifest,
    ) -> Result<Files> {
        for bundle in BUNDLES.iter().filter(|bundle| (companion.from)(bundle)) {
            let is_made = bundles.iter().any(|packed| packed.bundle.name() == bundle.name());
            ensure!(is_made, "{}, which it is made from, was not made", bundle.name());
        }
        if let Some(missing) = (companion.missing)() {
            return Err(anyhow!("{} is missing\n  fix: {}", missing.what, missing.get));
        }
        (companion.make)(&Around { workspace: self.workspace, release: self.release, parts }, manifest)
    }

    fn keep(&self, name: &str, file: String, bytes: &[u8], start: Instant) -> Result<Made> {
        write(self.folder, &file, bytes)?;
        let sha256 = checksums::sha256(bytes);
        Ok(Made { name: name.into(), file, size: bytes.len(), sha256, time: start.elapsed() })
    }
}

fn part<'a>(made: &Made, what: What<'a>) -> Part<'a> {
    Part { file: made.file.clone(), sha256: made.sha256.clone(), what }
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(anyhow!("remove {}: {error}", file.display()))
        }
        _ => Ok(()),
    }
}
