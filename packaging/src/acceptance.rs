//! The *acceptance cases*: what the service has to do, each with the tests that show it and what came of them.
//!
//! The cases stand in `tests/acceptance.txt`; a test belongs to the case whose number is in its name
//! (`case_16_…`), or is listed there. `docs/acceptance.md` is made of both, and of the last run of `cargo xtask test`:
//! what did not run keeps the result that it had.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::test::tally::Tally;

const CASES: &str = "tests/acceptance.txt";
const PAGE: &str = "docs/acceptance.md";

/// What came of tests, by name.
type Results = BTreeMap<String, &'static str>;

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Case {
    number: String,
    title: String,
    /// Names as `module::function`.
    tests: Vec<String>,
}

/// Brings the page up to date with the sources and with what came of a run.
///
/// # Errors
/// A case has no test, a test that is listed does not exist, or the page can't be written.
pub fn update(root: &Path, tally: &Tally) -> Result<()> {
    let page = page(root, &results(tally))?;
    if fs::read_to_string(root.join(PAGE)).ok().as_ref() != Some(&page) {
        fs::write(root.join(PAGE), page).with_context(|| format!("write {PAGE}"))?;
    }
    Ok(())
}

/// The page, with results of earlier runs where these have none.
fn page(root: &Path, results: &Results) -> Result<String> {
    let earlier = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    let mut page = String::from(
        "# Acceptance\n\n\
         Made by `cargo xtask test` from `tests/acceptance.txt`, the names of tests, and what came of them when they \
         ran last. What no machine of ours can run, a person with a Mac or with Windows can: `tests/on-a-mac.sh`, \
         `tests/on-windows.ps1`.\n\n\
         | case | what | test | result |\n|---|---|---|---|\n",
    );
    for case in cases(root)? {
        let (mut number, mut title) = (case.number.as_str(), case.title.as_str());
        for test in &case.tests {
            let result = results.get(test).copied().unwrap_or_else(|| result_in(&earlier, test));
            page.push_str(&format!("| {number} | {title} | `{test}` | {result} |\n"));
            (number, title) = ("", ""); // said once
        }
    }
    Ok(page)
}

/// What an earlier page says of a test.
fn result_in(page: &str, test: &str) -> &'static str {
    let cell = format!("| `{test}` |");
    let result = page.lines().find_map(|line| Some(line.split_once(&cell)?.1.trim_end_matches('|').trim()));
    result.map_or(NOT_RUN, |result| [PASSED, FAILED].into_iter().find(|it| *it == result).unwrap_or(NOT_RUN))
}

const PASSED: &str = "passed";
const FAILED: &str = "**failed**";
const NOT_RUN: &str = "not run yet";

/// The names of a run begin with more modules than ours.
fn results(tally: &Tally) -> Results {
    let short = |name: &String| {
        let parts: Vec<&str> = name.rsplit("::").collect();
        let within = if parts.get(1) == Some(&"tests") { 3 } else { 2 };
        parts.into_iter().take(within).rev().collect::<Vec<_>>().join("::")
    };
    let passed = tally.passed.iter().map(|name| (short(name), PASSED));
    passed.chain(tally.failures.iter().map(|name| (short(name), FAILED))).collect()
}

/// All cases with all their tests, in order.
fn cases(root: &Path) -> Result<Vec<Case>> {
    let sources = sources(root)?;
    let text = fs::read_to_string(root.join(CASES)).with_context(|| CASES.to_owned())?;
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix("    "), cases.last_mut()) {
            (Some(test), Some(case)) => {
                ensure!(sources.contains(&test.to_owned()), "{CASES}: there is no test {test}");
                case.tests.push(test.into());
            }
            _ => {
                let (number, title) = line.split_once(' ').context("a number and a title")?;
                let own = format!("::case_{number}_");
                let tests = sources.iter().filter(|test| test.contains(&own)).cloned().collect();
                cases.push(Case { number: number.into(), title: title.into(), tests });
            }
        }
    }
    for case in &cases {
        ensure!(!case.tests.is_empty(), "{CASES}: case {} has no test", case.number);
    }
    let known = |test: &&String| cases.iter().any(|case| case.tests.contains(test));
    let stray = sources.iter().filter(|test| test.contains("::case_")).find(|test| !known(test));
    ensure!(stray.is_none(), "{CASES} has no case for {stray:?}");
    Ok(cases)
}

/// Every function of the tests and of the sources, as `module::function`, in the order of the files.
fn sources(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in ["tests/it", "tests/lab", "src"] {
        collect(&root.join(folder), &mut files)?;
    }
    let mut functions = Vec::new();
    for file in files {
        let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let module = match name(&file) {
            module if module == "mod" => name(file.parent().unwrap_or(root)),
            module => module,
        };
        let within = if file.starts_with(root.join("src")) { "::tests" } else { "" };
        for line in fs::read_to_string(&file)?.lines() {
            let function = line.trim_start().strip_prefix("fn ").and_then(|rest| rest.split_once('('));
            functions.extend(function.map(|(function, _)| format!("{module}{within}::{function}")));
        }
    }
    Ok(functions)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("read {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if entry.extension().is_some_and(|kind| kind == "rs") {
            files.push(entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    #[test]
    fn the_page_is_current() {
        let current = page(root(), &Results::new()).unwrap();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(root().join(PAGE), &current).unwrap();
        }
        let page = fs::read_to_string(root().join(PAGE)).unwrap();
        assert!(page == current, "to make it anew: UPDATE_GOLDEN=1 cargo test -p xtask --lib acceptance");
    }

    #[test]
    fn what_came_of_a_test_is_kept_until_it_runs_again() {
        let tally = Tally {
            passed: vec!["lab::deb::a".into(), "search_path::node::tests::c".into()],
            failures: vec!["task_scheduler::life::b".into()],
            ..Tally::default()
        };
        let results = results(&tally);
        assert_eq!(results.get("deb::a"), Some(&PASSED));
        assert_eq!(results.get("node::tests::c"), Some(&PASSED));
        assert_eq!(results.get("life::b"), Some(&FAILED));
        let page =
            "| 15 | what | `life::b` | passed |\n|  |  | `deb::a` | **failed** |\n| | | `x::y` | odd |\n";
        assert_eq!(
            ["life::b", "deb::a", "x::y", "x::z"].map(|it| result_in(page, it)),
            [PASSED, FAILED, NOT_RUN, NOT_RUN]
        );
    }
}
