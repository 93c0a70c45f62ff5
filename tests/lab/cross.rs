//! Bundles for other machines, made on this one: what is in them, and their programs as far as they run here.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xtask::bundle::BUNDLES;
use xtask::lab::{Wine, needs};
use xtask::release;
use xtask::target::TARGETS;
use xtask::test::in_lab::PACKAGE;

use crate::foreign::host;

crate::tests![
    every_bundle_was_made_and_passes_for_what_this_checkout_makes,
    the_program_of_arm_runs_in_an_emulator,
    the_program_of_windows_runs_under_wine,
    the_programs_of_macos_need_its_own_libraries_only,
];

/// Where the bundles are.
fn made() -> Result<PathBuf> {
    let package =
        PathBuf::from(std::env::var(PACKAGE).with_context(|| format!("{PACKAGE} names no package"))?);
    Ok(package.parent().context("the package stands in a folder")?.to_owned())
}

/// Unpacks an archive that was made to a folder.
fn unpack(archive: &str, to: &Path) -> Result<()> {
    host(Command::new("bsdtar").arg("-xf").arg(made()?.join(archive)).current_dir(to)).map(drop)
}

fn every_bundle_was_made_and_passes_for_what_this_checkout_makes() -> Result<()> {
    let (folder, version) = (made()?, release::version()?);
    for bundle in &BUNDLES {
        let mut targets = TARGETS.iter().filter(|target| target.platform() == bundle.platform);
        let is_there = targets.any(|target| folder.join((bundle.format.file)(&version, target)).is_file());
        ensure!(is_there, "{} was not made", bundle.name());
    }
    let readers = [("bsdtar", "libarchive-tools"), ("rpm", "rpm"), ("msiinfo", "msitools")];
    let missing: Vec<_> =
        readers.iter().filter(|(reader, _)| !needs::on_path(reader)).map(|(_, package)| *package).collect();
    needs::install(&missing, &|what| println!("{what}"))?;
    let said = host(Command::new(env!("CARGO_BIN_EXE_xtask")).arg("verify").arg(&folder))?;
    assert_eq!(said.lines().filter(|line| line.ends_with(" verified")).count(), BUNDLES.len(), "{said}");
    Ok(())
}

fn the_program_of_arm_runs_in_an_emulator() -> Result<()> {
    let emulator = "qemu-aarch64-static";
    needs::install(if needs::on_path(emulator) { &[] } else { &["qemu-user-static"] }, &|what| {
        println!("{what}");
    })?;
    let folder = tempfile::tempdir()?;
    unpack("ductor-aarch64-unknown-linux-musl.tar.xz", folder.path())?;
    let program = folder.path().join("ductor-aarch64-unknown-linux-musl/ductor");
    let run =
        |args: &[&str]| host(Command::new(emulator).arg(&program).args(args).env("HOME", folder.path()));
    let version = release::version()?;
    assert_eq!(run(&["--version"])?, format!("ductor {version}\n"));
    let unit = run(&["service", "render", "--manager", "systemd", "--packaged"])?;
    assert!(unit.contains("ExecStart=\"/usr/bin/ductor\"\n"), "{unit}");

    let deb = made()?.join(format!("ductor_{version}-1_arm64.deb"));
    let fields = host(Command::new("dpkg-deb").arg("--field").arg(deb).args(["Architecture", "Depends"]))?;
    assert_eq!(fields, "Architecture: arm64\n", "a static program depends on nothing");
    Ok(())
}

fn the_program_of_windows_runs_under_wine() -> Result<()> {
    let wine = Wine::new()?;
    let folder = wine.path("unpacked");
    std::fs::create_dir(&folder)?;
    unpack("ductor-x86_64-pc-windows-gnu.zip", &folder)?;
    let said = wine.run(wine.command(folder.join("ductor.exe")).arg("--version"))?;
    assert_eq!((said.code, said.stdout.trim()), (0, format!("ductor {}", release::version()?).as_str()));
    Ok(())
}

fn the_programs_of_macos_need_its_own_libraries_only() -> Result<()> {
    for triple in ["x86_64-apple-darwin", "aarch64-apple-darwin"] {
        let folder = tempfile::tempdir()?;
        unpack(&format!("ductor-{triple}.tar.xz"), folder.path())?;
        let program = std::fs::read(folder.path().join(format!("ductor-{triple}/ductor")))?;
        let mut libraries = xtask::macho::libraries(&program)?;
        libraries.retain(|library| library != "/usr/lib/libSystem.B.dylib");
        assert_eq!(libraries, [""; 0], "{triple}");
    }
    Ok(())
}
