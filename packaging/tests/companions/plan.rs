//! What cargo-dist is told in dist-workspace.toml, and what it makes of that.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use cargo_dist_schema::{ArtifactKind, AssetKind};
use xtask::bundle::BUNDLES;
use xtask::target::TARGETS;
use xtask::workspace::Workspace;
use xtask::{cargo_dist, release, tools};

use crate::{has_dist, passes, read};

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
fn dist_knows_the_programs_in_each_archive() {
    if !has_dist() {
        return;
    }
    let plan = cargo_dist::plan(&Workspace::find().unwrap()).unwrap();
    for archive in plan.artifacts.values().filter(|it| matches!(it.kind, ArtifactKind::ExecutableZip)) {
        let triple = archive.target_triples[0].as_str();
        let target = TARGETS.iter().find(|target| target.triple == triple).unwrap();
        let programs = archive.assets.iter().filter(|it| matches!(it.kind, AssetKind::Executable(_)));
        let names: Vec<&str> = programs.map(|it| it.path.as_deref().unwrap()).collect();
        assert_eq!(
            names,
            target.os.programs(),
            "{triple}: see [package.metadata.dist.binaries] in Cargo.toml"
        );
    }
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
    assert_eq!(called, ["build-bundles.yml", "finish-release.yml", "publish-site.yml"]);
    called.iter().for_each(|file| assert!(read(&folder, file).contains("workflow_call:"), "{file}"));
}

/// What the crates run while they are compiled could read a key that stands in the environment.
#[test]
fn the_step_that_has_the_key_compiles_nothing_and_fails_where_the_installers_want_a_signature() {
    let workflow = read(&Workspace::find().unwrap().root.join(".github/workflows"), "build-bundles.yml");
    let (_, step) = workflow.split_once("          DUCTOR_SIGN_PASSWORD: ").unwrap();
    let (_, script) = step.split_once("        run: |\n").unwrap();
    let script: String =
        script.lines().take_while(|line| line.starts_with("          ")).collect::<Vec<_>>().join("\n");
    assert_eq!(workflow.matches("secrets.").count(), 2, "they are in one step");

    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    for folder in [".cargo", "installers"] {
        fs::create_dir(path(folder)).unwrap();
    }
    fs::write(path(".cargo/env"), "cargo() { echo \"$*\" \"$(cat key)\"; }").unwrap();
    let run = |key: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-eo", "pipefail", "-c", &script]).current_dir(home.path());
        bash.envs([("HOME", home.path()), ("RUNNER_TEMP", Path::new("."))]).env("KEY", key).output().unwrap()
    };
    let signed = run("secret");
    assert_eq!(
        String::from_utf8(signed.stdout).unwrap(),
        "xtask dist --all --no-build --sign ./key secret\n"
    );
    assert!(!path("key").exists(), "no later step has it");
    assert!(run("").status.success(), "not signed, and nobody expects it");
    fs::write(path("installers/ductor.pub"), "").unwrap();
    assert_eq!(run("").status.code(), Some(1), "nobody could install it");
    assert!(run("secret").status.success());
}

#[test]
fn every_step_of_ci_is_one_command_of_cargo() {
    let workflow = read(&Workspace::find().unwrap().root.join(".github/workflows"), "ci.yml");
    let steps: Vec<&str> = workflow
        .lines()
        .filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("run:"))
        .collect();
    assert!(steps.len() > 5, "{steps:?}");
    for step in steps {
        let is_one = step.starts_with(" cargo ") && !step.contains(['&', ';', '|']);
        assert!(is_one, "{step}");
    }
}

/// cargo is content with a filter that no test has.
#[test]
fn ci_runs_the_script_for_a_mac_on_its_mac() {
    let root = Workspace::find().unwrap().root;
    let workflow = read(&root.join(".github/workflows"), "ci.yml");
    let name = workflow.lines().find_map(|line| line.split_once("--ignored --exact --nocapture ")).unwrap().1;
    let (module, test) = name.rsplit_once("::").unwrap();
    let file = read(&root.join("tests/it"), &format!("{}.rs", module.replace("::", "/")));
    assert!(file.contains(&format!("\nfn {test}() {{\n")), "{name}");
}
