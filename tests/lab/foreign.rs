//! Packages of distributions that are not Debian, on a machine that has their package managers: what is the
//! same for all of them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xtask::bundle::Format;
use xtask::lab::{Machine, wait_for};
use xtask::payload::{Payload, Role};
use xtask::release::Release;
use xtask::target::{self, TARGETS, Target};
use xtask::test::in_lab::PACKAGE;
use xtask::workspace::Workspace;

use crate::world::PATIENCE;

/// What any machine writes by itself, and what the tests put there.
pub const ASIDE: &[&str] = &["/var/log", "/var/lib/systemd", "/srv", "/home/alice/.ductor"];

/// The bundle of this format that `dist` made for this computer.
pub fn made(format: &Format) -> Result<PathBuf> {
    let package =
        PathBuf::from(std::env::var(PACKAGE).with_context(|| format!("{PACKAGE} names no package"))?);
    let file = (format.file)(&xtask::release::version()?, own_target()?);
    Ok(package.with_file_name(file))
}

/// Puts that bundle to `/srv` of the machine. Its path there.
pub fn put_made(machine: &Machine, format: &Format) -> Result<String> {
    let inside = format!("/srv/made.{}", format.name);
    let made = made(format)?;
    fs::copy(&made, machine.path(&inside)).with_context(|| format!("copy {}", made.display()))?;
    Ok(inside)
}

/// Makes the package of a version, whose unit names it and keeps a shell up that writes it to the log, and puts
/// it to `/srv` of the machine. Its path there. All the rest is what the format always writes.
pub fn put(machine: &Machine, format: &Format, version: u32) -> Result<String> {
    let workspace = Workspace::find()?;
    let mut release = Release::of(&workspace)?;
    release.version = format!("9.0.{version}").parse()?;
    let mut payload = Payload::of(own_target()?, vec![fs::read("/bin/true")?], &workspace)?;
    let unit = payload.files.iter_mut().find(|file| file.role == Role::Definition).context("no unit")?;
    let text = String::from_utf8(std::mem::take(&mut unit.bytes))?;
    let start = format!("/bin/sh -c 'echo up {version}; exec sleep infinity'");
    let text = set(&set(&text, "Description=", &format!("version {version}"))?, "ExecStart=", &start)?;
    unit.bytes = text.into_bytes();
    let inside = format!("/srv/{version}.{}", format.name);
    fs::write(machine.path(&inside), (format.pack)(&release, &payload)?)?;
    Ok(inside)
}

/// Gives the line that begins so another value.
fn set(text: &str, name: &str, value: &str) -> Result<String> {
    ensure!(text.lines().any(|line| line.starts_with(name)), "no {name} in {text}");
    let change =
        |line: &str| if line.starts_with(name) { format!("{name}{value}\n") } else { format!("{line}\n") };
    Ok(text.lines().map(change).collect())
}

fn own_target() -> Result<&'static Target> {
    let platform = target::host_platform();
    TARGETS.iter().find(|target| target.platform() == platform).with_context(|| format!("no {platform}"))
}

/// Makes that user one for whom the packaged unit runs.
pub fn configure(machine: &Machine, user: &str) -> Result<()> {
    let configure = "mkdir -p ~/.ductor/config && echo {} >~/.ductor/config/config.json";
    machine.run(user, &["sh", "-c", configure])?.ok().map(drop)
}

/// Properties of the service as that user's manager sees it, in the order asked for.
pub fn show(machine: &Machine, user: &str, properties: &str) -> Result<String> {
    let ask =
        format!("for p in {}; do systemctl --user show -P $p ductor; done", properties.replace(',', " "));
    Ok(machine.run(user, &["sh", "-c", &ask])?.ok()?.replace('\n', " "))
}

/// What the versions of [`put`] wrote to the log, as soon as this is in it. Their shells write after they are up.
pub fn log_with(machine: &Machine, text: &str) -> Result<String> {
    let ask = "journalctl --sync; journalctl -o cat _SYSTEMD_USER_UNIT=ductor.service";
    wait_for(text, PATIENCE, || {
        let log = machine.run("root", &["sh", "-c", ask])?.ok()?;
        Ok(Some(log).filter(|log| log.contains(text)))
    })
}

/// `enabled` or `disabled`, for everybody.
pub fn is_enabled(machine: &Machine) -> Result<String> {
    let asked = machine.run("root", &["systemctl", "--global", "is-enabled", "ductor.service"])?;
    Ok(asked.stdout.trim().to_owned())
}

/// Runs a program of this computer and gives what it says.
pub fn host(program: &mut Command) -> Result<String> {
    let output = program.output().with_context(|| format!("start {program:?}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "{program:?}: {}: {said}", output.status);
    Ok(said)
}
