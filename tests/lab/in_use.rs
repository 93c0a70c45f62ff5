//! Programs of Windows that are replaced and taken away while they run: what `install.ps1` placed, upgraded and
//! uninstalled by itself, with its host running. Programs of Windows that Wine lacks are our models, in their places.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use xtask::bundle::zip::FORMAT;
use xtask::checksums;
use xtask::lab::wine::TARGET;
use xtask::lab::{Output, wait_for};
use xtask::payload::Payload;
use xtask::release::Release;
use xtask::target::TARGETS;
use xtask::workspace::Workspace;

use crate::foreign::host;
use crate::web::{THIS, with_version};
use crate::wine::World;
use crate::world::PATIENCE;

crate::tests![
    a_service_is_upgraded_while_it_runs,
    what_does_not_come_up_goes_back_while_it_runs,
    a_program_takes_itself_away,
    what_the_windows_installer_placed_is_left_to_it,
];

/// Where `install.ps1` places programs.
const FOLDER: &str = "users/root/AppData/Local/Programs/ductor";

/// A Windows with the service, as `install.ps1` sets it up.
struct Installed(World);

impl Installed {
    fn new() -> Result<Self> {
        let world = Self(World::new()?);
        world.0.prepare()?;
        let system = "windows/system32";
        for program in ["schtasks.exe", "whoami.exe", "WindowsPowerShell/v1.0/powershell.exe"] {
            world.0.put("fakes.exe", &format!("{system}/{program}"))?;
        }
        for program in ["ductor.exe", "ductorw.exe"] {
            world.0.put(program, &format!("unpacked/{program}"))?;
            // Only its debug information is large.
            host(Command::new("x86_64-w64-mingw32-strip").arg(world.unpacked(program)))?;
        }
        let from = "https://there.example/latest/download";
        world.run(r"C:\unpacked\ductor.exe", &["place", r"C:\unpacked", "--from", from])?.ended(0)?;
        world.type_in(&["service", "install", "--bot", r"C:\world\bot.exe C:\world"])?.ended(0)?;
        Ok(world)
    }

    fn unpacked(&self, program: &str) -> PathBuf {
        self.0.wine.path("unpacked").join(program)
    }

    fn run(&self, program: &str, words: &[&str]) -> Result<Output> {
        let mut command = self.0.wine.command(program);
        command
            .env("FAKE_STATE", r"C:\scheduler")
            .env("WINEDLLOVERRIDES", "schtasks.exe,whoami.exe,powershell.exe=n");
        self.0.wine.run(command.args(words))
    }

    fn type_in(&self, words: &[&str]) -> Result<Output> {
        self.run(&format!(r"C:\{}\bin\ductor.exe", FOLDER.replace('/', "\\")), words)
    }

    fn host_pid(&self) -> Result<Value> {
        let said = self.type_in(&["service", "status", "--json"])?;
        let status: Value = serde_json::from_str(&said.stdout).with_context(|| said.to_string())?;
        ensure!(status["state"] == "running" && status["owner"] == "service", "{status:#}");
        Ok(status["pid"].clone())
    }

    /// Makes a release of this version the latest: its programs, in an archive as it is shipped.
    fn publish(&self, version: &str, ductorw: Option<&[u8]>) -> Result<()> {
        let program = |name: &str| with_version(fs::read(self.unpacked(name))?, version);
        let windowless = ductorw.map_or_else(|| program("ductorw.exe"), |bytes| Ok(bytes.to_vec()))?;
        let target = TARGETS.iter().find(|target| target.triple == TARGET).context(TARGET)?;
        let payload = Payload::of(target, vec![program("ductor.exe")?, windowless], &Workspace::find()?)?;
        let release = Release { version: version.parse()?, epoch: 1_234_567_890, changelog: Vec::new() };
        let manifest = json!({ "announcement_tag": format!("v{version}") }).to_string();
        let files = [
            ((FORMAT.file)(&release.version, target), (FORMAT.pack)(&release, &payload)?),
            ("dist-manifest.json".into(), manifest.into_bytes()),
        ];
        let hashes = files.each_ref().map(|(name, bytes)| (name.clone(), checksums::sha256(bytes)));
        let sums = checksums::lines(hashes.iter().map(|(name, hash)| (name.as_str(), hash.as_str())));
        let folder = self.0.wine.path("scheduler/release");
        fs::create_dir_all(&folder)?;
        for (name, bytes) in &files {
            fs::write(folder.join(name), bytes)?;
        }
        Ok(fs::write(folder.join(checksums::FILE), sums)?)
    }

