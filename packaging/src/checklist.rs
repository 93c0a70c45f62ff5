//! The *checklist* of a release: what can be looked at before there is a tag, a line each, with what to do where it is
//! not yet so. `cargo xtask release --check` prints it; docs/packaging.md says what follows.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use semver::Version;

use crate::release::{self, Release};
use crate::workspace::{Workspace, cargo, output};
use crate::{cargo_dist, report, signature, tools};

/// Looks at one thing: how it is, or the error that says what to do.
type Look = fn(&Workspace) -> Result<String>;

const LINES: [(&str, Look); 10] = [
    ("version", version),
    ("changelog", changelog),
    ("tree", tree),
    ("lock file", lock_file),
    ("workflow", workflow),
    ("dist plan", plan),
    ("key", key),
    ("acceptance", acceptance),
    ("benchmarks", benchmarks),
    ("public API", public_api),
];

/// Prints the list. The exit code: 1 while something is to be done.
///
/// # Errors
/// There is no workspace.
pub fn run() -> Result<u8> {
    let workspace = Workspace::find()?;
    let looked: Vec<_> = LINES.iter().map(|(name, look)| (name, look(&workspace))).collect();
    let to_do = looked.iter().filter(|(_, found)| found.is_err()).count();
    let row = |(name, found): &(&&str, Result<String>)| match found {
        Ok(what) => [(**name).to_owned(), "ok".into(), what.clone()],
        Err(what) => [(**name).to_owned(), "to do".into(), format!("{what:#}").replace('\n', " ")],
    };
    report::table(&looked.iter().map(row).collect::<Vec<_>>(), [false; 3]);
    match to_do {
        0 => report::out(&format!("\nready: git tag v{0} && git push origin v{0}", release::version()?)),
        _ => report::out(&format!("\n{to_do} to do")),
    }
    Ok(u8::from(to_do > 0))
}

/// Nobody has it yet, and it is above all that there are.
fn version(workspace: &Workspace) -> Result<String> {
    let version = release::version()?;
    match tags(workspace)?.last() {
        Some(newest) if *newest >= version => {
            bail!("{version} is not above the tag v{newest}: raise `version` in Cargo.toml")
        }
        Some(newest) => Ok(format!("{version}, after {newest}")),
        None => Ok(format!("{version}, the first that is tagged here")),
    }
}

/// The versions that have a tag, in order.
fn tags(workspace: &Workspace) -> Result<Vec<Version>> {
    let tags = git(workspace, &["tag", "--list", "v*"])?;
    let mut versions: Vec<Version> = tags.lines().filter_map(|tag| tag[1..].parse().ok()).collect();
    versions.sort();
    Ok(versions)
}

/// It has a section with its date, and nothing is left over for the next one.
fn changelog(workspace: &Workspace) -> Result<String> {
    let release = Release::of(workspace)?;
    let (version, newest) = (&release.version, release.changelog.first().context("a section")?);
    let text = String::from_utf8(workspace.read("CHANGELOG.md")?)?;
    let mut sections = text.split("\n## ");
    let unreleased = sections.find(|section| section.starts_with("[Unreleased]")).unwrap_or_default();
    let left = unreleased.lines().skip(1).filter(|line| line.starts_with("- ")).count();
    ensure!(
        left == 0,
        "{left} lines under [Unreleased]: move them to a section of the version that they are for"
    );
    ensure!(text.contains(&format!("\n[{version}]: ")), "its last lines have no link for [{version}]");
    Ok(format!("{version} of {}, {} lines", newest.date, newest.changes.len()))
}

/// All that is here is committed.
fn tree(workspace: &Workspace) -> Result<String> {
    let changed = git(workspace, &["status", "--porcelain"])?;
    let count = changed.lines().count();
    ensure!(count == 0, "{count} files are not committed: git status");
    Ok(format!("clean, at {}", git(workspace, &["rev-parse", "--short", "HEAD"])?))
}

/// It is the one that Cargo.toml makes.
fn lock_file(workspace: &Workspace) -> Result<String> {
    let mut metadata = cargo();
    metadata.args(["metadata", "--locked", "--format-version=1"]).current_dir(&workspace.root);
    output(&mut metadata).context("Cargo.lock is stale: cargo update --workspace")?;
    Ok("as Cargo.toml wants it".into())
}

/// cargo-dist would write the same.
fn workflow(workspace: &Workspace) -> Result<String> {
    let dist = tools::cargo_dist().map_err(|it| anyhow::anyhow!("{} is missing: {}", it.what, it.get))?;
    output(Command::new(dist).args(["generate", "--check"]).current_dir(&workspace.root))
        .context("release.yml is stale: dist generate")?;
    Ok("as cargo-dist writes it".into())
}

/// cargo-dist would announce this version.
fn plan(workspace: &Workspace) -> Result<String> {
    let (plan, version) = (cargo_dist::plan(workspace)?, release::version()?.to_string());
    let release = plan.releases.first().context("cargo-dist plans no release")?;
    ensure!(release.app_version == version, "cargo-dist plans {}, not {version}", release.app_version);
    Ok(format!("{} files of {version}", plan.artifacts.len()))
}

