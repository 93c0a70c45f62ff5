//! `dist-manifest.json` and the bill of materials are what those who made up their forms say they are.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use xtask::release::version;
use xtask::workspace::Workspace;
use xtask::{cargo_dist, tools};

use crate::{JSONSCHEMA, is_there, passes, read, release, run};

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
    let view = cargo_dist::view(&Workspace::find().unwrap()).unwrap();
    let distrib = view.path().join("target/distrib");
    fs::create_dir_all(&distrib).unwrap();
    fs::copy(folder.join("dist-manifest.json"), distrib.join("dist-manifest.json")).unwrap();
    let mut dist = Command::new(tools::cargo_dist().unwrap());
    dist.args(["host", "--steps=upload", "--steps=release", "--output-format=json", "--tag"]);
    dist.arg(format!("v{}", version().unwrap())).current_dir(&view);
    let output = dist.env_remove("CARGO_TARGET_DIR").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let hosted: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ours: Value = serde_json::from_str(&read(folder, "dist-manifest.json")).unwrap();
    for (file, artifact) in ours["artifacts"].as_object().unwrap() {
        assert_eq!(hosted["artifacts"][file]["checksums"], artifact["checksums"], "{file}");
    }
}

#[test]
fn the_bill_is_what_cyclonedx_says_a_bill_is() {
    let Some(folder) = release() else { return };
    let schema = tools::folder().join("cyclonedx/schema/_res/bom-1.5.SNAPSHOT.schema.json");
    if !is_there("the schema of CycloneDX, which `cargo xtask test` gets", schema.exists()) {
        return;
    }
    let bill = format!("ductor-{}.cdx.json", version().unwrap());
    passes(JSONSCHEMA, &["-i", &bill, schema.to_str().unwrap()], folder);
}
