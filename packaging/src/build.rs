//! Compiling the program of a target, so that the same commit gives the same bytes wherever it is compiled.
//!
//! What would differ is the folders of this machine: rustc writes names that are the same everywhere instead.
//! The rest is cargo's `--locked`, the release profile, and the compiler itself, which is to be the same one.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::release::NAME;
use crate::target::Target;
use crate::workspace::{Workspace, cargo, output, rustc};
use crate::{linker, macho, made_of};

/// Compiles the programs of a target. Cargo says on stderr how far it is.
///
/// # Errors
/// They do not compile, or a crate that is needed can't be fetched.
pub fn build(workspace: &Workspace, target: &'static Target, epoch: u64) -> Result<()> {
    target.parts().into_iter().try_for_each(|part| compile(workspace, part, epoch))
}

fn compile(workspace: &Workspace, target: &Target, epoch: u64) -> Result<()> {
    // First, so that every folder of sources is there and gets its name.
    let mut fetch = cargo();
    fetch.args(["fetch", "--locked", "--target", target.triple]).current_dir(&workspace.root);
    run("fetch", target, &mut fetch)?;
    let mut build = cargo();
    build
        .args(["build", "--release", "--locked", "--package", NAME, "--target", target.triple])
        .args(target.os.programs().iter().flat_map(|name| ["--bin", name.trim_end_matches(".exe")]))
        .current_dir(&workspace.root)
        .args(["--features", made_of::FEATURE])
        .env(made_of::VARIABLE, made_of::write(workspace, target)?)
        .env("SOURCE_DATE_EPOCH", epoch.to_string());
    linker::set(&mut build, target, workspace)?;
    set_flags(&mut build, target, [remap(workspace)?, linker::flags(target)].concat());
    run("build", target, &mut build)
}

/// The compiled programs of a target, in the order of its OS.
///
/// # Errors
/// One was not compiled yet, or can't be joined.
pub fn programs(workspace: &Workspace, target: &'static Target) -> Result<Vec<Vec<u8>>> {
    let compiled = |target: &Target, name: &str| {
        let path = workspace.target.join(target.triple).join("release").join(name);
        fs::read(&path).with_context(|| format!("{} is not compiled: leave out --no-build", path.display()))
    };
    let joined = |name: &&str| {
        let parts =
            target.parts().into_iter().map(|part| compiled(part, name)).collect::<Result<Vec<_>>>()?;
        if target.joins.is_empty() { Ok(parts.concat()) } else { macho::join(&parts) }
    };
    target.os.programs().iter().map(joined).collect()
}

/// Runs cargo, which talks on stderr; its stdout is not data, and stdout is ours.
fn run(what: &str, target: &Target, command: &mut Command) -> Result<()> {
    let what = format!("cargo {what} for {}", target.triple);
    let status = command.stdout(Stdio::null()).status().with_context(|| what.clone())?;
    ensure!(status.success(), "{what}: {status}; what it said stands above");
    Ok(())
}

/// Adds flags for rustc to those that the caller's environment or configuration has for this target.
///
/// Cargo takes them from one place only, the environment first. Those of `build.rustflags` yield: what a person
/// has set for everything they compile, such as their own processor, is not for others.
fn set_flags(build: &mut Command, target: &Target, flags: Vec<String>) {
    let theirs = match (env::var("CARGO_ENCODED_RUSTFLAGS"), env::var("RUSTFLAGS")) {
        (Ok(encoded), _) => encoded.split('\u{1f}').map(str::to_owned).collect::<Vec<_>>(),
        (_, Ok(plain)) => plain.split_whitespace().map(str::to_owned).collect(),
        _ => {
            let list = serde_json::Value::from(flags); // TOML writes a list of strings as JSON does
            build.arg("--config").arg(format!("target.{}.rustflags={list}", target.triple));
            return;
        }
    };
    let all: Vec<String> = theirs.into_iter().filter(|flag| !flag.is_empty()).chain(flags).collect();
    build.env("CARGO_ENCODED_RUSTFLAGS", all.join("\u{1f}"));
}

/// The folders of this machine and what is written instead of each. The last that fits counts.
fn remap(workspace: &Workspace) -> Result<Vec<String>> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home =
        cargo_home.or_else(|| Some(dirs::home_dir()?.join(".cargo"))).context("no home folder")?;
    let mut folders = vec![
        (workspace.root.clone(), NAME.to_owned()),
        (workspace.target.clone(), "target".to_owned()),
        (cargo_home.clone(), "cargo".to_owned()),
    ];
    // One folder a registry, named after the mirror that the crates came from.
    let registries = fs::read_dir(cargo_home.join("registry/src")).into_iter().flatten().flatten();
    folders.extend(registries.map(|registry| (registry.path(), "registry".to_owned())));
    folders.push(standard_library()?);
    Ok(folders.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect())
}

/// The sources of the standard library, where they are installed, under the name they have where they are not.
fn standard_library() -> Result<(PathBuf, String)> {
    let sysroot = String::from_utf8(output(rustc().arg("--print=sysroot"))?)?;
    let version = String::from_utf8(output(rustc().arg("-vV"))?)?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
    Ok((PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust"), format!("/rustc/{commit}")))
}
