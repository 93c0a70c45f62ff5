//! A *release* to upgrade to: the program of these tests under the next version, fetched from a folder by a `curl` that
//! copies. (From the web, with a signature: the lab's `installer`.)

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::machine::{Machine, through};
use crate::world::Said;

const THIS: &str = env!("CARGO_PKG_VERSION");
const URL: &str = "http://release.invalid/latest/download";

/// The installed program, with its service.
pub fn placed(machine: &dyn Machine) {
    let (made, world) = (made(), machine.world());
    let curl = "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" != -o ] || to=$2; shift; done\nexec cp";
    let curl = format!("{curl} '{}'/\"${{1##*/}}\" \"$to\"\n", made.join("next").display());
    fs::create_dir_all(world.path("bin")).unwrap();
    fakes::put_script(&world.path("bin/curl"), &curl).unwrap();

    let archive = made.join("this");
    let place = machine.ductor(&["place", archive.to_str().unwrap(), "--from", URL]);
    Said::of(&mut through(&archive.join("ductor"), &place)).ended(0);
    // What Windows' archives have beside it, and the Task Scheduler runs.
    fs::hard_link(program(machine), world.path(".local/bin/ductorw")).unwrap();
    let bot = world.path("bot");
    let install = machine.ductor(&["service", "install", "--bot", bot.to_str().unwrap()]);
    Said::of(&mut through(&program(machine), &install)).ended(0);
}

/// `ductor upgrade`, by the program that was installed.
pub fn upgrade(machine: &dyn Machine) -> Command {
    installed(machine, &["upgrade"])
}

/// `ductor WORDS`, by that program.
pub fn installed(machine: &dyn Machine, words: &[&str]) -> Command {
    through(&program(machine), &machine.ductor(words))
}

fn program(machine: &dyn Machine) -> PathBuf {
    machine.world().path(".local/bin/ductor")
}

/// The folder with both versions, which is made once.
fn made() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(make)
}

fn make() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release");
    let _of_an_earlier_run = fs::remove_dir_all(&folder);
    let target = match OS {
        "macos" => "apple-darwin",
        _ => "unknown-linux-musl",
    };
    let name = format!("ductor-{ARCH}-{target}");
    let archive = format!("{name}.tar.xz");
    let (this, next) = (folder.join("this"), folder.join("next"));
    fill(&this, THIS);
    fill(&next.join(&name), &next_version());
    let mut tar = Command::new("tar");
    let tar = tar.env("XZ_OPT", "-0").arg("-cJf").arg(next.join(&archive)).arg("-C").arg(&next).arg(&name);
    assert!(tar.status().unwrap().success());
    fs::write(next.join("dist-manifest.json"), format!("{{\"announcement_tag\": \"v{}\"}}", next_version()))
        .unwrap();
    let sum =
        |name: &str| format!("{}  {name}\n", ductor::internals::sha256(&fs::read(next.join(name)).unwrap()));
    fs::write(next.join("sha256.sum"), sum(&archive) + &sum("dist-manifest.json")).unwrap();
    folder
}

/// A version after this one, of the same length.
pub fn next_version() -> String {
    format!("9{}", &THIS[1..])
}

/// What is in an archive of this version.
fn fill(folder: &Path, version: &str) {
    fs::create_dir_all(folder.join("man")).unwrap();
    fs::write(folder.join("man/ductor.1"), format!("the page of {version}")).unwrap();
    let program = folder.join("ductor");
    let stripped = Command::new("strip").arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_ductor")).status();
    if !stripped.is_ok_and(|status| status.success()) {
        fs::copy(env!("CARGO_BIN_EXE_ductor"), &program).unwrap();
    }
    let mut bytes = fs::read(&program).unwrap();
    for at in 0..bytes.len() - THIS.len() {
        if bytes[at..].starts_with(THIS.as_bytes()) {
            bytes[at..at + THIS.len()].copy_from_slice(version.as_bytes());
        }
    }
    fs::write(&program, bytes).unwrap();
    if OS == "macos" {
        let sign = Command::new("codesign").args(["--force", "--sign", "-"]).arg(&program).status();
        assert!(sign.unwrap().success());
    }
}
