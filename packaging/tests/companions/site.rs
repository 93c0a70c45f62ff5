//! The page where people get a release, as a browser shows it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use xtask::release::{HOMEPAGE, version};
use xtask::workspace::Workspace;
use xtask::{channels, checksums, signature, site, tools};

use crate::browser::Browser;
use crate::{is_there, release};

/// A key that signs nothing.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// The folders of a release that is not signed and of one that is, each with its page.
fn releases() -> Option<&'static [PathBuf; 2]> {
    static RELEASES: OnceLock<[PathBuf; 2]> = OnceLock::new();
    let release = release()?;
    let copy = |name: &str, key: Option<&str>| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("site").join(name);
        let _of_an_earlier_run = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        let copied = Command::new("cp").arg("-r").args([release, &folder]).status().unwrap();
        assert!(copied.success());
        if key.is_some() {
            fs::write(folder.join(signature::FILE), "untrusted comment: none\n").unwrap();
        }
        let page = site::page(&folder, &Workspace::find().unwrap(), key).unwrap();
        fs::write(folder.join(site::FILE), page).unwrap();
        folder
    };
    Some(RELEASES.get_or_init(|| [copy("unsigned", None), copy("signed", Some(KEY))]))
}

fn url(release: &Path) -> String {
    format!("file://{}", release.join(site::FILE).display())
}

