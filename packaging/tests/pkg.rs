//! The .pkg of macOS, read by others, and its scripts among fakes of what macOS has.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_os = "linux")]

mod programs;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use apple_bom::{BomPathType, ParsedBom};
use tempfile::TempDir;
use xtask::bundle::pkg::FORMAT;
use xtask::bundle::{bom, cpio, xar};
use xtask::lab::needs::on_path;
use xtask::payload::Payload;
use xtask::release::Release;
use xtask::target::TARGETS;
use xtask::tree::{Node, Tree};
use xtask::workspace::Workspace;

const EPOCH: u64 = 1_234_567_890;

fn release() -> Release {
    Release { version: "1.2.3".parse().unwrap(), epoch: EPOCH, changelog: Vec::new() }
}

fn payload() -> Payload {
    let target = TARGETS.iter().find(|target| target.triple == "universal-apple-darwin").unwrap();
    Payload::of(target, programs::small(target), &Workspace::find().unwrap()).unwrap()
}

fn files() -> Tree {
    (FORMAT.tree)(&release(), &payload()).unwrap()
}

/// What a program prints; none where it is not installed, which CI does not accept.
fn output(program: &str, args: &[&str], folder: &Path) -> Option<Vec<u8>> {
    if !on_path(program) {
        fakes::left_out(format_args!("{program} is not installed"));
        return None;
    }
    let output = Command::new(program).args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn another_reader_finds_every_file_in_the_bill() {
    let files = files();
    let bytes = bom::bom(&files, EPOCH).unwrap();
    let read = ParsedBom::parse(&bytes).unwrap();
    assert_eq!(read.bom_info().unwrap().number_of_paths as usize, files.nodes().count() + 2);
    for empty in [read.hl_index().unwrap(), read.size64().unwrap(), read.vindex().unwrap()] {
        assert!(empty.is_empty());
    }
    let paths: BTreeMap<String, _> =
        read.paths().unwrap().into_iter().map(|path| (path.path().to_owned(), path)).collect();
    assert_eq!(paths.len(), files.nodes().count() + 1, "and the top");
    let top = &paths["."];
    assert!(matches!(top.path_type(), BomPathType::Directory) && top.file_mode() == 0o040_755);
    let world = tempfile::tempdir().unwrap();
    for (path, node) in files.nodes() {
        let found = &paths[&format!("./{path}")];
        assert_eq!((found.user_id(), found.group_id()), (0, 0), "{path}");
        assert_eq!(found.modified_time().timestamp(), EPOCH as i64, "{path}");
        match node {
            Node::Folder => assert_eq!(found.file_mode(), 0o040_755, "{path}"),
            Node::File { mode, bytes } => {
                assert!(matches!(found.path_type(), BomPathType::File), "{path}");
                assert_eq!(found.size(), bytes.len(), "{path}");
                assert_eq!(u32::from(found.file_mode()), 0o100_000 | mode, "{path}");
                fs::write(world.path().join("file"), bytes).unwrap();
                let sum = output("cksum", &["file"], world.path()).unwrap();
                let sum = String::from_utf8(sum).unwrap();
                assert_eq!(found.crc32().unwrap().to_string(), sum.split(' ').next().unwrap(), "{path}");
            }
        }
    }
}

#[test]
fn another_reader_finds_the_parts_and_the_files() {
    let world = tempfile::tempdir().unwrap();
    let package = (FORMAT.pack)(&release(), &payload()).unwrap();
    fs::write(world.path().join("x.pkg"), package).unwrap();
    let Some(list) = output("bsdtar", &["-tf", "x.pkg"], world.path()) else { return };
    let parts = "Distribution\nductor.pkg\nductor.pkg/Bom\nductor.pkg/PackageInfo\nductor.pkg/Payload\nductor.pkg/Scripts\n";
    assert_eq!(String::from_utf8(list).unwrap(), parts);
    output("bsdtar", &["-xf", "x.pkg"], world.path());
    let listing = output("bsdtar", &["-tvf", "ductor.pkg/Payload"], world.path()).unwrap();
    let listing = String::from_utf8(listing).unwrap();
    assert_eq!(listing.lines().count(), files().nodes().count() + 1);
    assert!(listing.lines().all(|line| line.contains(" 0      0 ")), "{listing}");
    let info = fs::read_to_string(world.path().join("ductor.pkg/PackageInfo")).unwrap();
    let said = format!("numberOfFiles=\"{}\"", listing.lines().count());
    assert!(info.contains(&said) && info.contains(" version=\"1.2.3\" "), "{info}");
    let distribution = fs::read_to_string(world.path().join("Distribution")).unwrap();
    assert!(distribution.contains("<os-version min=\"11.0\"/>"), "{distribution}");
    for text in [info, distribution] {
        assert!(!text.contains('@'), "a blank is not filled: {text}");
    }
    for script in ["preinstall", "postinstall"] {
        let path = format!("./{script}");
        let listing = output("bsdtar", &["-tvf", "ductor.pkg/Scripts", &path], world.path()).unwrap();
        assert!(listing.starts_with(b"-rwxr-xr-x "), "{}", String::from_utf8_lossy(&listing));
    }
}

/// libarchive compares the hashes of files, but not that of the table: here it is compared.
#[test]
fn the_table_of_a_xar_stands_behind_its_hash() {
    use sha1::{Digest, Sha1};
    let mut tree = Tree::default();
    tree.add("a/b", 0o644, b"content".to_vec()).unwrap();
    let bytes = xar::xar(&tree, EPOCH).unwrap();
    let table = 28 + u64::from_be_bytes(bytes[8..16].try_into().unwrap()) as usize;
    assert_eq!(Sha1::digest(&bytes[28..table])[..], bytes[table..table + 20]);
    assert_eq!(&bytes[table + 20..], b"content");
}

#[test]
fn what_is_too_large_for_its_digits_is_refused() {
    let mut tree = Tree::default();
    tree.add("a", 0o644, Vec::new()).unwrap();
    let error = cpio::cpio(&tree, 1 << 34).unwrap_err().to_string();
    assert_eq!(error, ". does not fit");
}

/// A Mac of files: the scripts of the package, and programs that write down how they were called.
struct Mac(TempDir);

impl Mac {
    fn new() -> Self {
        let mac = Self(tempfile::tempdir().unwrap());
        for folder in ["bin", "scripts", "root/usr/local/bin"] {
            fs::create_dir_all(mac.path(folder)).unwrap();
        }
        for script in ["preinstall", "postinstall"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../installers/pkg").join(script);
            fs::copy(from, mac.path("scripts").join(script)).unwrap();
        }
        let log = mac.path("log").display().to_string();
        mac.program("stat", "case $2 in %Su) echo \"$PERSON\" ;; %u) echo 501 ;; esac");
        mac.program("launchctl", &format!("echo \"launchctl $1 $2\" >>'{log}'; shift 2; exec \"$@\""));
        let sudo = format!(
            "echo \"sudo $1 $2 $3\" >>'{log}'; shift 4; echo \"ductor $*\" >>'{log}'; exit \"$ENDS\""
        );
        mac.program("sudo", &sudo);
        mac
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, body: &str) {
        fakes::put_script(&self.path("bin").join(name), &format!("#!/bin/sh\n{body}\n")).unwrap();
    }

    /// Runs a script as the Installer does, with that person at the screen, where `ductor` ends with `ends`. What was
    /// called.
    fn run(&self, script: &str, person: &str, target: &str, ends: u8) -> String {
        let _ = fs::remove_file(self.path("log"));
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        // By its reader: another test's new process may hold the file as it was copied, and then it can't be run.
        let status = Command::new("/bin/sh")
            .arg(self.path("scripts").join(script))
            .args(["/x.pkg", "/", target, "/"])
            .current_dir("/")
            .env_clear()
            .envs([("PATH", path.as_str()), ("PERSON", person), ("ENDS", &ends.to_string())])
            .status()
            .unwrap();
        assert!(status.success(), "{script} never fails an installation: {status}");
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

const AS_ALICE: &str = "launchctl asuser 501\nsudo -H -u alice\n";

#[test]
fn the_person_at_the_screen_gets_the_service_as_that_person() {
    for ends in [0, 78, 1] {
        let called = Mac::new().run("postinstall", "alice", "/", ends);
        assert_eq!(called, format!("{AS_ALICE}ductor service install\n"));
    }
}

#[test]
fn where_nobody_is_at_the_screen_nothing_is_set_up() {
    for nobody in ["root", "loginwindow", "_mbsetupuser", ""] {
        assert_eq!(Mac::new().run("postinstall", nobody, "/", 0), "", "{nobody}");
    }
    assert_eq!(Mac::new().run("postinstall", "alice", "/Volumes/Other", 0), "", "another disk");
}

#[test]
fn an_upgrade_restarts_what_runs_and_keeps_what_was_chosen() {
    let mac = Mac::new();
    let root = mac.path("root").display().to_string();
    mac.run("preinstall", "alice", &root, 0);
    assert!(!mac.path("scripts/upgrade").exists(), "the first one is no upgrade");
    fs::write(mac.path("root/usr/local/bin/ductor"), "").unwrap();
    mac.program("pkgutil", "exit 1");
    mac.run("preinstall", "alice", &root, 0);
    assert!(!mac.path("scripts/upgrade").exists(), "somebody's own program is no upgrade");
    mac.program("pkgutil", &format!("[ \"$*\" = '--volume {root} --pkg-info dev.ductor' ]"));
    mac.run("preinstall", "alice", &root, 0);
    assert!(mac.path("scripts/upgrade").exists());
    let asked = format!("{AS_ALICE}ductor service status\n");
    let restarted = format!("{asked}{AS_ALICE}ductor service restart\n");
    assert_eq!(mac.run("postinstall", "alice", "/", 0), restarted);
    for code in [3, 4, 5] {
        assert_eq!(mac.run("postinstall", "alice", "/", code), asked, "{code}");
    }
}
