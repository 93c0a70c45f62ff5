//! Scripts for PowerShell, as far as they can be judged where none is: their grammar, and that `install.ps1` takes the
//! same steps as `install.sh`.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::path::Path;

use tree_sitter::{Node, Parser, Tree};

fn installer(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../installers").join(name)).unwrap()
}

fn parse(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
    parser.parse(text, None).unwrap()
}

/// Where PowerShell would stop reading.
fn errors(text: &str) -> Vec<String> {
    fn walk(node: Node<'_>, text: &str, errors: &mut Vec<String>) {
        if node.is_error() || node.is_missing() {
            let line = node.start_position().row;
            errors.push(format!("line {}: {}", line + 1, text.lines().nth(line).unwrap_or_default()));
        }
        let mut cursor = node.walk();
        node.children(&mut cursor).for_each(|child| walk(child, text, errors));
    }
    let mut errors = Vec::new();
    walk(parse(text).root_node(), text, &mut errors);
    errors
}

#[test]
fn the_script_for_a_person_with_windows_is_powershell() {
    assert_eq!(errors(&installer("../tests/on-windows.ps1")), [""; 0]);
}

#[test]
fn it_is_powershell() {
    let text = installer("install.ps1");
    assert_eq!(errors(&text), [""; 0]);
    // And what is none does not pass.
    for (right, wrong) in
        [("    } finally {\n", "    finally {\n"), ("$ReleaseVersion = ''", "$ReleaseVersion = '")]
    {
        assert!(text.contains(right), "{right}");
        assert_ne!(errors(&text.replacen(right, wrong, 1)), [""; 0], "{wrong}");
    }
}

/// What `ductor upgrade`, a release and the program itself rely on.
#[test]
fn both_installers_know_the_same_words() {
    let (sh, ps1) = (installer("install.sh"), installer("install.ps1"));
    let both = [
        "sha256.sum.minisig",
        "/latest/download",
        "--public-key",
        "--dry-run",
        "service install --no-start",
        "service restart",
        "fetch",
        "unpack",
        "DUCTOR_INSTALL_URL",
        "78",
    ];
    for word in both {
        assert!(sh.contains(word) && ps1.contains(word), "{word}");
    }
}

/// `iex` runs it in the scope of the window that it is pasted into.
#[test]
fn it_leaves_nothing_behind_in_the_window() {
    let statements = |text: &str| {
        let tree = parse(text);
        let mut cursor = tree.walk();
        let lists =
            tree.root_node().named_children(&mut cursor).filter(|node| node.kind() == "statement_list");
        let mut statements = Vec::new();
        for list in lists {
            let mut cursor = list.walk();
            let texts = list.named_children(&mut cursor).map(|node| text[node.byte_range()].to_owned());
            statements.extend(texts.filter(|text| !text.starts_with('#')));
        }
        statements
    };
    let text = installer("install.ps1");
    let all = statements(&text);
    assert!(
        matches!(&all[..], [one] if one.starts_with("& {") && one.contains("$ErrorActionPreference")),
        "{all:?}"
    );
    assert_eq!(statements(&text.replace("\n& {\n", "\n$ErrorActionPreference = 'Stop'\n& {\n")).len(), 2);
    assert!(!text.contains("$global:"));
}

/// What a program says on stderr can be an error for PowerShell, and what it prints is read in another code page than
/// it is written in: no path is taken from there.
#[test]
fn it_runs_programs_by_one_function_and_reads_but_a_version_from_them() {
    let text = installer("install.ps1");
    let runs = |line: &&str| ["& $unpacked", "& $Program", "& minisign"].iter().any(|run| line.contains(run));
    let lines: Vec<&str> = text.lines().filter(runs).collect();
    assert!(lines.len() > 6, "{lines:?}");
    for line in lines {
        assert!(line.contains("Invoke-Native { & "), "{line}");
        assert!(!line.contains("= Invoke-Native") || line.ends_with("{ & $unpacked --version }"), "{line}");
    }
}

/// As `set -e` does in `install.sh`; what it hides at first, this one does too.
#[test]
fn it_fails_where_the_bot_does_not_come_up() {
    let text = installer("install.ps1");
    let (_, function) = text.split_once("function Set-UpService").unwrap();
    let (function, _) = function.split_once("\n    }\n").unwrap();
    let last = function.lines().last().unwrap().trim();
    assert!(last.starts_with("if ($LASTEXITCODE) { throw "), "{last}");
    let first = function.lines().find(|line| line.contains("service install --no-start")).unwrap();
    assert!(first.contains(" 2>$null "), "{first}");
}

/// A function's list of one line comes back as that line, whose last is a character.
#[test]
fn the_script_for_a_person_takes_the_last_of_a_list() {
    let text = installer("../tests/on-windows.ps1");
    let wrong: Vec<&str> = text.lines().filter(|line| line.replace("@(", "").contains("(Bots)[")).collect();
    assert_eq!(wrong, [""; 0]);
}
