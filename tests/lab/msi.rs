//! The `.msi` through the Windows Installer of Wine: installed, upgraded, removed. In the place of our programs stands
//! one that notes what it is asked for (`ductorw.c`): under Wine they find no user whose service it could be.
//!
//! Wine does not tell an older version that a newer one follows (`UPGRADINGPRODUCTCODE`), so there it removes its
//! service too. That the actions stand where Windows wants them is in `packaging/tests/msi.rs`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xtask::bundle::msi::FORMAT;
use xtask::lab::Wine;
use xtask::lab::wine::{TARGET, seen_from_inside};
use xtask::layout;
use xtask::payload::Payload;
use xtask::release::Release;
use xtask::target::TARGETS;
use xtask::workspace::Workspace;

use crate::foreign::host;

crate::tests![
    it_sets_up_the_service_and_removal_leaves_nothing,
    a_newer_version_takes_the_place_of_an_older_one,
    an_older_version_does_not_take_the_place_of_a_newer_one,
];

/// What `msiexec` ends with when it refuses (1603), as far as an exit code reaches here.
const REFUSED: i32 = 1603 % 256;

/// A Windows, and the user who installs.
struct World {
    wine: Wine,
}

impl World {
    fn new() -> Result<Self> {
        Ok(Self { wine: Wine::new()? })
    }

    /// What a package of this version holds.
    fn payload(&self, version: &str) -> Result<Payload> {
        let target = TARGETS.iter().find(|target| target.triple == TARGET).context(TARGET)?;
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/lab/ductorw.c");
        let program = self.wine.path(&format!("{version}.exe"));
        let mut compile = Command::new("x86_64-w64-mingw32-gcc");
        compile.args([
            "-O1",
            "-s",
            "-mwindows",
            "-Wl,--no-insert-timestamp",
            &format!("-DVERSION=\"{version}\""),
            source,
            "-o",
        ]);
        host(compile.arg(&program))?;
        Payload::of(target, vec![b"ductor.exe".to_vec(), fs::read(program)?], &Workspace::find()?)
    }

    /// Makes the package of a version. Its path, as programs there call it.
    fn package(&self, version: &str) -> Result<String> {
        let release = Release { version: version.parse()?, epoch: 1_234_567_890, changelog: Vec::new() };
        let file = self.wine.path(&format!("{version}.msi"));
        fs::write(&file, (FORMAT.pack)(&release, &self.payload(version)?)?)?;
        Ok(seen_from_inside(&file))
    }

    /// Runs the installer without a question. Its exit code.
    fn msiexec(&self, verb: &str, package: &str) -> Result<i32> {
        let mut msiexec = self.wine.command("msiexec");
        Ok(self.wine.run(msiexec.args([verb, package, "/qn"]))?.code)
    }

    fn asked(&self, program: &str, words: &[&str]) -> Result<String> {
        let mut command = self.wine.command(program);
        self.wine.run(command.args(words)).map(|said| said.stdout)
    }

    /// What the program noted since it was asked last.
    fn notes(&self) -> Result<Vec<String>> {
        let file = self.wine.path("notes");
        let notes = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, "")?;
        Ok(notes.lines().map(str::to_owned).collect())
    }

    /// Where the package's files are.
    fn folder(&self) -> Result<PathBuf> {
        let users = fs::read_dir(self.wine.path("users"))?.flatten();
        let mut folders = users.map(|user| user.path().join("AppData/Local"));
        let local = folders.find(|local| local.is_dir()).context("no user")?;
        Ok(local.join("Programs/ductor"))
    }

    fn path_variable(&self) -> Result<String> {
        self.asked("reg", &["query", r"HKCU\Environment", "/v", "PATH"])
    }

    /// Nothing of the package is there.
    fn is_clean(&self) -> Result<()> {
        let folder = self.folder()?;
        ensure!(!folder.exists(), "{} is left", folder.display());
        let path = self.path_variable()?;
        ensure!(!path.contains("ductor"), "left in PATH: {path}");
        let key = self.asked("reg", &["query", r"HKCU\Software\ductor"])?;
        ensure!(!key.contains("REG_"), "a key is left: {key}");
        let products = self.asked("uninstaller", &["--list"])?;
        ensure!(!products.contains("ductor"), "{products}");
        Ok(())
    }
}

fn it_sets_up_the_service_and_removal_leaves_nothing() -> Result<()> {
    let world = World::new()?;
    let package = world.package("1.0.0")?;
    assert_eq!(world.msiexec("/i", &package)?, 0);
    let folder = world.folder()?;
    for (path, bytes) in layout::archive(&world.payload("1.0.0")?, "")?.files() {
        ensure!(fs::read(folder.join(path)).with_context(|| path.to_owned())? == bytes, "{path} differs");
    }
    let path = world.path_variable()?;
    assert!(path.contains(r"\AppData\Local\Programs\ductor\"), "{path}");
    assert!(world.asked("uninstaller", &["--list"])?.contains("|||ductor"));
    assert_eq!(world.notes()?, ["1.0.0: service install"]);

    assert_eq!(world.msiexec("/x", &package)?, 0);
    assert_eq!(world.notes()?, ["1.0.0: service stop", "1.0.0: service uninstall"]);
    world.is_clean()
}

fn a_newer_version_takes_the_place_of_an_older_one() -> Result<()> {
    let world = World::new()?;
    let (old, new) = (world.package("1.9.0")?, world.package("1.10.0")?);
    assert_eq!(world.msiexec("/i", &old)?, 0);
    world.notes()?;
    assert_eq!(world.msiexec("/i", &new)?, 0);
    let notes = world.notes()?;
    assert_eq!(notes.first().map(String::as_str), Some("1.9.0: service stop"), "{notes:?}");
    assert_eq!(notes.last().map(String::as_str), Some("1.10.0: service start"), "{notes:?}");
    assert!(!notes.contains(&"1.10.0: service install".into()), "set up anew: {notes:?}");

    let products = world.asked("uninstaller", &["--list"])?;
    assert_eq!(products.matches("|||ductor").count(), 1, "{products}");
    let path = world.path_variable()?;
    assert_eq!(path.matches(r"\Programs\ductor\").count(), 1, "{path}");
    assert_eq!(world.msiexec("/x", &new)?, 0);
    world.is_clean()
}

fn an_older_version_does_not_take_the_place_of_a_newer_one() -> Result<()> {
    let world = World::new()?;
    let (old, new) = (world.package("1.9.0")?, world.package("1.10.0")?);
    assert_eq!(world.msiexec("/i", &new)?, 0);
    let before = (world.notes()?, world.asked("uninstaller", &["--list"])?);
    assert_eq!(before.0, ["1.10.0: service install"]);
    assert_eq!(world.msiexec("/i", &old)?, REFUSED);
    assert_eq!((world.notes()?, world.asked("uninstaller", &["--list"])?), (vec![], before.1));
    assert!(world.folder()?.join("ductorw.exe").exists());
    Ok(())
}
