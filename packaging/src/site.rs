//! `cargo xtask site`: the *page* where people get a release, `index.html`: one file that loads nothing.
//!
//! It is made from what `dist` has made: `dist-manifest.json` says which files there are and what for, `sha256.sum`
//! what is in them; CHANGELOG.md says what is new. The template stands in `packaging/site/`, with the style and the
//! script that are put inside; the page names these by hash, and a browser takes no others.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cargo_dist_schema::{Artifact, ArtifactKind, DistManifest};
use minijinja::value::Serde;
use minijinja::{Environment, context};
use pulldown_cmark::{Event, Parser, html};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::changelog;
use crate::channels;
use crate::manifest;
use crate::progress::Progress;
use crate::release::{HOMEPAGE, Release, SUMMARY};
use crate::report;
use crate::signature;
use crate::target::{Os, TARGETS, Target};
use crate::verify;
use crate::workspace::{Workspace, write};

/// The name of the page.
pub const FILE: &str = "index.html";

/// The systems that people have, as they call them, with the line that installs ductor there.
const SYSTEMS: [(Os, &str, [&str; 3]); 3] = [
    (Os::Linux, "Linux", ["curl -fsSL ", "install.sh", " | sh"]),
    (Os::Macos, "macOS", ["curl -fsSL ", "install.sh", " | sh"]),
    (Os::Windows, "Windows", ["irm ", "install.ps1", " | iex"]),
];

/// A system, with what people type there.
#[derive(Serialize)]
struct System {
    id: &'static str,
    name: &'static str,
    line: String,
    packages: Vec<Package>,
    /// Whether the packages are for different processors.
    mixed: bool,
}

#[derive(Serialize)]
struct Package {
    name: String,
    arch: &'static str,
    file: String,
    command: String,
}

/// The rows of the table that belong together.
#[derive(Serialize)]
struct Group {
    name: &'static str,
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    name: String,
    what: String,
    size: String,
    /// None for the file that has those of all others.
    sha256: Option<String>,
}

/// Makes the page of the release in a folder.
///
/// # Errors
/// The folder holds no whole release, or the page can't be written.
pub fn run(folder: Option<&Path>, out: Option<&Path>) -> Result<()> {
    let workspace = Workspace::find()?;
    let folder = folder.map_or_else(|| workspace.target.join("distrib"), PathBuf::from);
    let out = out.map_or_else(|| workspace.target.join("site"), PathBuf::from);
    let key = signature::public_key(&workspace)?;
    let step = Progress::new().begin(format!("reading {}", folder.display()));
    let page = page(&folder, &workspace, key.as_deref())?;
    drop(step);
    write(&out, FILE, page.as_bytes())?;
    report::out(&out.join(FILE).display().to_string());
    Ok(())
}

/// The page of the release in a folder. With a `key` it says how the signature is checked, if there is one.
///
/// # Errors
/// A file is not what the hashes say, or the folder holds no whole release.
pub fn page(folder: &Path, workspace: &Workspace, key: Option<&str>) -> Result<String> {
    let release = Release::of(workspace)?;
    let hashes = verify::hashes(folder)?;
    for (_, _, [_, script, _]) in SYSTEMS {
        ensure!(
            hashes.contains_key(script),
            "{script} is missing: `cargo xtask dist --all` makes everything"
        );
    }
    let text = fs::read(folder.join(manifest::FILE)).context(manifest::FILE)?;
    let manifest: DistManifest = serde_json::from_slice(&text).context(manifest::FILE)?;
    let systems = SYSTEMS.map(|(os, name, line)| system(os, name, line, &manifest));
    let changelog = String::from_utf8(workspace.read("CHANGELOG.md")?)?;
    let news = changelog::section(&changelog, &release.version);
    let part =
        |name: &str| Ok::<_, Error>(String::from_utf8(workspace.read(&format!("packaging/site/{name}"))?)?);
    let (template, style, script) = (part("page.html")?, part("page.css")?, part("page.js")?);
    let mut environment = Environment::new();
    environment.add_template(FILE, &template)?;
    Ok(environment.get_template(FILE)?.render(context! {
        policy => policy(&style, &script),
        style,
        script,
        homepage => HOMEPAGE,
        summary => SUMMARY,
        version => release.version.to_string(),
        date => release.changelog.first().map(|newest| newest.date.strftime("%-d %B %Y").to_string()),
        base => format!("{HOMEPAGE}/releases/download/v{}", release.version),
        systems => Serde(systems),
        groups => Serde(groups(folder, &release, &manifest)?),
        key => key.filter(|_| folder.join(signature::FILE).exists()),
        news => news.map(to_html),
    })?)
}

