//! What the `.deb` does beside placing files: its maintainer scripts, through upgrades and removal. (The first
//! installation, with and without systemd, is in `package`.)
//!
//! The packages are the real one in several versions, with a program that only stays up in the place of ours.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xtask::lab::image::{BOOKWORM, Image, SERVER, SERVER_TRIXIE, TRIXIE};
use xtask::lab::{Machine, needs};
use xtask::test::in_lab::PACKAGE;

use crate::foreign::log_with;

crate::tests![
    lintian_has_nothing_to_say,
    piuparts_finds_nothing_left_or_changed,
    an_upgrade_reloads_and_restarts_once_on_bookworm,
    an_upgrade_reloads_and_restarts_once_on_trixie,
    an_administrators_choice_outlives_upgrades,
    one_who_masked_it_is_left_alone,
    one_who_masked_it_keeps_nobody_else_on_the_old_program,
    removing_stops_it_and_a_purge_leaves_nothing,
    into_another_root_it_only_places_files,
];

fn lintian_has_nothing_to_say() -> Result<()> {
    needs::install(if needs::on_path("lintian") { &[] } else { &["lintian"] }, &|what| println!("{what}"))?;
    let lintian = Command::new("lintian")
        .args(["--allow-root", "--fail-on", "error,warning"])
        .arg(package()?)
        .output()
        .context("start lintian")?;
    let said = String::from_utf8_lossy(&lintian.stdout).into_owned();
    ensure!(lintian.status.success() && said.is_empty(), "{said}");
    Ok(())
}

/// Debian's own test of packages: installed, removed, purged, and nothing is left, changed or broken. On both
/// releases, with the dependencies that their mirror has.
fn piuparts_finds_nothing_left_or_changed() -> Result<()> {
    let missing = if needs::on_path("piuparts") { &[][..] } else { &["piuparts"] };
    needs::install(missing, &|what| println!("{what}"))?;
    for image in [&SERVER, &TRIXIE] {
        let base = Machine::switched_off(image)?;
        let sources = fs::read_to_string(base.path("/etc/apt/sources.list"))?;
        let mirror = sources.split_whitespace().nth(1).context("the image has a mirror")?;
        let scratch = tempfile::tempdir_in(xtask::lab::folder())?;
        let mut piuparts = Command::new("piuparts");
        piuparts.arg("--existing-chroot").arg(base.root()).arg("--tmpdir").arg(scratch.path());
        piuparts.args(["--distribution", image.suite, "--mirror", &format!("{mirror} main")]);
        piuparts.args(["--no-upgrade-test", "--log-level=error"]); // no version of it is in the archive
        // Of other packages: the images come without manuals, and dpkg rewrites the lists that name them.
        piuparts.args(["--warn-on-debsums-errors", "--ignore-regex=/var/lib/dpkg/info/(?!ductor).*"]);
        let output = piuparts.arg(package()?).output().context("start piuparts")?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let of_others = |line: &&str| !line.contains("debsums: missing file");
        let said: Vec<&str> = said.lines().filter(of_others).collect();
        ensure!(output.status.success(), "on {}: {}", image.name, said.join("\n"));
        ensure!(!said.iter().any(|line| line.contains("ductor")), "on {}: {}", image.name, said.join("\n"));
    }
    Ok(())
}

fn an_upgrade_reloads_and_restarts_once_on_bookworm() -> Result<()> {
    an_upgrade_reloads_and_restarts_once(&BOOKWORM)
}

fn an_upgrade_reloads_and_restarts_once_on_trixie() -> Result<()> {
    an_upgrade_reloads_and_restarts_once(&TRIXIE)
}

