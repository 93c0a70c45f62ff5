//! A *shebang* is the first line of a script, which names the program that runs it (`#!/usr/bin/python3`).
//!
//! Through it a console script of pip, pipx or uv leads to the python that has the bot. Three forms are
//! written: the plain one; `env` with a name on PATH; and, for a path with spaces or of more than 127 bytes,
//! a shell script whose second line is `'''exec' '/the path/python' "$0" "$@"`, which is a string to python.
//! On Windows the script is a program, `Scripts\\ductor.exe`: a launcher of some 100 KB that carries the first line
//! in itself, before the zip file with the rest (pip, pipx) or in it, where nothing is compressed (uv).

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::effects::file;
use crate::search_path::which;

/// Console scripts have some 300 bytes; their first lines are all that matters.
const HEAD: u64 = 8 * 1024;

/// Larger than every launcher; what is larger is something else.
const LAUNCHER: u64 = 1024 * 1024;

/// What a file that may be executed is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A script that this python runs. It need not exist.
    Python(PathBuf),
    /// A script that another interpreter runs.
    Other(PathBuf),
    /// A text without a shebang, which no kernel starts.
    NoShebang,
    /// Machine code, and no launcher of a script.
    Native,
}

/// Looks at the beginning of the program `path`; names are looked up in `search_path`.
///
/// # Errors
/// The file can't be read, or is no file.
pub fn of(path: &Path, search_path: &OsStr) -> io::Result<Program> {
    let mut head = Vec::new();
    file::open_regular(path)?.take(HEAD).read_to_end(&mut head)?;
    let whole = || file::read_bounded(path, LAUNCHER).unwrap_or_default();
    Ok(in_head(&head, whole, path, search_path))
}

/// The same of the beginning of a file, and all of it, should it be a launcher.
pub(crate) fn in_head(
    head: &[u8],
    whole: impl FnOnce() -> Vec<u8>,
    path: &Path,
    search_path: &OsStr,
) -> Program {
    if !head.starts_with(b"#!") {
        // No text has a NUL; every executable format of an operating system has one in its header.
        let native = || launchers_python(&whole()).map_or(Program::Native, Program::Python);
        return if head.contains(&0) { native() } else { Program::NoShebang };
    }
    let text = String::from_utf8_lossy(head);
    let mut lines = text[2..].split('\n'); // to the kernel a carriage return is part of the name
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let interpreter = long_form(path, second).unwrap_or_else(|| plain_form(first, search_path));
    if is_python(&interpreter) { Program::Python(interpreter) } else { Program::Other(interpreter) }
}

/// The python in a launcher for Windows: of the lines that look like a shebang, the last that names one.
fn launchers_python(bytes: &[u8]) -> Option<PathBuf> {
    let end = if bytes.starts_with(b"MZ") { bytes.len() } else { 0 };
    let starts = (0..end).rev().filter(|&at| bytes[at..].starts_with(b"#!"));
    let pythons = starts.filter_map(|at| {
        let line = bytes[at + 2..].split(|&byte| byte == b'\n').next()?;
        let line = std::str::from_utf8(line).ok()?.trim();
        let quoted = line.strip_prefix('"').and_then(|rest| rest.split('"').next());
        let python = quoted.or_else(|| line.split(' ').next())?;
        Some(PathBuf::from(python)).filter(|python| is_python(python))
    });
    pythons.into_iter().next()
}

/// The interpreter in `/path/of/python -option`, or the name that `env` would look up.
fn plain_form(line: &str, search_path: &OsStr) -> PathBuf {
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let interpreter = PathBuf::from(words.next().unwrap_or_default());
    if interpreter.file_name() != Some(OsStr::new("env")) {
        return interpreter;
    }
    let name = words.find(|word| !word.starts_with('-') && !word.contains('=')).unwrap_or_default();
    which(name, search_path).unwrap_or_else(|| name.into())
}

/// The python in the second line of a shell script that pip or uv wrote for a path that no shebang can hold.
fn long_form(script: &Path, line: &str) -> Option<PathBuf> {
    let command = line.strip_prefix("'''exec' ")?;
    if let Some((_, rest)) = command.split_once("realpath -- \"$0\"") {
        // uv, of an environment that can be moved: `"$(dirname -- "$(realpath -- "$0")")"/'python'`.
        let name = rest.split('\'').nth(1).filter(|name| !name.contains('/'))?;
        return Some(script.canonicalize().ok()?.parent()?.join(name));
    }
    let words = shell_words::split(command).ok()?;
    words.first().map(PathBuf::from)
}

