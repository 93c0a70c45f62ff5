//! The *chosen* bot: the command line in `DUCTOR_BOT`. It is split as a shell splits words, and no shell runs it.

use std::ffi::{OsStr, OsString};
use std::iter;
use std::path::{Path, PathBuf};

use crate::bot::shebang::{self, Program};
use crate::bot::{Bot, MODULE, Source};
use crate::error::{Code, Error, Result};
use crate::search_path::{access, which};
use crate::words;

/// The bot that a person's command line names, with programs looked up in `path`.
///
/// # Errors
/// [`Code::Configuration`]: no program could be started by it, or it is this one.
pub fn chosen(line: &OsStr, path: &OsStr) -> Result<Bot> {
    command(line, path).map(|command| Bot { command, source: Source::Chosen }).map_err(|cause| {
        Error::new(format!("DUCTOR_BOT={}", line.to_string_lossy()), cause)
            .code(Code::Configuration)
            .fix("ductor service install --bot ''")
    })
}

/// The words of the line, its program as an absolute path.
fn command(line: &OsStr, path: &OsStr) -> Result<Vec<OsString>, String> {
    let line = line.to_str().ok_or("it is not UTF-8")?;
    if line.contains('\0') {
        return Err("it holds a NUL byte".into());
    }
    let mut words = words::split(line).ok_or("a quote is not closed")?.into_iter();
    let name = words.next().filter(|name| !name.is_empty()).ok_or("it names no program")?;
    let program = program(&name, path)?;
    runs(&program, path)?;
    Ok(iter::once(program.into()).chain(words.map(OsString::from)).collect())
}

fn program(name: &str, path: &OsStr) -> Result<PathBuf, String> {
    if !name.contains(std::path::is_separator) {
        return which(name, path).ok_or_else(|| format!("no program {name} is on PATH"));
    }
    let program = std::path::absolute(name).map_err(|error| error.to_string())?;
    match program.metadata() {
        Err(_) if name.starts_with("~/") => Err(format!("no shell reads {name}: write your home folder out")),
        Err(error) => Err(format!("{name}: {error}")),
        Ok(found) if found.is_dir() => Err(format!("{name} is a folder")),
        Ok(_) if !access::is_program(&program) => Err(format!("{name} is not executable")),
        Ok(_) => Ok(program),
    }
}

/// Whether the kernel would start `program`, and it is not this one, which would start itself for ever.
fn runs(program: &Path, path: &OsStr) -> Result<(), String> {
    let name = program.display();
    let called_ductor = [Some(program.to_owned()), program.canonicalize().ok()]
        .iter()
        .flatten()
        .any(|path| path.file_stem() == Some(OsStr::new("ductor")));
    match shebang::of(program, path) {
        _ if access::is_this_program(program) => Err(format!("{name} is this program itself")),
        Ok(Program::Native) if called_ductor => {
            Err(format!("{name} is the native ductor, which runs {MODULE}; it is not the bot"))
        }
        // On Windows the ending decides (`.cmd`), and one that nothing runs is no program.
        Ok(Program::NoShebang) if !cfg!(windows) => {
            Err(format!("{name} is a text without a shebang (`#!`): nothing runs it"))
        }
        Ok(Program::Other(interpreter) | Program::Python(interpreter))
            if !access::is_program(&interpreter) =>
        {
            Err(format!("{name} is run by {interpreter:?}, which is missing"))
        }
        // A program that only may be executed, not read, is started all the same.
        _ => Ok(()),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::bot::world::World;

    #[test]
    fn the_words_are_a_shells_and_the_program_is_found() {
        let world = World::new();
        let (path, bot) = (world.search_path(&["bin"]), world.program("bin/my bot", "#!/bin/sh\n"));
        let words = |line: String| chosen(line.as_ref(), &path).unwrap().command;
        let expected: Vec<OsString> = vec![bot.clone().into(), "--name".into(), "a b".into(), "".into()];
        assert_eq!(words("'my bot' --name 'a b' \"\"".into()), expected);
        assert_eq!(words(format!("'{}' --name a\\ b ''", bot.display())), expected);
        assert_eq!(words("my\\ bot $HOME ; rm".into())[1..], ["$HOME", ";", "rm"]);
    }

    #[test]
    fn what_can_not_run_is_told_before_it_is_tried() {
        let world = World::new();
        let path = world.search_path(&["bin"]);
        world.program("bin/native/ductor", b"\x7fELF\x02\x01\x01\0");
        world.program("bin/plain", "exec true\n");
        world.program("bin/crlf", "#!/bin/sh\r\nexec true\r\n");
        world.write("bin/data", "#!/bin/sh\n");
        let this = std::env::current_exe().unwrap().display().to_string();
        let bin = world.path("bin").display().to_string();
        let cases = [
            ("bot 'open".into(), "a quote is not closed".to_owned()),
            ("  ".into(), "it names no program".into()),
            ("''".into(), "it names no program".into()),
            ("a\0b".into(), "it holds a NUL byte".into()),
            ("no-such-bot --x".into(), "no program no-such-bot is on PATH".into()),
            ("~/bot".into(), "no shell reads ~/bot: write your home folder out".into()),
            (bin.clone(), format!("{bin} is a folder")),
            (format!("{bin}/data"), format!("{bin}/data is not executable")),
            ("/none/bot".into(), "/none/bot: No such file or directory (os error 2)".into()),
            ("plain".into(), format!("{bin}/plain is a text without a shebang (`#!`): nothing runs it")),
            ("crlf".into(), format!("{bin}/crlf is run by \"/bin/sh\\r\", which is missing")),
            (
                format!("{bin}/native/ductor"),
                format!("{bin}/native/ductor is the native ductor, which runs {MODULE}; it is not the bot"),
            ),
            (this.clone(), format!("{this} is this program itself")),
        ];
        for (line, cause) in cases {
            let error = chosen(line.as_ref(), &path).unwrap_err();
            assert_eq!((error.cause.as_str(), error.code), (cause.as_str(), Code::Configuration), "{line}");
            assert!(error.what.starts_with("DUCTOR_BOT=") && error.fix.is_some());
        }
    }
}
