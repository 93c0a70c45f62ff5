//! The `.pkg.tar.zst` of Arch Linux, as makepkg(8) writes it: a tar archive of the files, with `.PKGINFO` (what it
//! is), `.MTREE` (what pacman verifies the files by, mtree(5)) and `.INSTALL` (the functions of `installers/arch/`).

use std::fmt::Write;

use anyhow::{Result, bail};
use md5::{Digest, Md5};
use semver::Version;

use super::{BSDTAR, Format};
use crate::checksums::sha256;
use crate::compress::{gzip, zstd};
use crate::elf::{self, Needs};
use crate::layout::{self, Distribution};
use crate::payload::{File, Payload, Role};
use crate::release::{HOMEPAGE, LICENCE, MAINTAINER, NAME, REVISION, Release, SUMMARY};
use crate::target::Target;
use crate::tree::{Node, Tree};
use crate::version;

/// `ductor-0.1.0-1-x86_64.pkg.tar.zst`
pub const FORMAT: Format = Format {
    name: "arch",
    description: "Package for Arch Linux",
    install: Some("sudo pacman -U ./"),
    file,
    pack,
    tree,
    reader: BSDTAR,
    scripts: &[],
};

/// What Arch has otherwise than others.
pub const ARCH: Distribution = Distribution {
    top: "usr",
    definition: layout::SYSTEMD_USER,
    zsh: "usr/share/zsh/site-functions",
    documentation: |file: &File| match file.role {
        Role::Licence => Some(format!("usr/share/licenses/{NAME}/{}", file.name)),
        _ => Some(format!("usr/share/doc/{NAME}/{}", file.name)),
    },
};

/// What pacman does when it installs, upgrades and removes.
pub const INSTALL: &str = include_str!("../../../installers/arch/ductor.install");
/// What an administrator may want to know.
pub const README: &str = include_str!("../../../installers/arch/README.arch");

/// What is of use beside it.
pub const OPTIONAL: &str = "python: to get the bot (3.11 or newer)";

fn file(version: &Version, target: &Target) -> String {
    format!("{NAME}-{}-{}.pkg.tar.zst", full(version), target.arch.name)
}

fn pack(release: &Release, payload: &Payload) -> Result<Vec<u8>> {
    zstd(&tree(release, payload)?.tar("", release.epoch)?)
}

fn tree(release: &Release, payload: &Payload) -> Result<Tree> {
    let mut tree = layout::system(payload, &ARCH)?;
    tree.add(&format!("usr/share/doc/{NAME}/README.arch"), 0o644, README.into())?;
    let info = info(release, payload, &tree)?;
    tree.add(".PKGINFO", 0o644, info.into())?;
    tree.add(".INSTALL", 0o644, INSTALL.into())?;
    let mtree = gzip(mtree(&tree, release.epoch).as_bytes())?;
    tree.add(".MTREE", 0o644, mtree)?;
    Ok(tree)
}

/// The version with the revision.
fn full(version: &Version) -> String {
    format!("{}-{REVISION}", version::arch(version))
}

/// The description of the package. `size` counts the files as they are installed.
fn info(release: &Release, payload: &Payload, data: &Tree) -> Result<String> {
    let program = payload.files.iter().find(|file| file.role == Role::Program);
    let needs = elf::needs(program.map_or(&[], |file| &file.bytes))?;
    let size: usize = data.files().map(|(_, bytes)| bytes.len()).sum();
    let mut text = String::new();
    let mut field = |name: &str, value: &str| text += &format!("{name} = {value}\n");
    field("pkgname", NAME);
    field("pkgbase", NAME);
    field("xdata", "pkgtype=pkg");
    field("pkgver", &full(&release.version));
    field("pkgdesc", SUMMARY);
    field("url", HOMEPAGE);
    field("builddate", &release.epoch.to_string());
    field("packager", MAINTAINER);
    field("size", &size.to_string());
    field("arch", payload.target.arch.name);
    field("license", LICENCE);
    for package in depends(&needs)? {
        field("depend", &package);
    }
    field("optdepend", OPTIONAL);
    Ok(text)
}

/// The packages that hold the libraries a program needs. A static program needs none.
fn depends(needs: &Needs) -> Result<Vec<String>> {
    let mut packages = Vec::new();
    for library in &needs.libraries {
        let package = match (library.as_str(), needs.glibc) {
            ("libgcc_s.so.1", _) => "gcc-libs".to_owned(),
            ("libc.so.6" | "libm.so.6", Some((major, minor))) => format!("glibc>={major}.{minor}"),
            ("libc.so.6" | "libm.so.6", None) => "glibc".to_owned(),
            (loader, _) if loader.starts_with("ld-linux") => continue, // a part of glibc
            _ => {
                bail!("the program is linked to {library}, and which package of Arch holds that is not known")
            }
        };
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    packages.sort();
    Ok(packages)
}

/// Each file with what it must be, in the form of bsdtar. The archive's own list is not on it. pacman 6.0 compares
/// the MD5 whether there is one or not; later ones compare the other.
fn mtree(tree: &Tree, epoch: u64) -> String {
    let mut text = "#mtree\n/set type=file uid=0 gid=0 mode=644\n".to_owned();
    for (path, node) in tree.nodes() {
        let written = match node {
            Node::Folder => writeln!(text, "./{path} time={epoch}.0 mode=755 type=dir"),
            Node::File { mode, bytes } => {
                let mode = if *mode == 0o644 { String::new() } else { format!("mode={mode:o} ") };
                let (size, hash) = (bytes.len(), sha256(bytes));
                let md5: String = Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                let hashes = format!("md5digest={md5} sha256digest={hash}");
                writeln!(text, "./{path} time={epoch}.0 {mode}size={size} {hashes}")
            }
        };
        debug_assert!(written.is_ok(), "a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_in_known_packages() {
        assert_eq!(depends(&Needs::default()).unwrap(), [""; 0]);
        let libraries = ["libgcc_s.so.1", "libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"].map(String::from);
        let needs = Needs { libraries: libraries.into(), glibc: Some((2, 34)) };
        assert_eq!(depends(&needs).unwrap(), ["gcc-libs", "glibc>=2.34"]);
        let needs = Needs { libraries: vec!["libssl.so.3".into()], glibc: None };
        assert!(depends(&needs).unwrap_err().to_string().contains("libssl.so.3"));
    }

    #[test]
    fn every_file_and_folder_is_a_line() {
        let mut tree = Tree::default();
        tree.add("usr/bin/x", 0o755, b"abc".to_vec()).unwrap();
        let hash = sha256(b"abc");
        let expected = format!(
            "#mtree\n/set type=file uid=0 gid=0 mode=644\n\
             ./usr time=7.0 mode=755 type=dir\n./usr/bin time=7.0 mode=755 type=dir\n\
             ./usr/bin/x time=7.0 mode=755 size=3 md5digest=900150983cd24fb0d6963f7d28e17f72 \
             sha256digest={hash}\n"
        );
        assert_eq!(mtree(&tree, 7), expected);
    }
}
