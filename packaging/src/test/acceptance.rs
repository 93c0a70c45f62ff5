//! The *cases*: what the service has to do (*acceptance*) and what it has to bear (*faults*), each with the tests
//! that show it and what came of them.
//!
//! They stand in `tests/acceptance.txt` and `tests/faults.txt`, a line each, with the names of tests below it; a
//! test also belongs to the acceptance case whose number is in its name (`case_16_…`). The pages in `docs/` are made
//! of these, and of the last run of `cargo xtask test`: what did not run keeps the result that it had.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::tally::Tally;

/// A list of cases, and the page that is made of it.
struct Cases {
    list: &'static str,
    page: &'static str,
    head: &'static str,
    /// Each begins with a number, by which tests name it.
    numbered: bool,
}

const ACCEPTANCE: Cases = Cases {
    list: "tests/acceptance.txt",
    page: "docs/acceptance.md",
    head: "# Acceptance\n\n\
           Made by `cargo xtask test` from `tests/acceptance.txt`, the names of tests, and what came of them when they \
           ran last. What no machine of ours can run, a person with a Mac or with Windows can: `tests/on-a-mac.sh`, \
           `tests/on-windows.ps1`.\n",
    numbered: true,
};

const FAULTS: Cases = Cases {
    list: "tests/faults.txt",
    page: "docs/faults.md",
    head: "# Faults and attacks\n\n\
           What may go wrong, and what somebody may try, each with the tests that do it and what came of them when they \
           ran last. Made by `cargo xtask test` from `tests/faults.txt`. `cargo xtask soak` goes on with the host as \
           long as you want.\n",
    numbered: false,
};

/// What came of tests, by name.
type Results = BTreeMap<String, &'static str>;

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Case {
    /// The part of the page that begins with it.
    part: Option<String>,
    /// Empty where cases have none.
    number: String,
    title: String,
    /// Names as `module::function`.
    tests: Vec<String>,
}

/// Brings the pages up to date with the sources and with what came of a run.
///
/// # Errors
/// A case has no test, a test that is listed does not exist, or a page can't be written.
pub fn update(root: &Path, tally: &Tally) -> Result<()> {
    for cases in [&ACCEPTANCE, &FAULTS] {
        let page = cases.page(root, &results(tally))?;
        if fs::read_to_string(root.join(cases.page)).ok().as_ref() != Some(&page) {
            fs::write(root.join(cases.page), page).with_context(|| format!("write {}", cases.page))?;
        }
    }
    Ok(())
}

impl Cases {
    /// The page, with results of earlier runs where these have none.
    fn page(&self, root: &Path, results: &Results) -> Result<String> {
        let earlier = fs::read_to_string(root.join(self.page)).unwrap_or_default();
        let mut page = self.head.to_owned();
        for (at, case) in self.read(root)?.iter().enumerate() {
            if let Some(part) = &case.part {
                page.push_str(&format!("\n## {part}\n"));
            }
            if at == 0 || case.part.is_some() {
                page.push_str(&format!("\n{}| what | test | result |\n", self.first_column(" case ")));
                page.push_str(&format!("{}|---|---|---|\n", self.first_column("---")));
            }
            let (mut number, mut title) = (format!(" {} ", case.number), case.title.as_str());
            for test in &case.tests {
                let result = result_of(test, results).unwrap_or_else(|| result_in(&earlier, test));
                let first = self.first_column(&number);
                page.push_str(&format!("{first}| {title} | `{test}` | {result} |\n"));
                (number, title) = ("  ".into(), ""); // said once
            }
        }
        Ok(page)
    }

    fn first_column(&self, cell: &str) -> String {
        if self.numbered { format!("|{cell}") } else { String::new() }
    }

    /// All cases with all their tests, in order.
    fn read(&self, root: &Path) -> Result<Vec<Case>> {
        let sources = sources(root)?;
        let text = fs::read_to_string(root.join(self.list)).with_context(|| self.list)?;
        let (mut cases, mut part): (Vec<Case>, Option<String>) = (Vec::new(), None);
        let is_comment = |line: &&str| line.is_empty() || line.starts_with("# ");
        for line in text.lines().filter(|line| !is_comment(line)) {
            if let Some(title) = line.strip_prefix("## ") {
                part = Some(title.into());
            } else if let (Some(test), Some(case)) = (line.strip_prefix("    "), cases.last_mut()) {
                ensure!(sources.contains(&test.to_owned()), "{}: there is no test {test}", self.list);
                case.tests.push(test.into());
            } else {
                cases.push(self.case(part.take(), line, &sources)?);
            }
        }
        for case in &cases {
            ensure!(!case.tests.is_empty(), "{}: no test shows: {}", self.list, case.title);
        }
        Ok(cases)
    }

    fn case(&self, part: Option<String>, line: &str, sources: &[String]) -> Result<Case> {
        if !self.numbered {
            return Ok(Case { part, number: String::new(), title: line.into(), tests: Vec::new() });
        }
        let (number, title) = line.split_once(' ').context("a number and a title")?;
        let own = format!("::case_{number}_");
        let tests = sources.iter().filter(|test| test.contains(&own)).cloned().collect();
        Ok(Case { part, number: number.into(), title: title.into(), tests })
    }
}

