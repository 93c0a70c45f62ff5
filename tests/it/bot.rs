//! `ductor bot path`: the bot is found where each installer puts it, and what was passed over says why.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::world::World;

/// A virtual environment with the bot, as pip makes one: its console script says with which words it starts.
fn environment(world: &World, name: &str, version: &str) {
    let folder = world.path(name);
    let site = folder.join("lib/python3.11/site-packages");
    fs::create_dir_all(site.join("ductor_bot")).unwrap();
    fs::create_dir_all(site.join(format!("ductor-{version}.dist-info"))).unwrap();
    fs::write(folder.join("pyvenv.cfg"), "home = /usr/bin\nversion = 3.11.2\n").unwrap();
    fs::write(site.join("ductor_bot/__main__.py"), "").unwrap();
    let metadata = format!("Metadata-Version: 2.4\nName: ductor\nVersion: {version}\n");
    fs::write(site.join(format!("ductor-{version}.dist-info/METADATA")), metadata).unwrap();
    program(&folder.join("bin/python"), "#!/bin/sh\necho nobody starts it to look at it >&2; exit 9\n");
}

fn program(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn link(world: &World, target: &str, name: &str) {
    fs::create_dir_all(world.path(name).parent().unwrap()).unwrap();
    symlink(world.path(target), world.path(name)).unwrap();
}

/// What `ductor bot path` says with these folders first in PATH: its code, stdout, and the lines of stderr about
/// this world (the computer below may have a python, too), which is called `~`.
fn path(world: &World, folders: &[&str]) -> (Option<i32>, String, String) {
    let folders = folders.iter().map(|folder| world.path(folder).display().to_string());
    let path: Vec<String> = folders.chain(["/usr/bin".into(), "/bin".into()]).collect();
    let mut ductor = world.ductor(&["bot", "path"]);
    ductor.env("PATH", path.join(":")).env_remove("DUCTOR_BOT").stdout(std::process::Stdio::piped());
    let output = ductor.output().unwrap();
    let short =
        |text: &[u8]| String::from_utf8_lossy(text).replace(&world.path("").display().to_string(), "~/");
    let said = short(&output.stderr);
    let said: Vec<&str> = said.lines().filter(|line| line.contains("~/")).collect();
    (output.status.code(), short(&output.stdout), said.join("\n"))
}

const NONE_MADE: &str = "   ~/.local/share/ductor/bot: `ductor bot install` has made none\n";

#[test]
fn each_installer_has_its_place() {
    let script = |python: &str| format!("#!{python}\nfrom ductor_bot.__main__ import main\nmain()\n");
    // uv, where the path is too long for the kernel or has a blank; pip does the same with other quotes.
    let by_sh = |python: &str| format!("#!/bin/sh\n'''exec' '{python}' \"$0\" \"$@\"\n' '''\nimport sys\n");
    type Text<'a> = &'a dyn Fn(&str) -> String;
    let cases: [(&str, Text<'_>, bool, &[&str]); 5] = [
        (".local/share/pipx/venvs/ductor", &script, true, &[]),
        (".local/share/uv/tools/ductor", &by_sh, true, &[]),
        ("my project/.venv", &by_sh, false, &["my project/.venv/bin"]),
        ("venv", &script, false, &["venv/bin"]),
        (".pyenv/versions/3.12.1", &script, false, &[".pyenv/versions/3.12.1/bin"]),
    ];
    for (folder, text, linked, folders) in cases {
        let world = World::new("");
        environment(&world, folder, "0.20.1");
        let python = world.path(folder).join("bin/python").display().to_string();
        program(&world.path(folder).join("bin/ductor"), &text(&python));
        let mut place = format!("{folder}/bin/ductor");
        if linked {
            link(&world, &place, ".local/bin/ductor");
            place = ".local/bin/ductor".into();
        }
        let quote = if folder.contains(' ') { "'" } else { "" };
        let command = format!("{quote}~/{folder}/bin/python{quote}");
        let (code, stdout, said) = path(&world, folders);
        assert_eq!(
            (code, stdout.as_str()),
            (Some(0), format!("{command} -P -m ductor_bot\n").as_str()),
            "{said}"
        );
        assert_eq!(said, format!("{NONE_MADE}-> ~/{place}: {command} -P -m ductor_bot"));
    }
}

#[test]
fn what_can_not_be_the_bot_says_why_and_the_next_is_taken() {
    let world = World::new("");
    program(&world.path(".pyenv/shims/ductor"), "#!/bin/bash\nexec pyenv exec ductor \"$@\"\n");
    program(&world.path("gone/ductor"), &format!("#!{}/bin/python\n", world.path("removed").display()));
    program(&world.path("text/ductor"), "import sys\n");
    link(&world, "nowhere", "link/ductor");
    fs::create_dir_all(world.path("own")).unwrap();
    symlink(env!("CARGO_BIN_EXE_ductor"), world.path("own/ductor")).unwrap();
    environment(&world, "good", "0.20.1");
    program(&world.path("good/bin/ductor"), &format!("#!{}\n", world.path("good/bin/python").display()));
    let folders = ["own", "link", ".pyenv/shims", "gone", "text", "good/bin"];
    let (code, stdout, said) = path(&world, &folders);
    assert_eq!((code, stdout.as_str()), (Some(0), "~/good/bin/python -P -m ductor_bot\n"), "{said}");
    assert_eq!(
        said,
        format!(
            "{NONE_MADE}   ~/own/ductor: it is this program itself\n   \
             ~/.pyenv/shims/ductor: it is run by /bin/bash, not by a python\n   \
             ~/gone/ductor: its python, ~/removed/bin/python: it is missing, or not executable (was Python updated?)\n   \
             ~/text/ductor: it is a text without a shebang\n\
             -> ~/good/bin/ductor: ~/good/bin/python -P -m ductor_bot"
        )
    );
}

#[test]
fn the_one_that_ductor_got_comes_before_all_others() {
    let world = World::new("");
    environment(&world, "other", "0.19.0");
    program(&world.path("other/bin/ductor"), &format!("#!{}\n", world.path("other/bin/python").display()));
    environment(&world, ".local/share/ductor/bot/7", "0.20.1");
    fs::write(world.path(".local/share/ductor/bot/current"), "7\n").unwrap();
    let (code, stdout, said) = path(&world, &["other/bin"]);
    assert_eq!(
        (code, stdout.as_str()),
        (Some(0), "~/.local/share/ductor/bot/7/bin/python -P -m ductor_bot\n"),
        "{said}"
    );
    assert!(said.contains("   ~/other/bin/ductor: ~/other/bin/python -P -m ductor_bot"), "not taken: {said}");
    // It is never passed over in silence.
    fs::remove_dir_all(world.path(".local/share/ductor/bot/7")).unwrap();
    let (_, stdout, said) = path(&world, &["other/bin"]);
    assert_eq!(stdout, "~/other/bin/python -P -m ductor_bot\n");
    assert!(said.starts_with("   ~/.local/share/ductor/bot: "), "{said}");
}
