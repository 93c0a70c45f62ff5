//! Scripts for PowerShell, as far as they can be judged where none is: their grammar, and that `install.ps1` takes the
//! same steps as `install.sh`.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::path::Path;

use tree_sitter::{Node, Parser};

fn installer(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../installers").join(name)).unwrap()
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
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
    let mut errors = Vec::new();
    walk(parser.parse(text, None).unwrap().root_node(), text, &mut errors);
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