fn an_upgrade_reloads_and_restarts_once(image: &Image) -> Result<()> {
    let machine = Machine::boot(image)?;
    let _alice = machine.login("alice")?;
    let _bob = machine.login("bob")?;
    configure(&machine, "alice")?;
    install(&machine, 1)?;
    assert_eq!(show(&machine, "alice", "ActiveState,UnitFileState")?, "active enabled");
    assert_eq!(show(&machine, "bob", "ActiveState,UnitFileState,ConditionResult")?, "inactive enabled no");

    install(&machine, 2)?;
    assert_eq!(show(&machine, "alice", "ActiveState,Description")?, "active version 2");
    assert_eq!(show(&machine, "bob", "ActiveState,Description")?, "inactive version 2");
    assert_eq!(log_with(&machine, "up 2")?, "up 1\nup 2");
    Ok(())
}

fn an_administrators_choice_outlives_upgrades() -> Result<()> {
    for image in [&SERVER, &SERVER_TRIXIE] {
        let machine = Machine::boot(image)?;
        let _alice = machine.login("alice")?;
        install(&machine, 1)?;
        let is_enabled = || machine.run("root", &["systemctl", "--global", "is-enabled", "ductor.service"]);
        assert_eq!(is_enabled()?.stdout, "enabled\n");
        machine.run("root", &["systemctl", "--global", "disable", "ductor.service"])?.ok()?;
        configure(&machine, "alice")?;
        install(&machine, 2)?;
        assert_eq!(is_enabled()?.stdout, "disabled\n");
        assert_eq!(show(&machine, "alice", "ActiveState,Description")?, "inactive version 2");

        machine.run("root", &["systemctl", "--global", "enable", "ductor.service"])?.ok()?;
        install(&machine, 3)?;
        assert_eq!(is_enabled()?.stdout, "enabled\n");
        assert_eq!(show(&machine, "alice", "ActiveState")?, "active");
    }
    Ok(())
}

fn one_who_masked_it_is_left_alone() -> Result<()> {
    for image in [&SERVER, &SERVER_TRIXIE] {
        let machine = Machine::boot(image)?;
        let _alice = machine.login("alice")?;
        configure(&machine, "alice")?;
        install(&machine, 1)?;
        machine.run("alice", &["systemctl", "--user", "mask", "--now", "ductor.service"])?.ok()?;
        install(&machine, 2)?;
        assert_eq!(show(&machine, "alice", "ActiveState,UnitFileState")?, "inactive masked");
    }
    Ok(())
}

fn one_who_masked_it_keeps_nobody_else_on_the_old_program() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let machine = Machine::boot(image)?;
        // Whichever of them a helper would ask first.
        for (masked, other) in [("alice", "bob"), ("bob", "alice")] {
            let _logins = (machine.login(masked)?, machine.login(other)?);
            configure(&machine, masked)?;
            configure(&machine, other)?;
            install(&machine, 1)?;
            machine.run(masked, &["systemctl", "--user", "mask", "--now", "ductor.service"])?.ok()?;
            assert_eq!(show(&machine, other, "ActiveState,Description")?, "active version 1");
            let before = show(&machine, other, "MainPID")?;
            install(&machine, 2)?;
            assert_eq!(show(&machine, masked, "ActiveState,UnitFileState")?, "inactive masked");
            assert_eq!(show(&machine, other, "ActiveState,Description")?, "active version 2");
            assert_ne!(show(&machine, other, "MainPID")?, before, "it runs the program that is gone");
            machine.run("root", &["dpkg", "--remove", "ductor"])?.ok()?;
            assert_eq!(show(&machine, other, "ActiveState,LoadState")?, "inactive not-found");
            machine.run(masked, &["systemctl", "--user", "unmask", "ductor.service"])?.ok()?;
        }
    }
    Ok(())
}

fn removing_stops_it_and_a_purge_leaves_nothing() -> Result<()> {
    for image in [&SERVER, &SERVER_TRIXIE] {
        let machine = Machine::boot(image)?;
        let _alice = machine.login("alice")?;
        configure(&machine, "alice")?;
        let before = machine.changes()?;
        install(&machine, 1)?;
        machine.run("root", &["dpkg", "--remove", "ductor"])?.ok()?;
        assert_eq!(show(&machine, "alice", "ActiveState,LoadState")?, "inactive not-found");
        machine.run("root", &["dpkg", "--purge", "ductor"])?.ok()?;
        // What dpkg writes about itself, the journal, and the package that we put there.
        let left = machine.changes()?.since(&before, &["/var/lib/dpkg", "/var/log", "/srv"])?;
        assert!(left.is_empty(), "{left:#?}");
    }
    Ok(())
}

