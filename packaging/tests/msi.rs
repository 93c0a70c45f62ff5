//! The .msi, read by others: its tables are the text of `installers/msi`, its files those of the payload.
//!
//! What it does is tried with the installer of Wine, in `tests/lab/msi.rs`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_os = "linux")]

mod programs;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use xtask::bundle::msi::{FORMAT, tables};
use xtask::lab::needs::on_path;
use xtask::layout;
use xtask::payload::Payload;
use xtask::release::Release;
use xtask::target::TARGETS;
use xtask::workspace::Workspace;

fn release(version: &str) -> Release {
    Release { version: version.parse().unwrap(), epoch: 1_234_567_891, changelog: Vec::new() }
}

/// Of large programs, one of which no compressor makes smaller.
fn payload() -> Payload {
    let target = TARGETS.iter().find(|target| target.triple == "x86_64-pc-windows-gnu").unwrap();
    let mut programs = programs::small(target);
    programs[0].resize(1_500_000, 7);
    let random =
        std::iter::successors(Some(1_u32), |last| Some(last.wrapping_mul(1_664_525).wrapping_add(1)));
    programs[1].extend(random.map(|number| (number >> 24) as u8).take(1_500_000));
    Payload::of(target, programs, &Workspace::find().unwrap()).unwrap()
}

fn packed() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.msi");
    fs::write(&file, (FORMAT.pack)(&release("1.2.3"), &payload()).unwrap()).unwrap();
    (folder, file)
}

/// What msitools' reader prints; none where it is not installed, which CI does not accept.
fn msiinfo(args: &[&str]) -> Option<String> {
    if !on_path("msiinfo") {
        fakes::left_out("msiinfo is not installed");
        return None;
    }
    let output = Command::new("msiinfo").args(args).output().unwrap();
    assert!(output.status.success(), "msiinfo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n"))
}

fn rows(text: &str) -> BTreeSet<String> {
    text.lines().skip(3).map(str::to_owned).collect()
}

#[test]
fn another_reader_exports_the_tables_that_were_written() {
    let (_folder, file) = packed();
    let file = file.to_str().unwrap();
    let Some(names) = msiinfo(&["tables", file]) else { return };
    let files = layout::archive(&payload(), "").unwrap();
    for table in tables(&release("1.2.3"), &files).unwrap() {
        assert!(names.lines().any(|name| name == table.name), "no {} in {names}", table.name);
        let read = msiinfo(&["export", file, &table.name]).unwrap();
        let head = |text: &str| text.lines().take(3).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(head(&read), head(&table.text));
        assert_eq!(rows(&read), rows(&table.text), "{}", table.name);
        assert!(!table.text.contains('@'), "a blank is not filled: {}", table.text);
    }
    let about = msiinfo(&["suminfo", file]).unwrap();
    assert!(about.contains("Template: x64;1033"), "{about}");
}

#[test]
fn another_reader_extracts_the_files() {
    let (folder, file) = packed();
    if !on_path("msiextract") {
        fakes::left_out("msiextract is not installed");
        return;
    }
    let out = folder.path().join("out");
    let output = Command::new("msiextract").arg("-C").arg(&out).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let top = out.join("LocalAppDataFolder/Programs/ductor");
    let top = if top.is_dir() { top } else { find(&out, "ductor.exe").parent().unwrap().to_owned() };
    for (path, bytes) in layout::archive(&payload(), "").unwrap().files() {
        assert!(fs::read(top.join(path)).unwrap() == bytes, "{path}");
    }
}

fn find(folder: &Path, name: &str) -> PathBuf {
    let mut found = None;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if entry.file_name() == name {
                found = Some(entry.path());
            }
        }
    }
    found.unwrap()
}

/// Windows Installer refuses an action of the transaction that stands outside it (error 2762), and what has to be
/// stopped must be so before it looks for files in use.
#[test]
fn every_action_stands_where_it_may() {
    let files = layout::archive(&payload(), "").unwrap();
    let tables = tables(&release("1.2.3"), &files).unwrap();
    let table = |name: &str| &tables.iter().find(|table| table.name == name).unwrap().text;
    let sequence = |action: &str| -> u32 {
        let row = rows(table("InstallExecuteSequence"));
        let row = row.iter().find(|row| row.split('\t').next() == Some(action)).unwrap().clone();
        row.rsplit('\t').next().unwrap().parse().unwrap()
    };
    for row in rows(table("CustomAction")) {
        let cells: Vec<&str> = row.split('\t').collect();
        let at = sequence(cells[0]);
        match cells[1] {
            "98" => assert!(sequence("CostFinalize") < at && at < sequence("InstallValidate"), "{row}"),
            "1122" => {
                assert!((sequence("InstallInitialize")..sequence("InstallFinalize")).contains(&at), "{row}");
            }
            _ => panic!("{row}"),
        }
    }
    assert!(sequence("RemoveService") < sequence("RemoveFiles"));
    assert!(sequence("InstallFiles") < sequence("InstallService"));
    assert!(sequence("RemoveExistingProducts") < sequence("InstallFiles"));
}

#[test]
fn versions_share_what_they_find_each_other_by_and_nothing_else() {
    let files = layout::archive(&payload(), "").unwrap();
    let property = |version: &str, name: &str| {
        let tables = tables(&release(version), &files).unwrap();
        let rows = rows(&tables[0].text);
        let row = rows.iter().find(|row| row.starts_with(&format!("{name}\t"))).unwrap();
        row.split('\t').nth(1).unwrap().to_owned()
    };
    assert_eq!(property("1.2.3", "UpgradeCode"), property("2.0.0", "UpgradeCode"));
    assert_ne!(property("1.2.3", "ProductCode"), property("2.0.0", "ProductCode"));
    assert_ne!(property("1.2.3", "ProductCode"), property("1.2.3-rc.1", "ProductCode"));
    assert_eq!(property("1.2.3-rc.1", "ProductVersion"), "1.2.3");
}
