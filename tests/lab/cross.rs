//! Bundles for other machines, made on this one.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use xtask::lab::needs;

use crate::foreign::host;

crate::tests![the_bundles_of_arm_are_made_here_and_their_program_runs];

fn the_bundles_of_arm_are_made_here_and_their_program_runs() -> Result<()> {
    let emulator = "qemu-aarch64-static";
    needs::install(if needs::on_path(emulator) { &[] } else { &["qemu-user-static"] }, &|what| {
        println!("{what}");
    })?;
    let out = tempfile::tempdir()?;
    let mut dist = Command::new(env!("CARGO_BIN_EXE_xtask"));
    host(dist.args(["dist", "linux/aarch64/*", "--out"]).arg(out.path()))?;

    let version = env!("CARGO_PKG_VERSION");
    let archive = "ductor-aarch64-unknown-linux-musl";
    host(Command::new("tar").arg("-xJf").arg(format!("{archive}.tar.xz")).current_dir(out.path()))?;
    let run = |args: &[&str]| -> Result<String> {
        let program = out.path().join(archive).join("ductor");
        host(Command::new(emulator).arg(program).args(args).env("HOME", out.path()))
    };
    assert_eq!(run(&["--version"])?, format!("ductor {version}\n"));
    let unit = run(&["service", "render", "--manager", "systemd", "--packaged"])?;
    assert!(unit.contains("ExecStart=\"/usr/bin/ductor\"\n"), "{unit}");

    let file = |name: String| out.path().join(name).display().to_string();
    let deb = file(format!("ductor_{version}-1_arm64.deb"));
    let fields = host(Command::new("dpkg-deb").args(["--field", &deb, "Architecture", "Depends"]))?;
    assert_eq!(fields, "Architecture: arm64\n");
    assert!(Path::new(&file(format!("ductor-{version}-1.aarch64.rpm"))).exists());
    assert!(Path::new(&file(format!("ductor-{version}-1-aarch64.pkg.tar.zst"))).exists());
    Ok(())
}