/// What a browser may load: the style and the script that are inside, and images that are.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    )
}

fn system(os: Os, name: &'static str, [before, script, after]: [&str; 3], manifest: &DistManifest) -> System {
    let package = |(target, artifact): (&'static Target, &Artifact)| {
        Some(Package {
            name: what(artifact).trim_start_matches("Package for ").to_owned(),
            arch: target.arch.name,
            file: artifact.name.as_ref()?.to_string(),
            command: artifact.install_hint.clone()?,
        })
    };
    let packages: Vec<Package> = bundles(os, manifest).into_iter().filter_map(package).collect();
    System {
        id: os.name(),
        name,
        line: format!("{before}{HOMEPAGE}/releases/latest/download/{script}{after}"),
        mixed: packages.iter().any(|package| package.arch != packages[0].arch),
        packages,
    }
}

/// The bundles of a system, processor by processor. What cargo-dist makes is for more targets than any of these.
fn bundles(os: Os, manifest: &DistManifest) -> Vec<(&'static Target, &Artifact)> {
    let of = |target: &'static Target| {
        let parts = target.parts();
        let is_for = move |artifact: &&Artifact| {
            artifact
                .target_triples
                .iter()
                .map(|triple| triple.as_str())
                .eq(parts.iter().map(|part| part.triple))
        };
        // By name from the end: Debian's package comes first.
        manifest.artifacts.values().rev().filter(is_for).map(move |artifact| (target, artifact))
    };
    TARGETS.iter().filter(|target| target.os == os).flat_map(of).collect()
}

/// The rows of the table: every file of the release on the forge. Those of other channels are not there.
fn groups(folder: &Path, release: &Release, manifest: &DistManifest) -> Result<Vec<Group>> {
    let mut known = (channels::COMPANION.files)(&release.version);
    let mut groups = Vec::new();
    for (os, name, _) in SYSTEMS {
        let bundles = bundles(os, manifest).into_iter();
        let files = bundles.map(|(target, it)| file(folder, it, Some(target))).collect::<Result<Vec<_>>>()?;
        known.extend(files.iter().map(|file| file.name.clone()));
        groups.push(Group { name, files });
    }
    let others = manifest.artifacts.iter().filter(|(id, _)| known.iter().all(|name| name != id.as_str()));
    let files = others.map(|(_, artifact)| file(folder, artifact, None)).collect::<Result<_>>()?;
    groups.push(Group { name: "Every system", files });
    Ok(groups)
}

fn file(folder: &Path, artifact: &Artifact, target: Option<&Target>) -> Result<File> {
    let name = artifact.name.as_ref().context("a file without a name")?.to_string();
    let bytes = fs::metadata(folder.join(&name)).with_context(|| name.clone())?.len();
    let what = what(artifact);
    Ok(File {
        what: target.map_or_else(|| what.to_owned(), |target| format!("{what}, {}", target.arch.name)),
        size: report::size(usize::try_from(bytes)?),
        sha256: artifact.checksums.values().next().map(|hash| hash.as_str().to_owned()),
        name,
    })
}

/// What a file is, for people.
fn what(artifact: &Artifact) -> &str {
    match artifact.kind {
        ArtifactKind::SBOM => "What the programs are made of, as CycloneDX",
        ArtifactKind::UnifiedChecksum => "The checksums of all files",
        ArtifactKind::ExtraArtifact => "Installs ductor and sets its service up",
        _ => artifact.description.as_deref().unwrap_or_default(),
    }
}

/// Markdown as HTML. What is HTML in it is shown, not obeyed.
fn to_html(markdown: &str) -> String {
    let shown = |event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        event => event,
    };
    let mut page = String::new();
    html::push_html(&mut page, Parser::new(markdown).map(shown));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_in_the_changelog_is_text() {
        assert_eq!(
            to_html("- a <script>b</script> `c`"),
            "<ul>\n<li>a &lt;script&gt;b&lt;/script&gt; <code>c</code></li>\n</ul>\n"
        );
    }
}