fn is_python(interpreter: &Path) -> bool {
    let name = interpreter.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    interpreter.is_absolute() && (name.starts_with("python") || name.starts_with("pypy"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::bot::world::World;

    fn program(text: impl AsRef<[u8]>) -> Program {
        let world = World::new();
        world.program("bin/python3", "");
        let script = world.program("env/bin/ductor", text);
        let relative = |path: PathBuf| path.strip_prefix(world.path("")).map_or(path.clone(), Path::to_owned);
        match of(&script, &world.search_path(&["bin"])).unwrap() {
            Program::Python(python) => Program::Python(relative(python)),
            other => other,
        }
    }

    #[test]
    fn a_console_script_leads_to_its_python() {
        let cases = [
            ("#!/venv/bin/python3\nimport re\n", "/venv/bin/python3"),
            ("#! /venv/bin/python3.12 -sE\n", "/venv/bin/python3.12"),
            ("#!/usr/bin/env python3\n", "bin/python3"),
            ("#!/usr/bin/env -S python3 -I\n", "bin/python3"),
            ("#!/opt/pypy/bin/pypy3\n", "/opt/pypy/bin/pypy3"),
            // pip; uv; uv in an environment that can be moved
            ("#!/bin/sh\n'''exec' \"/a b/bin/python\" \"$0\" \"$@\"\n' '''\nimport re\n", "/a b/bin/python"),
            ("#!/bin/sh\n'''exec' '/a b/bin/python3' \"$0\" \"$@\"\n' '''\n", "/a b/bin/python3"),
            (
                "#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python3' \"$0\" \"$@\"\n' '''\n",
                "env/bin/python3",
            ),
        ];
        for (text, python) in cases {
            assert_eq!(program(text), Program::Python(python.into()), "{text}");
        }
    }

    #[test]
    fn other_programs_are_told_apart() {
        let bash = "#!/usr/bin/bash\nexec pyenv exec ductor \"$@\"\n";
        assert_eq!(program(bash), Program::Other("/usr/bin/bash".into()));
        assert_eq!(program("#!python3\n"), Program::Other("python3".into()));
        assert_eq!(program("#!/usr/bin/env python9\n"), Program::Other("python9".into()));
        assert_eq!(program("import re\n"), Program::NoShebang);
        assert_eq!(program(""), Program::NoShebang);
        assert_eq!(program(b"\x7fELF\x02\x01\x01\0\0"), Program::Native);
    }

    #[test]
    fn a_launcher_for_windows_leads_to_its_python() {
        let stub = [b"MZ\x90\0 #!/no line of its own".as_slice(), &[0; 90_000], b"#!stub\n"].concat();
        let launcher = |rest: &[u8]| program([&stub, rest].concat());
        let python = |path: &str| Program::Python(path.into());
        // pip; pip in a folder with a blank; uv, of versions before and after its path stands in a resource
        let zip = b"PK\x03\x04\x14\0\0\0\x08\0__main__.py\x8d\x91#!\x99PK\x05\x06";
        assert_eq!(
            launcher(&[b"#!/v/Scripts/python.exe\r\n", &zip[..]].concat()),
            python("/v/Scripts/python.exe")
        );
        assert_eq!(launcher(&[b"#!\"/v w/Python.exe\"\n", &zip[..]].concat()), python("/v w/Python.exe"));
        let uv = b"PK\x03\x04\0\0__main__.py#!/u/Scripts/python.exe\n# -*- coding: utf-8 -*-\nPK\x05\x06\0";
        assert_eq!(
            launcher(&[&uv[..], b"/u/Scripts/python.exe\x15\0\0\0UVSC"].concat()),
            python("/u/Scripts/python.exe")
        );
        assert_eq!(launcher(b"#!/usr/bin/perl\n"), Program::Native);
        assert_eq!(launcher(&vec![b'#'; 1024 * 1024]), Program::Native);
    }

    #[test]
    fn hostile_scripts_do_no_harm() {
        let exec = "'''exec' ";
        for line in ["", "\n", " \t\n\n", "/usr/bin/env\n"] {
            assert!(matches!(program(format!("#!{line}")), Program::Other(_)), "{line}");
        }
        for rest in ["", "'open", "realpath -- \"$0\"", "realpath -- \"$0\" '../../x'"] {
            assert!(matches!(program(format!("#!/bin/sh\n{exec}{rest}")), Program::Other(_)), "{rest}");
        }
        assert_eq!(program(vec![0xff; 100_000]), Program::NoShebang);
        assert!(matches!(program([b"#!/".as_slice(), &[0xfe; 100_000]].concat()), Program::Other(_)));
    }
}