fn into_another_root_it_only_places_files() -> Result<()> {
    for image in [&SERVER, &SERVER_TRIXIE] {
        let machine = Machine::boot(image)?;
        put(&machine, 1)?;
        let other = "mkdir -p /srv/root/var/lib/dpkg/info && : >/srv/root/var/lib/dpkg/status && \
        dpkg --root=/srv/root --force-script-chrootless --force-depends --install /srv/1.deb";
        machine.run("root", &["sh", "-c", other])?.ok()?;
        assert!(machine.path("/srv/root/usr/bin/ductor").exists());
        let link = "etc/systemd/user/default.target.wants/ductor.service";
        assert!(!machine.path(link).is_symlink() && !machine.path("/srv/root").join(link).is_symlink());
    }
    Ok(())
}

/// The package that is tested.
pub fn package() -> Result<String> {
    std::env::var(PACKAGE).with_context(|| format!("{PACKAGE} names no package"))
}

/// Makes that user one for whom the packaged unit runs.
fn configure(machine: &Machine, user: &str) -> Result<()> {
    let configure = "mkdir -p ~/.ductor/config && echo {} >~/.ductor/config/config.json";
    machine.run(user, &["sh", "-c", configure])?.ok().map(drop)
}

/// Installs or upgrades to a version. Its unit names it, its program writes it to the log.
fn install(machine: &Machine, version: u32) -> Result<()> {
    put(machine, version)?;
    machine.run("root", &["dpkg", "--install", &format!("/srv/{version}.deb")])?.ok().map(drop)
}

/// Makes the package of a version and puts it at `/srv/VERSION.deb` of the machine.
fn put(machine: &Machine, version: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let top = folder.path().join("package");
    dpkg_deb(&["--raw-extract", &package()?, &top.display().to_string()])?;
    let program = top.join("usr/bin/ductor");
    fs::write(&program, format!("#!/bin/sh\necho up {version}\nexec sleep infinity\n"))?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    let line = |file: &str, name: &str, value: &str| set(&top.join(file), name, value);
    line("DEBIAN/control", "Version: ", &format!("9.0.{version}-1"))?;
    line("usr/lib/systemd/user/ductor.service", "Description=", &format!("version {version}"))?;
    let package = machine.path(&format!("/srv/{version}.deb")).display().to_string();
    dpkg_deb(&["--root-owner-group", "-Znone", "--build", &top.display().to_string(), &package])
}

/// Gives the line of a file that begins so another value.
pub fn set(file: &Path, name: &str, value: &str) -> Result<()> {
    let text = fs::read_to_string(file)?;
    ensure!(text.lines().any(|line| line.starts_with(name)), "no {name} in {text}");
    let change =
        |line: &str| if line.starts_with(name) { format!("{name}{value}\n") } else { format!("{line}\n") };
    Ok(fs::write(file, text.lines().map(change).collect::<String>())?)
}

/// Runs dpkg-deb of this computer.
pub fn dpkg_deb(args: &[&str]) -> Result<()> {
    let output = Command::new("dpkg-deb").args(args).output().context("start dpkg-deb")?;
    ensure!(output.status.success(), "dpkg-deb {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Properties of the service as that user's manager sees it, in the order asked for.
fn show(machine: &Machine, user: &str, properties: &str) -> Result<String> {
    let ask =
        format!("for p in {}; do systemctl --user show -P $p ductor; done", properties.replace(',', " "));
    Ok(machine.run(user, &["sh", "-c", &ask])?.ok()?.replace('\n', " "))
}
