//! The manifests of Scoop and winget, by the rules of their schemas: ScoopInstaller/Scoop `schema.json` and
//! microsoft/winget-cli `schemas/JSON/manifests/v1.10.0`. Neither is ours to copy; what of them touches us stands here.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use xtask::checksums::sha256;
use xtask::release::version;

use crate::{read, release};

const ZIP: &str = "ductor-x86_64-pc-windows-gnu.zip";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn scoop_finds_the_archive_with_its_hash_and_nothing_it_does_not_know() {
    let Some(folder) = release() else { return };
    let manifest: Value = serde_json::from_str(&read(folder, "ductor.json")).unwrap();
    // The schema allows no others.
    const KNOWN: [&str; 10] = [
        "version",
        "description",
        "homepage",
        "license",
        "notes",
        "architecture",
        "bin",
        "pre_uninstall",
        "checkver",
        "autoupdate",
    ];
    assert!(keys(&manifest).iter().all(|key| KNOWN.contains(key)), "{manifest}");
    assert_eq!(manifest["version"], version().unwrap().to_string());
    let archive = &manifest["architecture"]["64bit"];
    assert_eq!(keys(archive).len(), 2, "{archive}");
    assert_eq!(archive["hash"], sha256(&fs::read(folder.join(ZIP)).unwrap()));
    let url = archive["url"].as_str().unwrap();
    assert!(
        url.starts_with("https://") && url.ends_with(&format!("/v{}/{ZIP}", version().unwrap())),
        "{url}"
    );
    assert!(!url.contains('$'));
    // The next version is found by itself.
    let next = &manifest["autoupdate"]["architecture"]["64bit"]["url"].as_str().unwrap();
    assert_eq!(next.replace("$version", &version().unwrap().to_string()), url);
    assert!(read(folder, "sha256.sum").contains(&format!(" *{ZIP}\n")), "what autoupdate reads");
}

/// A key and its value a line, of a list the first only; comments are left out.
fn lines(text: &str) -> BTreeMap<&str, &str> {
    let text = text.lines().filter(|line| !line.starts_with('#') && line.contains(": "));
    text.map(|line| line.trim_start_matches(['-', ' ']).split_once(": ").unwrap()).collect()
}

#[test]
fn winget_gets_three_manifests_that_name_the_same_package() {
    let Some(folder) = release() else { return };
    let version = version().unwrap().to_string();
    let place = format!("winget/manifests/p/PleasePrompto/ductor/{version}/PleasePrompto.ductor");
    let required: [(&str, &str, &[&str]); 3] = [
        ("", "version", &["DefaultLocale"]),
        (
            ".installer",
            "installer",
            &["InstallerType", "NestedInstallerType", "Architecture", "InstallerUrl"],
        ),
        (".locale.en-US", "defaultLocale", &["PackageLocale", "Publisher", "PackageName", "License"]),
    ];
    for (end, kind, required) in required {
        let text = read(folder, &format!("{place}{end}.yaml"));
        let manifest = lines(&text);
        for key in ["PackageIdentifier", "PackageVersion", "ManifestVersion"].iter().chain(required) {
            assert!(manifest.contains_key(key), "{kind}: no {key}");
        }
        assert_eq!(manifest["PackageIdentifier"], "PleasePrompto.ductor");
        assert_eq!((manifest["PackageVersion"], manifest["ManifestType"]), (version.as_str(), kind));
    }
    let text = read(folder, &format!("{place}.installer.yaml"));
    let hash = sha256(&fs::read(folder.join(ZIP)).unwrap());
    assert_eq!(lines(&text)["InstallerSha256"], hash.to_uppercase());
    assert!(lines(&text)["InstallerUrl"].ends_with(&format!("/v{version}/{ZIP}")), "{text}");
    for program in ["ductor.exe", "ductorw.exe"] {
        assert!(text.contains(&format!("- RelativeFilePath: {program}\n")), "{text}");
    }
    let locale = read(folder, &format!("{place}.locale.en-US.yaml"));
    let longest = [("ShortDescription", 256), ("Moniker", 40), ("License", 512)];
    longest.iter().for_each(|(key, most)| assert!((3..=*most).contains(&lines(&locale)[key].len()), "{key}"));
}
