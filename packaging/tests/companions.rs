//! What is made from the bundles: the installers and the manifest, with the real cargo-dist, judged by others.
//!
//! Where a program is not installed its part is left out; with `CI=true` it has to be there.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic and tell")]
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use cargo_dist_schema::ArtifactKind;
use serde_json::Value;
use xtask::bundle::BUNDLES;
use xtask::cargo_dist;
use xtask::checksums::sha256;
use xtask::release;
use xtask::target::TARGETS;
use xtask::tools;
use xtask::workspace::Workspace;

mod programs;

/// Whether a program is there; with `CI=true` it has to be.
fn is_there(program: &str, found: bool) -> bool {
    assert!(found || !std::env::var("CI").is_ok_and(|ci| ci == "true"), "{program} is not installed");
    if !found {
        eprintln!("left out: {program} is not installed");
    }
    found
}

fn has_dist() -> bool {
    is_there("cargo-dist", tools::cargo_dist().is_ok())
}

/// What a program prints, if it is there.
fn run(program: &str, args: &[&str], folder: &Path) -> Option<Output> {
    let output = Command::new(program).args(args).current_dir(folder).stdin(Stdio::null()).output();
    is_there(program, output.is_ok()).then(|| output.unwrap())
}

fn passes(program: &str, args: &[&str], folder: &Path) {
    if let Some(output) = run(program, args, folder) {
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        assert!(output.status.success(), "{program} {args:?}: {}", said.concat());
    }
}

/// Debian's validator, package python3-jsonschema; in PATH another Python may have one that lacks what it needs.
const JSONSCHEMA: &str = "/usr/bin/jsonschema";

/// A whole release around a small program, made once for all tests. None where cargo-dist is missing.
fn release() -> Option<&'static Path> {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let target = tempfile::tempdir().unwrap().keep();
        programs::compiled(&target);
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.args(["dist", "--all", "--no-build"]).env("CARGO_TARGET_DIR", &target);
        let output = xtask.env("SOURCE_DATE_EPOCH", "1234567890").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        target.join("distrib")
    };
    has_dist().then(|| RELEASE.get_or_init(make).as_path())
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn our_archives_have_the_names_that_dist_plans() {
    if !has_dist() {
        return;
    }
    let plan = cargo_dist::plan(&Workspace::find().unwrap()).unwrap();
    let archives = plan.artifacts.values().filter(|it| matches!(it.kind, ArtifactKind::ExecutableZip));
    // Of the platforms that we make bundles for.
    let is_ours = |triple: &str| {
        let target = TARGETS.iter().find(|target| target.triple == triple).unwrap();
        BUNDLES.iter().any(|bundle| bundle.platform == target.platform())
    };
    let planned: BTreeSet<String> = archives
        .filter(|it| is_ours(it.target_triples[0].as_str()))
        .map(|it| it.name.as_ref().unwrap().to_string())
        .collect();
    let version = release::version().unwrap();
    let ours = BUNDLES.iter().filter(|bundle| bundle.format.install.is_none()).map(|bundle| {
        let target = TARGETS.iter().find(|target| target.platform() == bundle.platform).unwrap();
        (bundle.format.file)(&version, target)
    });
    assert_eq!(ours.collect::<BTreeSet<_>>(), planned);
}

#[test]
fn the_workflow_is_the_one_that_dist_writes() {
    if let Ok(dist) = tools::cargo_dist() {
        passes(dist.to_str().unwrap(), &["generate", "--check"], &Workspace::find().unwrap().root);
    } else {
        assert!(!has_dist());
    }
}

#[test]
fn the_jobs_that_the_workflow_calls_are_there() {
    let folder = Workspace::find().unwrap().root.join(".github/workflows");
    let workflow = read(&folder, "release.yml");
    let called = workflow.lines().filter_map(|line| line.trim().strip_prefix("uses: ./.github/workflows/"));
    let called: Vec<&str> = called.collect();
    assert_eq!(called, ["build-bundles.yml", "finish-release.yml"]);
    called.iter().for_each(|file| assert!(read(&folder, file).contains("workflow_call:"), "{file}"));
}

#[test]
fn installers_and_formula_name_every_archive_with_its_hash() {
    let Some(folder) = release() else { return };
    for bundle in BUNDLES.iter().filter(|bundle| bundle.format.install.is_none()) {
        let target = TARGETS.iter().find(|target| target.platform() == bundle.platform).unwrap();
        let file = (bundle.format.file)(&release::version().unwrap(), target);
        let hash = sha256(&fs::read(folder.join(&file)).unwrap());
        let readers = if target.triple.contains("windows") {
            vec!["sha256.sum", "dist-manifest.json"]
        } else {
            vec!["sha256.sum", "dist-manifest.json", "ductor-installer.sh", "ductor.rb"]
        };
        for reader in readers {
            let text = read(folder, reader);
            assert!(text.contains(&file) && text.contains(&hash), "{reader} says nothing of {file}");
        }
    }
}

#[test]
fn the_install_script_is_one_that_shells_understand() {
    let Some(folder) = release() else { return };
    passes("sh", &["-n", "ductor-installer.sh"], folder);
    passes("shellcheck", &["--severity=warning", "ductor-installer.sh"], folder);
}

