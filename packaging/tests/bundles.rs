//! Every bundle is opened again by programs that are not ours, and holds the payload.
//!
//! Where a program is not installed its part is left out; with `CI=true` it has to be there.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may panic and tell")]
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use xtask::bundle::{Format, arch, deb, rpm, tar_xz, zip};
use xtask::payload::{Payload, Role};
use xtask::release::Release;
use xtask::target::{TARGETS, Target};
use xtask::workspace::Workspace;

const EPOCH: u64 = 1_234_567_890;

mod programs;

/// A bundle of the real payload, with a small program in the place of ours.
struct Packed {
    folder: TempDir,
    file: PathBuf,
    payload: Payload,
}

fn packed(format: &Format) -> Packed {
    packed_for("x86_64-unknown-linux-gnu", format)
}

fn packed_for(triple: &str, format: &Format) -> Packed {
    let target = TARGETS.iter().find(|target| target.triple == triple).unwrap();
    packed_with(programs::small(target), target, format)
}

fn packed_with(programs: Vec<Vec<u8>>, target: &'static Target, format: &Format) -> Packed {
    let payload = Payload::of(target, programs, &Workspace::find().unwrap()).unwrap();
    let mut release = release();
    release.version = "1.2.3-rc.1".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join((format.file)(&release.version, target));
    fs::write(&file, (format.pack)(&release, &payload).unwrap()).unwrap();
    Packed { folder, file, payload }
}

fn release() -> Release {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../CHANGELOG.md")).unwrap();
    let changelog = xtask::changelog::parse(&text).unwrap();
    Release { version: env!("CARGO_PKG_VERSION").parse().unwrap(), epoch: EPOCH, changelog }
}

/// Runs a program, if it is there, and gives what it prints.
fn run(folder: &Path, program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output();
    match output {
        Err(error) => {
            fakes::left_out(format_args!("{program}: {error}"));
            None
        }
        Ok(output) => {
            let (stdout, stderr) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
            assert!(output.status.success(), "{program} {args:?}: {stderr}");
            Some(String::from_utf8_lossy(&stdout).into_owned())
        }
    }
}

