//! The tier *fast*: what needs neither root nor machines.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::second_try::count_twice;
use super::tally::{Tally, check};
use super::{Steps, cargo, root};
use crate::lab::{needs, wine};
use crate::workspace::output;
use crate::{fuzz, toolchain, tools};

/// Takes the steps of this tier. With `words` for the test programs, only these are run.
pub fn take(steps: &mut Steps, words: &[String]) {
    if words.is_empty() {
        steps.take("format", || check("format", cargo("fmt").args(["--all", "--check"])));
        steps.take("lints", || {
            let lint = ["--workspace", "--all-targets", "--quiet", "--", "--deny=warnings"];
            check("lints", cargo("clippy").args(lint))
        });
        steps.take("lints for Windows", lints_for_windows);
        steps.take("documentation", documentation);
        steps.take("shell scripts", shell_scripts);
        steps.take("dependencies", dependencies);
    }
    steps.take("tests", || {
        get_readers()?;
        // The fake service managers are programs of their own, which no test target of cargo builds.
        output(cargo("build").args(["--quiet", "--package", "fakes"]))?;
        count_twice("tests", words, |words| {
            let mut test = cargo("test");
            // The lab's own tests belong to the other tier.
            test.args(["--workspace", "--no-fail-fast"]).env(super::in_lab::SKIP, "");
            test.arg("--").args(words);
            test
        })
    });
    if words.is_empty() {
        steps.take("fuzz", fuzz::briefly);
    }
}

/// What is compiled for Windows only, which no other step sees.
fn lints_for_windows() -> Result<Tally> {
    if let Some(library) = toolchain::compiler(wine::TARGET) {
        // Where the tool chain is rustup's it can be got.
        let _or_skipped = Command::new("rustup").args(["--quiet", "target", "add", wine::TARGET]).status();
        if toolchain::compiler(wine::TARGET).is_some() {
            return Ok(Tally::skip(
                "lints for Windows",
                &format!("{} is missing: {}", library.what, library.get),
            ));
        }
    }
    let lint =
        ["--package=ductor", "--package=fakes", "--lib", "--bins", "--quiet", "--target", wine::TARGET];
    check("lints for Windows", cargo("clippy").args(lint).args(["--", "--deny=warnings"]))
}

/// The pages for those who use the library, whose links must not lead to private rooms, and those for contributors.
fn documentation() -> Result<Tally> {
    let pages = |name: &str, of: &[&str], flags: &str| {
        let mut doc = cargo("doc");
        check(name, doc.args(["--no-deps", "--quiet"]).args(of).env("RUSTDOCFLAGS", flags))
    };
    let all = ["--workspace", "--document-private-items"];
    let written = [
        pages("pages of the library", &["--package=ductor"], "--deny=warnings"),
        pages("pages of all", &all, "--deny=warnings --allow=rustdoc::private-intra-doc-links"),
    ];
    written.into_iter().sum()
}

/// The programs of others with which tests read our bundles back, each with its Debian package. Without them these
/// tests leave that out, or fail where nothing may be left out.
const READERS: [(&str, &str); 17] = [
    ("bsdtar", "libarchive-tools"),
    ("rpm", "rpm"),
    ("msiinfo", "msitools"),
    ("zstd", "zstd"),
    ("xz", "xz-utils"),
    ("ruby", "ruby"),
    ("minisign", "minisign"),
    ("makepkg", "makepkg"),
    ("pacman", "pacman-package-manager"),
    ("fakeroot", "fakeroot"),
    ("rubocop", "rubocop"),
    ("/usr/bin/jsonschema", "python3-jsonschema"), // any other one would be that of some virtual environment
    ("pip3", "python3-pip"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("npm", "npm"),
    ("faketime", "faketime"), // another clock for a program
];

fn get_readers() -> Result<()> {
    let missing = READERS.into_iter().filter(|(reader, _)| !needs::on_path(reader));
    let missing: Vec<&str> = missing.map(|(_, package)| package).collect();
    needs::install(&missing, &|what| println!("{what}"))?;
    // Without them, as without a network, the tests say so: each leaves out its part, or fails where it may not.
    if let Err(error) = tools::fetch() {
        println!("{error:#}");
    }
    Ok(())
}

/// Licences, sources and versions of all crates, by `.deny.toml`. Known holes are another matter: their list is on a
/// forge, and cargo-deny would fetch it (`cargo deny check advisories`).
fn dependencies() -> Result<Tally> {
    if let Err(error) = get_readers().and_then(|()| tools::fetch()) {
        return Ok(Tally::skip("dependencies", &format!("{error:#}")));
    }
    let mut deny = Command::new(tools::fetched("cargo-deny"));
    deny.args(["--workspace", "--locked", "check", "bans", "licenses", "sources"]);
    check("dependencies", deny.current_dir(root()))
}

/// Every script that we ship or run, through shellcheck.
fn shell_scripts() -> Result<Tally> {
    let scripts = scripts()?;
    if !needs::on_path("shellcheck") {
        needs::install(&["shellcheck"], &|what| println!("{what}"))?;
    }
    if !needs::on_path("shellcheck") {
        return Ok(Tally::skip("shell scripts", "shellcheck is not installed"));
    }
    check("shell scripts", Command::new("shellcheck").args(scripts).current_dir(root()))
}

/// The files that git knows and that a shell reads, by their first line. What a fuzzer begins with is nobody's script.
fn scripts() -> Result<Vec<PathBuf>> {
    let files = Command::new("git")
        .args(["ls-files", "-z", "--", ":!tests/fuzz/corpus"])
        .current_dir(root())
        .output()?;
    let files = String::from_utf8_lossy(&files.stdout).into_owned();
    let is_script = |file: &Path| {
        std::fs::read(root().join(file)).is_ok_and(|text| {
            let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            first.starts_with(b"#!") && (first.ends_with(b"sh") || first.ends_with(b"sh -e"))
        })
    };
    Ok(files.split_terminator('\0').map(PathBuf::from).filter(|file| is_script(file)).collect())
}