    /// The files where the programs are, with their bytes.
    fn placed(&self) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let entries = fs::read_dir(self.0.wine.path(FOLDER).join("bin"))?;
        let mut files =
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
        files.sort();
        files.into_iter().map(|file| Ok((file.clone(), fs::read(&file)?))).collect()
    }

    /// What stepped aside is gone when nobody runs it any more.
    fn nothing_stays_aside(&self) -> Result<()> {
        let folder = self.0.wine.path("users/root/Temp");
        wait_for("an empty folder for temporary files", PATIENCE, || {
            let left: Vec<_> = fs::read_dir(&folder)?.flatten().map(|entry| entry.file_name()).collect();
            let ours = left.iter().filter(|name| name.to_string_lossy().starts_with("ductor-")).count();
            Ok((ours == 0).then_some(()))
        })
    }
}

/// A version after this one, of the same length.
fn next() -> String {
    format!("9{}", &THIS[1..])
}

fn a_service_is_upgraded_while_it_runs() -> Result<()> {
    let world = Installed::new()?;
    let host = world.host_pid()?;
    world.publish(&next(), None)?;
    let said = world.type_in(&["upgrade", "--check"])?.ended(0)?;
    assert_eq!(said.stdout.trim(), format!("ductor {} is there; this is {THIS}", next()));
    let said = world.type_in(&["upgrade"])?.ended(0)?;
    assert_eq!(said.stdout.trim(), format!("ductor {} is in the place of {THIS}", next()), "{said}");
    assert_eq!(world.type_in(&["--version"])?.ok()?, format!("ductor {}", next()));
    assert_ne!(world.host_pid()?, host, "the host is the new one");
    assert_eq!(world.placed()?.len(), 2, "both programs, and nothing else");
    world.0.noted("start", 2)?;
    world.0.are_left(3)?; // its host has the bot in its command line too
    world.nothing_stays_aside()
}

fn what_does_not_come_up_goes_back_while_it_runs() -> Result<()> {
    let world = Installed::new()?;
    let before = world.placed()?;
    world.publish(&next(), Some(b"not a program"))?;
    let said = world.type_in(&["upgrade"])?.ended(1)?;
    assert!(said.stderr.contains(&format!("{THIS} is back, and runs")), "{said}");
    ensure!(world.placed()? == before, "other files than before: {said}");
    world.host_pid()?;
    world.nothing_stays_aside()
}

fn a_program_takes_itself_away() -> Result<()> {
    let world = Installed::new()?;
    std::fs::write(world.0.home("logs").join("agent.log"), "the bot's own")?;
    let said = world.type_in(&["uninstall"])?.ended(0)?;
    assert_eq!(said.stdout.trim(), "ductor is uninstalled", "{said}");
    world.0.are_left(0)?;
    assert!(!world.0.wine.path(FOLDER).exists(), "{said}");
    assert!(!world.0.wine.path("users/root/AppData/Local/ductor").exists(), "{said}");
    assert!(!world.0.wine.path("scheduler/tasks/ductor").exists());
    assert!(world.0.home("logs").join("agent.log").exists(), "the bot's own files stay");
    assert!(!world.0.home("logs").join("service.log").exists(), "{said}");
    world.nothing_stays_aside()
}

/// The files of the `.msi` stand one folder higher.
fn what_the_windows_installer_placed_is_left_to_it() -> Result<()> {
    let world = Installed::new()?;
    world.type_in(&["uninstall"])?.ended(0)?;
    world.0.put("ductor.exe", &format!("{FOLDER}/ductor.exe"))?;
    let program = format!(r"C:\{}\ductor.exe", FOLDER.replace('/', "\\"));
    for (verb, fix) in [("uninstall", "winget uninstall ductor"), ("upgrade", "/releases/latest")] {
        let said = world.run(&program, &[verb])?.ended(1)?;
        ensure!(said.stderr.contains("belongs to Windows Installer") && said.stderr.contains(fix), "{said}");
    }
    ensure!(world.0.wine.path(FOLDER).join("ductor.exe").exists(), "it is gone");
    Ok(())
}