/// The rules of `brew style` that are RuboCop's own, as Homebrew's Library/.rubocop.yml sets them. Those that Homebrew
/// adds need Homebrew.
const STYLE: &str = "\
AllCops: {NewCops: enable, SuggestExtensions: false}
Layout/CaseIndentation: {EnforcedStyle: end}
Layout/FirstArrayElementIndentation: {EnforcedStyle: consistent}
Layout/FirstHashElementIndentation: {EnforcedStyle: consistent}
Layout/EndAlignment: {EnforcedStyleAlignWith: start_of_line}
Layout/LineLength: {Max: 118}
Layout/SpaceAroundOperators: {Enabled: false}
Metrics: {Enabled: false}
Naming/HeredocDelimiterNaming: {Enabled: false}
Style/Documentation: {Enabled: false}
Style/FrozenStringLiteralComment: {Enabled: false}
Style/StringLiterals: {EnforcedStyle: double_quotes}
Style/IfUnlessModifier: {Enabled: false}
Style/GuardClause: {Enabled: false}
Style/NumericLiterals: {Enabled: false}
";

#[test]
fn the_formula_is_ruby_in_homebrews_style() {
    let Some(folder) = release() else { return };
    passes("ruby", &["-c", "ductor.rb"], folder);
    let rules = tempfile::NamedTempFile::new().unwrap();
    fs::write(&rules, STYLE).unwrap();
    let config = rules.path().to_str().unwrap();
    passes("rubocop", &["--cache=false", "--config", config, "ductor.rb"], folder);
}

/// Homebrew as far as the formula speaks to it: what it brings is written, and told.
const HOMEBREW: &str = r##"
require "pathname"
class Pathname
  def write(text) = puts("== #{basename}", text)
  def install(*) = nil
end
class Formula
  %w[desc homepage version url sha256 license name].each { |word| define_singleton_method(word) { |*| } }
  def self.service = class_eval { yield }
  def self.test = nil
  def self.const_missing(_) = Class.new { def self.method_missing(*) = false }
  %w[bin man1 bash_completion zsh_completion fish_completion prefix].each do |word|
    define_method(word) { Pathname("/brew/Cellar/ductor") }
  end
  def opt_bin = Pathname("/brew/opt/ductor/bin")
end
load ARGV[0]
Ductor.new.install
"##;

#[test]
fn the_formula_brings_the_definitions_of_our_renderers() {
    use ductor::service::ServiceDefinition;
    use ductor::service::render::{plist, unit};
    let Some(folder) = release() else { return };
    let Some(output) = run("ruby", &["-e", HOMEBREW, "ductor.rb"], folder) else { return };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let definition = ServiceDefinition::packaged("/brew/opt/ductor/bin/ductor");
    let (plist, unit) = (plist::render(&definition, &[]).unwrap(), unit::render(&definition).unwrap());
    assert_eq!(said, format!("== dev.ductor.plist\n{plist}== ductor.service\n{unit}"));
}

#[test]
fn the_manifest_is_what_dist_says_a_manifest_is() {
    let Some(folder) = release() else { return };
    let dist = tools::cargo_dist().unwrap();
    let schema = run(dist.to_str().unwrap(), &["manifest-schema"], folder).unwrap();
    let schema_file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&schema_file, schema.stdout).unwrap();
    let schema = schema_file.path().to_str().unwrap();
    passes(JSONSCHEMA, &["-i", "dist-manifest.json", schema], folder);
}

#[test]
fn the_manifest_names_every_file_and_nothing_of_this_machine() {
    let Some(folder) = release() else { return };
    let text = read(folder, "dist-manifest.json");
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let named: BTreeSet<&str> = manifest["releases"][0]["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    let sums = read(folder, "sha256.sum");
    for (hash, file) in sums.lines().map(|line| line.split_once(" *").unwrap()) {
        if file != "dist-manifest.json" {
            assert!(named.contains(file), "{file}");
            assert_eq!(manifest["artifacts"][file]["checksums"]["sha256"], hash, "{file}");
        }
    }
    assert!(manifest["announcement_github_body"].as_str().unwrap().contains("sudo apt install ./ductor_"));
    let here = folder.parent().unwrap().display().to_string();
    assert!(!text.contains(&here) && !text.contains("glibc_version"), "{text}");
}

/// The next machine of a release hosts what this one has made.
#[test]
fn dist_goes_on_with_our_manifest() {
    let Some(folder) = release() else { return };
    let target = tempfile::tempdir().unwrap();
    fs::create_dir(target.path().join("distrib")).unwrap();
    fs::copy(folder.join("dist-manifest.json"), target.path().join("distrib/dist-manifest.json")).unwrap();
    let mut dist = Command::new(tools::cargo_dist().unwrap());
    dist.args(["host", "--steps=upload", "--steps=release", "--output-format=json", "--tag"]);
    dist.arg(format!("v{}", release::version().unwrap())).current_dir(Workspace::find().unwrap().root);
    let output = dist.env("CARGO_TARGET_DIR", target.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let hosted: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ours: Value = serde_json::from_str(&read(folder, "dist-manifest.json")).unwrap();
    for (file, artifact) in ours["artifacts"].as_object().unwrap() {
        assert_eq!(hosted["artifacts"][file]["checksums"], artifact["checksums"], "{file}");
    }
}