/// What a script finds that looks at the page: a list of words.
fn words(browser: &Browser, script: &str) -> Vec<String> {
    let found = browser.run(script);
    let words = found.as_array().unwrap_or_else(|| panic!("{script}: {found}")).iter();
    words.map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// The systems that are seen, and the processors of the packages that are.
fn seen(browser: &Browser) -> (Vec<String>, Vec<String>) {
    let visible = "[...document.querySelectorAll(SELECTOR)].filter(it => it.checkVisibility())";
    let systems = visible.replace("SELECTOR", "'.system'") + ".map(it => it.id)";
    let arches = visible.replace("SELECTOR", "'[data-arch]'") + ".map(it => it.dataset.arch)";
    let arches = words(browser, &format!("return [...new Set({arches})]"));
    (words(browser, &format!("return {systems}")), arches)
}

/// What Chrome tells in words; what others have in their user agent; what the page says, shows, for which processor.
type Visitor<'a> = (Option<Value>, String, &'a str, &'a str, &'a [&'a str]);

#[test]
fn each_visitor_sees_what_is_for_their_computer() {
    let (Some([release, _]), Some(browser)) = (releases(), Browser::start()) else { return };
    let chrome = |platform: &str, architecture: &str| {
        json!({"platform": platform, "platformVersion": "", "architecture": architecture, "model": "",
            "mobile": platform == "Android", "bitness": "64"})
    };
    let firefox = |system: &str| format!("Mozilla/5.0 ({system}; rv:150.0) Gecko/20100101 Firefox/150.0");
    let safari =
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/20.0 Safari/605.1.15";
    let android =
        "Mozilla/5.0 (Linux; Android 16; aarch64) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36";
    let (x86, arm, both) = (&["x86_64"][..], &["aarch64"][..], &["x86_64", "aarch64"][..]);
    let visitors: [Visitor; 13] = [
        (Some(chrome("Linux", "x86")), "-".into(), "Linux on x86_64", "linux", x86),
        (Some(chrome("Linux", "arm")), "-".into(), "Linux on aarch64", "linux", arm),
        (Some(chrome("Linux", "")), "-".into(), "Linux", "linux", both),
        (Some(chrome("macOS", "arm")), "-".into(), "macOS on aarch64", "macos", &[]),
        (Some(chrome("Windows", "x86")), "-".into(), "Windows on x86_64", "windows", &[]),
        (Some(chrome("Windows", "arm")), "-".into(), "Windows on aarch64", "windows", &[]),
        (Some(chrome("Android", "arm")), "-".into(), "", "", both),
        (None, firefox("X11; Linux x86_64"), "Linux on x86_64", "linux", x86),
        (None, firefox("X11; Linux aarch64"), "Linux on aarch64", "linux", arm),
        (None, firefox("X11; FreeBSD amd64"), "", "", both),
        (None, safari.into(), "macOS", "macos", &[]),
        (None, firefox("Windows NT 10.0; Win64; x64"), "Windows on x86_64", "windows", &[]),
        (None, android.into(), "", "", both),
    ];
    let hide = browser.command(
        "Page.addScriptToEvaluateOnNewDocument",
        &json!({"source": "if (navigator.userAgent !== '-') delete Navigator.prototype.userAgentData"}),
    );
    assert!(hide["identifier"].is_string(), "{hide}");
    for (told, agent, says, system, arches) in visitors {
        let mut computer = json!({"userAgent": agent});
        if let Some(told) = told {
            computer["userAgentMetadata"] = told;
        }
        browser.command("Emulation.setUserAgentOverride", &computer);
        browser.open(&url(release));
        let done = "return new Promise(done => setInterval(() => \
            document.getElementById('choice').hidden || done(document.getElementById('seen').textContent), 5))";
        let said = if says.is_empty() { String::new() } else { format!("This computer looks like {says}.") };
        assert_eq!(browser.run(done), said.as_str(), "{agent}");
        let systems = if system.is_empty() { vec!["linux", "macos", "windows"] } else { vec![system] };
        let (seen_systems, seen_arches) = seen(&browser);
        assert_eq!((seen_systems, seen_arches), (owned(&systems), owned(arches)), "{agent}");
    }
    browser.click("input[value=windows] + span");
    assert_eq!(seen(&browser), (owned(&["windows"]), vec![]));
    browser.click("input[value=all] + span");
    assert_eq!(seen(&browser), (owned(&["linux", "macos", "windows"]), owned(both)));
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn a_button_copies_its_line() {
    let (Some([release, _]), Some(browser)) = (releases(), Browser::start()) else { return };
    let allowed = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    browser.command("Browser.grantPermissions", &allowed);
    browser.open(&url(release));
    browser.click("input[value=all] + span");
    let line = |script| format!("{HOMEPAGE}/releases/latest/download/{script}");
    let lines = [
        ("#linux", format!("curl -fsSL {} | sh", line("install.sh"))),
        ("#macos", format!("curl -fsSL {} | sh", line("install.sh"))),
        ("#windows", format!("irm {} | iex", line("install.ps1"))),
        (".then", "ductor onboarding".into()),
    ];
    for (place, line) in lines {
        browser.click(&format!("{place} .command button"));
        let told = "return new Promise(done => setInterval(() => { \
            const told = document.getElementById('told').textContent; \
            if (told.endsWith(LINE)) done(told) }, 5))";
        let told = browser.run(&told.replace("LINE", &json!(line).to_string()));
        assert_eq!(told, format!("Copied: {line}").as_str());
        assert_eq!(browser.run("return navigator.clipboard.readText()"), line.as_str());
    }
}

#[test]
fn every_link_is_a_file_of_the_release_and_every_file_is_linked() {
    let (Some(releases), Some(browser)) = (releases(), Browser::start()) else { return };
    let base = format!("{HOMEPAGE}/releases/download/v{}/", version().unwrap());
    for release in releases {
        browser.open(&url(release));
        let mut files = BTreeSet::new();
        for link in words(&browser, "return [...document.links].map(it => it.getAttribute('href'))") {
            if let Some(file) = link.strip_prefix(&base) {
                assert!(release.join(file).is_file(), "{link}");
                files.insert(file.to_owned());
            } else if let Some(id) = link.strip_prefix('#') {
                assert_eq!(browser.run(&format!("return !!document.getElementById('{id}')")), true, "{link}");
            } else if let Some(file) = link.strip_prefix(&format!("{HOMEPAGE}/blob/v{}/", version().unwrap()))
            {
                assert!(Workspace::find().unwrap().root.join(file).is_file(), "{link}");
            } else {
                assert!(
                    [HOMEPAGE, "https://jedisct1.github.io/minisign/"].contains(&link.as_str()),
                    "{link}"
                );
            }
        }
        let sums = fs::read_to_string(release.join(checksums::FILE)).unwrap();
        let elsewhere = (channels::COMPANION.files)(&version().unwrap());
        let text = browser.run("return document.querySelector('table').textContent");
        for (hash, file) in sums.lines().map(|line| line.split_once(" *").unwrap()) {
            let is_shown = text.as_str().unwrap().contains(hash) && files.contains(file);
            let is_described = file == "dist-manifest.json" && files.contains(file);
            assert!(is_shown || is_described || elsewhere.iter().any(|other| other == file), "{file}");
        }
    }
}

#[test]
fn nothing_is_loaded_and_the_console_stays_empty() {
    let (Some(releases), Some(browser)) = (releases(), Browser::start()) else { return };
    for release in releases {
        browser.log("performance");
        browser.open(&url(release));
        browser.click("input[value=macos] + span");
        browser.click("#macos .command button");
        let events = browser.log("performance").into_iter();
        let events = events.map(|event| serde_json::from_str::<Value>(&event).unwrap()["message"].clone());
        let sent = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        let sent = sent.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned());
        // The browser begins with a page of its own.
        let of_ours = |url: &String| !url.starts_with("chrome:") && !url.starts_with("data:");
        let sent: Vec<String> = sent.filter(of_ours).collect();
        assert_eq!(sent, [url(release)]);
        assert_eq!(browser.log("browser"), [""; 0]);
    }
    // What would be said, had the page another script than the one whose hash it names.
    let page = fs::read_to_string(releases[0].join(site::FILE)).unwrap();
    let other = releases[0].with_file_name("other.html");
    fs::write(&other, page.replace("<script>", "<script>//")).unwrap();
    browser.open(&format!("file://{}", other.display()));
    assert!(browser.log("browser").concat().contains("Content Security Policy"));
}

#[test]
fn axe_finds_nothing_in_light_and_dark() {
    let (Some(releases), Some(browser)) = (releases(), Browser::start()) else { return };
    let axe = tools::axe();
    if !is_there("axe-core", axe.is_ok()) {
        return;
    }
    let axe = axe.unwrap();
    for (release, colours, width) in [
        (&releases[0], "light", 1200),
        (&releases[0], "dark", 1200),
        (&releases[1], "light", 400),
        (&releases[1], "dark", 400),
    ] {
        // Whatever moves would be seen half-way, in colours that it never rests in.
        let media = [("prefers-color-scheme", colours), ("prefers-reduced-motion", "reduce")];
        let media = media.map(|(name, value)| json!({"name": name, "value": value}));
        browser.command("Emulation.setEmulatedMedia", &json!({"features": media}));
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        browser.command("Emulation.setDeviceMetricsOverride", &size);
        browser.open(&url(release));
        browser.click("input[value=all] + span");
        browser.click(".then button"); // which now looks otherwise
        let found = browser.run(&format!("{axe}; return axe.run()"));
        let rules = |kind: &str| found[kind].as_array().unwrap().iter().map(|rule| rule["id"].clone());
        assert_eq!(found["violations"], json!([]), "{colours}, {width} wide");
        assert!(rules("passes").any(|rule| rule == "color-contrast"), "axe looked at nothing: {found}");
        let wide = browser.run("return document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(wide, true, "{width} is too narrow for it");
    }
}

#[test]
fn without_scripts_everything_is_there() {
    let (Some([release, _]), Some(browser)) = (releases(), Browser::start()) else { return };
    browser.command("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    browser.open(&url(release));
    assert_eq!(seen(&browser), (owned(&["linux", "macos", "windows"]), owned(&["x86_64", "aarch64"])));
    let useless =
        "return [...document.querySelectorAll('button, form')].filter(it => it.checkVisibility()).length";
    assert_eq!(browser.run(useless), 0);
}

#[test]
fn a_release_with_another_byte_has_no_page() {
    let Some([release, _]) = releases() else { return };
    let broken = release.with_file_name("broken");
    let _of_an_earlier_run = fs::remove_dir_all(&broken);
    assert!(Command::new("cp").arg("-r").args([release, &broken]).status().unwrap().success());
    fs::remove_file(broken.join(site::FILE)).unwrap();
    fs::write(broken.join("install.sh"), "#!/bin/sh\n").unwrap();
    let error = site::page(&broken, &Workspace::find().unwrap(), None).unwrap_err();
    assert_eq!(error.to_string(), "install.sh is not what sha256.sum says");
}