/// What an earlier page says of a test.
fn result_in(page: &str, test: &str) -> &'static str {
    let cell = format!("| `{test}` |");
    let result = page.lines().find_map(|line| Some(line.split_once(&cell)?.1.trim_end_matches('|').trim()));
    result.map_or(NOT_RUN, |result| {
        [PASSED, UNSTEADY, FAILED].into_iter().find(|it| *it == result).unwrap_or(NOT_RUN)
    })
}

const PASSED: &str = "passed";
const UNSTEADY: &str = "passed at the second try";
const FAILED: &str = "**failed**";
const NOT_RUN: &str = "not run yet";

/// What came of a test. A test program that is one file alone says no module, and one for each system is called `os`.
fn result_of(test: &str, results: &Results) -> Option<&'static str> {
    let function = test.rsplit("::").next().unwrap_or(test);
    let of_a_system = format!("os::tests::{function}");
    [test, function, &of_a_system].into_iter().find_map(|name| results.get(name)).copied()
}

/// The names of a run begin with more modules than ours.
fn results(tally: &Tally) -> Results {
    let short = |name: &String| {
        let parts: Vec<&str> = name.rsplit("::").collect();
        let within = if parts.get(1) == Some(&"tests") { 3 } else { 2 };
        parts.into_iter().take(within).rev().collect::<Vec<_>>().join("::")
    };
    let told = [(&tally.passed, PASSED), (&tally.unsteady, UNSTEADY), (&tally.failures, FAILED)];
    told.into_iter().flat_map(|(names, came)| names.iter().map(move |name| (short(name), came))).collect()
}

/// Every function of the tests and of the sources, as `module::function`, in the order of the files.
fn sources(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in ["tests/it", "tests/lab", "packaging/tests", "src", "packaging/src"] {
        collect(&root.join(folder), &mut files)?;
    }
    let mut functions = Vec::new();
    for file in files {
        let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let module = match name(&file) {
            module if module == "mod" => name(file.parent().unwrap_or(root)),
            module => module,
        };
        let of_a_program =
            ["tests", "packaging/tests"].iter().any(|tests| file.starts_with(root.join(tests)));
        let within = if of_a_program { "" } else { "::tests" };
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

    /// The threat model names tests, which can't be made from a list: it is prose.
    #[test]
    fn every_test_that_the_page_on_security_names_is_there() {
        let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
        let quoted = page.split('`').skip(1).step_by(2);
        let named: Vec<&str> = quoted.filter(|word| word.contains("::")).collect();
        let there = sources(root()).unwrap();
        for test in &named {
            assert!(there.contains(&(*test).to_owned()), "there is no test {test}");
        }
        assert!(named.len() > 20, "{named:?}");
    }

    #[test]
    fn the_pages_are_current() {
        for cases in [&ACCEPTANCE, &FAULTS] {
            let current = cases.page(root(), &Results::new()).unwrap();
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(root().join(cases.page), &current).unwrap();
            }
            let page = fs::read_to_string(root().join(cases.page)).unwrap();
            assert!(page == current, "to make it anew: UPDATE_GOLDEN=1 cargo test -p xtask --lib acceptance");
        }
    }

    #[test]
    fn every_numbered_test_has_its_case() {
        let cases = ACCEPTANCE.read(root()).unwrap();
        let known = |test: &String| cases.iter().any(|case| case.tests.contains(test));
        let sources = sources(root()).unwrap();
        let stray = sources.iter().filter(|test| test.contains("::case_")).find(|test| !known(test));
        assert_eq!(stray, None, "it has no case in {}", ACCEPTANCE.list);
    }

    #[test]
    fn a_test_of_one_system_is_found_by_the_name_of_its_file() {
        let results = results(&Tally::pass("process::os::tests::a"));
        assert_eq!(result_of("linux::tests::a", &results), Some(PASSED));
        assert_eq!(result_of("linux::tests::b", &results), None);
    }

    #[test]
    fn what_came_of_a_test_is_kept_until_it_runs_again() {
        let tally = Tally {
            passed: vec!["lab::deb::a".into(), "search_path::node::tests::c".into(), "late::d".into()],
            unsteady: vec!["late::d".into()],
            failures: vec!["task_scheduler::life::b".into()],
            ..Tally::default()
        };
        let results = results(&tally);
        assert_eq!(results.get("deb::a"), Some(&PASSED));
        assert_eq!(results.get("node::tests::c"), Some(&PASSED));
        assert_eq!(results.get("life::b"), Some(&FAILED));
        assert_eq!(results.get("late::d"), Some(&UNSTEADY));
        let page =
            "| 15 | what | `life::b` | passed |\n|  |  | `deb::a` | **failed** |\n| | | `x::y` | odd |\n";
        assert_eq!(
            ["life::b", "deb::a", "x::y", "x::z"].map(|it| result_in(page, it)),
            [PASSED, FAILED, NOT_RUN, NOT_RUN]
        );
    }
}