/// People can check what they get.
fn key(workspace: &Workspace) -> Result<String> {
    let key = signature::public_key(workspace)?;
    let key = key.context(
        "no installers/ductor.pub, so nobody can check the release: docs/packaging.md, \"Signing\"",
    )?;
    Ok(format!("minisign {key}"))
}

/// Every case and fault was tried, and is well.
fn acceptance(workspace: &Workspace) -> Result<String> {
    let mut passed = 0;
    for page in ["docs/acceptance.md", "docs/faults.md"] {
        let text = String::from_utf8(workspace.read(page)?)?;
        let count =
            |result: &str| text.lines().filter(|line| line.ends_with(&format!("| {result} |"))).count();
        let (failed, not_run) = (count("**failed**"), count("not run yet"));
        ensure!(failed + not_run == 0, "{page}: {failed} failed, {not_run} did not run: cargo xtask test");
        passed += count("passed");
    }
    Ok(format!("{passed} tests passed when they ran last"))
}

/// What the first page claims was measured.
fn benchmarks(workspace: &Workspace) -> Result<String> {
    workspace.read("docs/benchmarks.md").context("cargo xtask bench --write")?;
    Ok("docs/benchmarks.md is there".into())
}

/// Who builds on the library can go on, or the version says that they can't.
fn public_api(workspace: &Workspace) -> Result<String> {
    let Some(baseline) = tags(workspace)?.pop() else {
        return Ok("nothing to compare with: this version is the baseline".into());
    };
    let mut check = cargo();
    check
        .args(["semver-checks", "--package", "ductor", "--default-features", "--baseline-rev"])
        .arg(format!("v{baseline}"));
    output(check.current_dir(&workspace.root)).context(
        "it breaks what was promised, so raise the version; or the checker is missing: \
         cargo install cargo-semver-checks --locked",
    )?;
    Ok(format!("as {baseline} promised"))
}

fn git(workspace: &Workspace, args: &[&str]) -> Result<String> {
    let said = output(Command::new("git").args(args).current_dir(&workspace.root))?;
    Ok(String::from_utf8(said)?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A checkout with this changelog, all of it committed.
    fn checkout(changelog: &str) -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        fs::write(root.join("CHANGELOG.md"), changelog).unwrap();
        let workspace = Workspace { target: root.join("target"), root };
        git(&workspace, &["init", "--quiet"]).unwrap();
        git(&workspace, &["add", "."]).unwrap();
        let commit = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "all"];
        git(&workspace, &commit).unwrap();
        (folder, workspace)
    }

    fn with_version(text: &str) -> String {
        text.replace("VERSION", &release::version().unwrap().to_string())
    }

    fn to_do(found: Result<String>) -> String {
        format!("{:#}", found.unwrap_err())
    }

    #[test]
    fn a_changelog_that_is_ready_has_a_date_a_link_and_nothing_left_over() {
        let ready =
            with_version("# C\n\n## [Unreleased]\n\n## [VERSION] - 2026-11-25\n\n- a\n\n[VERSION]: x\n");
        assert_eq!(changelog(&checkout(&ready).1).unwrap(), with_version("VERSION of 2026-11-25, 1 lines"));
        let left = ready.replace("[Unreleased]\n", "[Unreleased]\n\n- b\n");
        assert!(to_do(changelog(&checkout(&left).1)).starts_with("1 lines under [Unreleased]"));
        let undated = ready.replace(" - 2026-11-25", "");
        assert!(changelog(&checkout(&undated).1).is_err());
        let unlinked = ready.replace("]: x", "] x");
        assert!(to_do(changelog(&checkout(&unlinked).1)).contains("no link"));
    }

    #[test]
    fn what_is_not_committed_is_to_do() {
        let (_folder, workspace) = checkout("");
        assert!(tree(&workspace).unwrap().starts_with("clean, at "));
        fs::write(workspace.root.join("new"), "").unwrap();
        assert_eq!(to_do(tree(&workspace)), "1 files are not committed: git status");
    }

    #[test]
    fn a_version_that_is_tagged_is_not_made_again() {
        let (_folder, workspace) = checkout("");
        assert!(version(&workspace).unwrap().ends_with("the first that is tagged here"));
        git(&workspace, &["tag", "v0.0.9"]).unwrap();
        assert!(version(&workspace).unwrap().ends_with(", after 0.0.9"));
        git(&workspace, &["tag", &with_version("vVERSION")]).unwrap();
        assert!(to_do(version(&workspace)).ends_with("raise `version` in Cargo.toml"));
    }

    #[test]
    fn a_test_that_failed_or_did_not_run_is_to_do() {
        let (_folder, workspace) = checkout("");
        fs::create_dir(workspace.root.join("docs")).unwrap();
        let page = |name: &str, text: &str| fs::write(workspace.root.join("docs").join(name), text).unwrap();
        page("faults.md", "| 1 | what | `a::b` | passed |\n");
        page("acceptance.md", "| 1 | what | `a::b` | passed |\n|  |  | `a::c` | passed |\n");
        assert_eq!(acceptance(&workspace).unwrap(), "3 tests passed when they ran last");
        page("faults.md", "| 1 | what | `a::b` | **failed** |\n|  |  | `a::c` | not run yet |\n");
        assert_eq!(
            to_do(acceptance(&workspace)),
            "docs/faults.md: 1 failed, 1 did not run: cargo xtask test"
        );
    }
}