/// What stands below a folder: mode and content by path.
fn files(top: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    fn walk(top: &Path, folder: &Path, files: &mut BTreeMap<String, (u32, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, meta) = (entry.path(), entry.metadata().unwrap());
            if meta.is_dir() {
                walk(top, &path, files);
            } else {
                let name = path.strip_prefix(top).unwrap().display().to_string();
                files.insert(name, (meta.permissions().mode() & 0o7777, fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(top, top, &mut found);
    found
}

/// Says which file differs, not its bytes.
fn assert_same(path: &str, (is, content): &(u32, Vec<u8>), mode: u32, bytes: &[u8]) {
    assert_eq!(format!("{is:o}"), format!("{mode:o}"), "the mode of {path}");
    assert!(content == bytes, "{path} has another content");
}

#[test]
fn the_archive_holds_the_payload_below_one_folder() {
    let packed = packed(&tar_xz::FORMAT);
    let (folder, file) = (packed.folder.path(), packed.file.display().to_string());
    assert!(file.ends_with("/ductor-x86_64-unknown-linux-gnu.tar.xz"), "{file}");
    let Some(listing) = run(folder, "tar", &["--numeric-owner", "--full-time", "-tvJf", &file]) else {
        return;
    };
    assert!(listing.lines().all(|line| line.contains(" 0/0 ")), "{listing}");
    assert!(listing.lines().all(|line| line.contains(" 2009-02-13 23:31:30 ")), "{listing}");

    run(folder, "tar", &["-xpJf", &file]);
    let found = files(&folder.join("ductor-x86_64-unknown-linux-gnu"));
    assert_eq!(found.len(), packed.payload.files.len(), "{:?}", found.keys());
    for wanted in &packed.payload.files {
        let named = |path: &&String| path.rsplit('/').next() == Some(wanted.name.as_str());
        let path = found.keys().find(named).unwrap_or_else(|| panic!("no {}", wanted.name));
        assert_same(path, &found[path], wanted.mode(), &wanted.bytes);
    }
    for path in ["ductor", "service/ductor.service", "man/ductor.1", "completions/_ductor", "LICENSE-MIT"] {
        assert!(found.contains_key(path), "no {path} in {:?}", found.keys());
    }
}

#[test]
fn the_deb_holds_the_payload_where_debian_wants_it() {
    let packed = packed(&deb::FORMAT);
    let (folder, file) = (packed.folder.path(), packed.file.display().to_string());
    assert!(file.ends_with("/ductor_1.2.3~rc.1-1_amd64.deb"), "{file}");
    if run(folder, "dpkg-deb", &["--raw-extract", &file, "root"]).is_none() {
        return;
    }
    let found = files(&folder.join("root"));
    let of = |role| packed.payload.files.iter().find(|file| file.role == role).unwrap();
    let same = |path: &str, mode, bytes: &[u8]| {
        let is = found.get(path).unwrap_or_else(|| panic!("no {path} in {:?}", found.keys()));
        assert_same(path, is, mode, bytes);
    };
    same("usr/bin/ductor", 0o755, &of(Role::Program).bytes);
    same("usr/lib/systemd/user/ductor.service", 0o644, &of(Role::Definition).bytes);
    same("usr/share/doc/ductor/README.md", 0o644, &of(Role::Readme).bytes);
    for script in ["postinst", "prerm", "postrm"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../installers/deb").join(script);
        same(&format!("DEBIAN/{script}"), 0o755, &fs::read(source).unwrap());
    }
    for path in [
        "usr/share/man/man1/ductor.1.gz",
        "usr/share/bash-completion/completions/ductor",
        "usr/share/zsh/vendor-completions/_ductor",
        "usr/share/fish/vendor_completions.d/ductor.fish",
        "usr/share/doc/ductor/copyright",
        "usr/share/doc/ductor/changelog.gz",
        "usr/share/doc/ductor/changelog.Debian.gz",
    ] {
        assert!(found.contains_key(path), "no {path} in {:?}", found.keys());
    }
    // What a package must never hold.
    assert!(found.keys().all(|path| path.starts_with("usr/") || path.starts_with("DEBIAN/")));
    assert!(!found.contains_key("DEBIAN/conffiles"));
    run(&folder.join("root"), "md5sum", &["--quiet", "--check", "DEBIAN/md5sums"]);
    let sums = &found["DEBIAN/md5sums"].1;
    let installed = found.keys().filter(|path| path.starts_with("usr/")).count();
    assert_eq!(String::from_utf8_lossy(sums).lines().count(), installed);
}

#[test]
fn the_deb_says_what_it_is() {
    let packed = packed(&deb::FORMAT);
    let (folder, file) = (packed.folder.path(), packed.file.display().to_string());
    let field =
        |name: &str| run(folder, "dpkg-deb", &["--field", &file, name]).map(|value| value.trim().into());
    let is = |name: &str, value: &str| assert_eq!(field(name).unwrap_or(value.to_owned()), value, "{name}");
    is("Package", "ductor");
    is("Version", "1.2.3~rc.1-1");
    is("Architecture", "amd64");
    is("Recommends", "python3 (>= 3.11), python3-venv");
    is("Priority", "optional");
    let depends = field("Depends").unwrap_or_else(|| "libc6 (>= 2".to_owned());
    assert!(depends.starts_with("libc6 (>= 2"), "what /bin/true needs: {depends}");
    run(folder, "dpkg", &["--compare-versions", "1.2.3~rc.1-1", "lt", "1.2.3-1"]);
    if let Some(listing) = run(folder, "dpkg-deb", &["--contents", &file]) {
        assert!(listing.lines().all(|line| line.contains(" root/root ")), "{listing}");
        assert!(listing.lines().all(|line| line.contains(" 2009-02-13 23:31 ./")), "{listing}");
        assert!(listing.contains(" ./usr/share/doc/\n"), "folders have entries: {listing}");
    }
    if let Some(members) = run(folder, "ar", &["t", &file]) {
        assert_eq!(members, "debian-binary\ncontrol.tar.xz\ndata.tar.xz\n");
    }
}

#[test]
fn the_rpm_holds_the_payload_where_fedora_wants_it() {
    let packed = packed(&rpm::FORMAT);
    let (folder, file) = (packed.folder.path(), packed.file.display().to_string());
    assert!(file.ends_with("/ductor-1.2.3~rc.1-1.x86_64.rpm"), "{file}");
    fs::create_dir(folder.join("root")).unwrap();
    if run(&folder.join("root"), "bsdtar", &["-xpf", &file]).is_none() {
        return;
    }
    let found = files(&folder.join("root"));
    let of = |role| packed.payload.files.iter().find(|file| file.role == role).unwrap();
    assert_same("program", &found["usr/bin/ductor"], 0o755, &of(Role::Program).bytes);
    let unit = &found["usr/lib/systemd/user/ductor.service"];
    assert_same("unit", unit, 0o644, &of(Role::Definition).bytes);
    for path in [
        "usr/lib/systemd/user-preset/90-ductor.preset",
        "usr/share/man/man1/ductor.1.gz",
        "usr/share/bash-completion/completions/ductor",
        "usr/share/zsh/site-functions/_ductor",
        "usr/share/fish/vendor_completions.d/ductor.fish",
        "usr/share/doc/ductor/CHANGELOG.md",
        "usr/share/licenses/ductor/LICENSE-MIT",
    ] {
        assert!(found.contains_key(path), "no {path} in {:?}", found.keys());
    }
    assert!(found.keys().all(|path| path.starts_with("usr/")), "{:?}", found.keys());
    // Nothing but the preset is there that is not of the payload.
    assert_eq!(found.len(), packed.payload.files.len() + 1);
}

#[test]
fn the_rpm_says_what_it_is() {
    let packed = packed(&rpm::FORMAT);
    let (folder, file) = (packed.folder.path(), packed.file.display().to_string());
    let query = "%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{LICENSE} %{BUILDTIME} %{BUILDHOST}\n";
    let Some(said) = run(folder, "rpm", &["-qp", "--nosignature", "--queryformat", query, &file]) else {
        return;
    };
    assert_eq!(said, "ductor 1.2.3~rc.1 1 x86_64 MIT OR Apache-2.0 1234567890 localhost\n");
    let ask = |what: &str| run(folder, "rpm", &["-qp", "--nosignature", what, &file]).unwrap();
    assert_eq!(ask("--recommends"), "python3 >= 3.11\n");
    assert!(ask("--requires").contains("libc.so.6(GLIBC_2."), "what /bin/true needs: {}", ask("--requires"));
    let scripts = ask("--scripts");
    for script in ["post", "posttrans", "preun", "postun"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../installers/rpm").join(script);
        assert!(scripts.contains(fs::read_to_string(source).unwrap().trim()), "no %{script} in {scripts}");
    }
    let times = "[%{FILEMTIMES} %{FILEUSERNAME}:%{FILEGROUPNAME}\n]";
    let times = run(folder, "rpm", &["-qp", "--nosignature", "--queryformat", times, &file]).unwrap();
    assert!(times.lines().all(|line| line == "1234567890 root:root"), "{times}");
    run(folder, "rpm", &["--checksig", "--nosignature", &file]);
}

/// It is compressed once for all formats, and stands in each by itself.
#[test]
fn a_large_program_is_read_in_every_format_that_shares_it() {
    let target = TARGETS.iter().find(|target| target.triple == "x86_64-unknown-linux-gnu").unwrap();
    let mut program = programs::small(target);
    program[0].resize(2 << 20, 7);
    let formats: [(&Format, &[&str], &str); 3] = [
        (&tar_xz::FORMAT, &["tar", "-xJf", "FILE", "--strip-components=1"], "ductor"),
        (&deb::FORMAT, &["dpkg-deb", "--extract", "FILE", "."], "usr/bin/ductor"),
        (&rpm::FORMAT, &["bsdtar", "-xf", "FILE"], "usr/bin/ductor"),
    ];
    for (format, unpack, path) in formats {
        let packed = packed_with(program.clone(), target, format);
        let (folder, file) = (packed.folder.path(), packed.file.display().to_string());
        let args: Vec<&str> = unpack.iter().map(|arg| if *arg == "FILE" { &file } else { *arg }).collect();
        if run(folder, args[0], &args[1..]).is_some() {
            assert!(fs::read(folder.join(path)).unwrap() == program[0], "another program in {file}");
        }
        if format.name == "rpm" {
            run(folder, "rpm", &["--checksig", "--nosignature", &file]);
        }
    }
}

#[test]
fn the_package_of_arch_holds_the_payload_and_says_what_it_is() {
    let packed = packed(&arch::FORMAT);
    let (folder, file) = (packed.folder.path(), packed.file.display().to_string());
    assert!(file.ends_with("/ductor-1.2.3rc.1-1-x86_64.pkg.tar.zst"), "{file}");
    fs::create_dir(folder.join("root")).unwrap();
    let root = folder.join("root");
    if run(&root, "bsdtar", &["-xpf", &file]).is_none() {
        return;
    }
    let found = files(&root);
    let of = |role| packed.payload.files.iter().find(|file| file.role == role).unwrap();
    assert_same("program", &found["usr/bin/ductor"], 0o755, &of(Role::Program).bytes);
    let unit = &found["usr/lib/systemd/user/ductor.service"];
    assert_same("unit", unit, 0o644, &of(Role::Definition).bytes);
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("../installers/arch/ductor.install");
    assert_same("install", &found[".INSTALL"], 0o644, &fs::read(install).unwrap());
    for path in ["usr/share/licenses/ductor/LICENSE-MIT", "usr/share/doc/ductor/README.arch"] {
        assert!(found.contains_key(path), "no {path} in {:?}", found.keys());
    }
    // Beside the payload: how Arch does it, and three files that are not installed.
    assert_eq!(found.len(), packed.payload.files.len() + 1 + 3);
    let info = String::from_utf8_lossy(&found[".PKGINFO"].1).into_owned();
    for line in ["pkgname = ductor", "pkgver = 1.2.3rc.1-1", "arch = x86_64", "builddate = 1234567890"] {
        assert!(info.lines().any(|is| is == line), "no {line} in {info}");
    }
    assert!(info.contains("\ndepend = glibc>=2."), "what /bin/true needs: {info}");
    // The list that pacman verifies by, as another program reads it: every file but itself.
    let list = run(&root, "bsdtar", &["-tf", ".MTREE"]).unwrap();
    let listed = |path: &&String| list.lines().any(|line| line.trim_start_matches("./") == path.as_str());
    let missing: Vec<_> = found.keys().filter(|path| !listed(path)).collect();
    assert_eq!(missing, [".MTREE"]);
}

#[test]
fn the_zip_holds_the_payload_of_windows_at_its_top() {
    let packed = packed_for("x86_64-pc-windows-gnu", &zip::FORMAT);
    let (folder, file) = (packed.folder.path(), packed.file.display().to_string());
    assert!(file.ends_with("/ductor-x86_64-pc-windows-gnu.zip"), "{file}");
    fs::create_dir(folder.join("root")).unwrap();
    if run(&folder.join("root"), "bsdtar", &["-xpf", &file]).is_none() {
        return;
    }
    let found = files(&folder.join("root"));
    assert_eq!(found.len(), packed.payload.files.len(), "{:?}", found.keys());
    for path in ["ductor.exe", "ductorw.exe", "LICENSE-MIT", "completions/_ductor.ps1", "man/ductor.1"] {
        let wanted =
            packed.payload.files.iter().find(|file| path.rsplit('/').next() == Some(&file.name)).unwrap();
        assert_same(path, &found[path], wanted.mode(), &wanted.bytes);
    }
    let task = &found["service/ductor_task.xml"].1;
    assert!(task.starts_with(&[0xff, 0xfe, b'<', 0]), "UTF-16, as schtasks wants it");
    let listing = run(folder, "bsdtar", &["-tvf", &file]).unwrap();
    assert!(listing.lines().all(|line| line.contains(" Feb 13  2009 ")), "{listing}");
}

#[test]
fn the_archive_of_macos_holds_its_agent() {
    let packed = packed_for("aarch64-apple-darwin", &tar_xz::FORMAT);
    let Some(listing) = run(packed.folder.path(), "tar", &["-tJf", &packed.file.display().to_string()])
    else {
        return;
    };
    let agent = "ductor-aarch64-apple-darwin/service/dev.ductor.plist";
    assert!(listing.lines().any(|line| line == agent), "{listing}");
}
