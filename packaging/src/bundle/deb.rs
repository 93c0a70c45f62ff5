//! The `.deb` (deb(5)): an `ar` of `debian-binary`, `control.tar.xz` and `data.tar.xz`.
//!
//! The maintainer scripts are real files in `installers/deb/`.

use anyhow::{Result, bail};
use jiff::civil::Date;
use md5::{Digest, Md5};
use semver::Version;

use super::Format;
use super::ar::ar;
use crate::compress::gzip;
use crate::elf::{self, Needs};
use crate::layout::{self, Distribution};
use crate::payload::{File, Payload, Role};
use crate::release::{DESCRIPTION, HOMEPAGE, MAINTAINER, NAME, REVISION, Release, SUMMARY};
use crate::target::Target;
use crate::text::wrap;
use crate::tree::{Node, Tree};
use crate::version;
use crate::xz::xz;

/// `ductor_0.1.0-1_amd64.deb`
pub const FORMAT: Format = Format {
    name: "deb",
    description: "Package for Debian and Ubuntu",
    install: Some("sudo apt install ./"),
    file,
    pack,
    tree,
    reader: &["dpkg-deb", "--fsys-tarfile", "FILE"],
    scripts: &[
        (&["dpkg-deb", "--info", "FILE", "postinst"], POSTINST),
        (&["dpkg-deb", "--info", "FILE", "prerm"], PRERM),
        (&["dpkg-deb", "--info", "FILE", "postrm"], POSTRM),
    ],
};

/// What Debian has otherwise than others. Its licences stand in the file `copyright`.
const DEBIAN: Distribution = Distribution {
    top: "usr",
    definition: layout::SYSTEMD_USER,
    zsh: "usr/share/zsh/vendor-completions",
    documentation: |file: &File| match file.role {
        Role::Licence => None,
        Role::Changelog => Some(format!("usr/share/doc/{NAME}/changelog.gz")),
        _ => Some(format!("usr/share/doc/{NAME}/{}", file.name)),
    },
};

const POSTINST: &str = include_str!("../../../installers/deb/postinst");
const PRERM: &str = include_str!("../../../installers/deb/prerm");
const POSTRM: &str = include_str!("../../../installers/deb/postrm");
const COPYRIGHT: &str = include_str!("../../../installers/deb/copyright");
const OVERRIDES: &str = include_str!("../../../installers/deb/lintian-overrides");

fn file(version: &Version, target: &Target) -> String {
    format!("{NAME}_{}_{}.deb", full(version), target.arch.deb)
}

fn pack(release: &Release, payload: &Payload) -> Result<Vec<u8>> {
    let data = tree(release, payload)?;
    let mut control = Tree::default();
    control.add("control", 0o644, control_file(release, payload, &data)?.into())?;
    control.add("md5sums", 0o644, md5sums(&data).into())?;
    for (name, script) in [("postinst", POSTINST), ("prerm", PRERM), ("postrm", POSTRM)] {
        control.add(name, 0o755, script.into())?;
    }
    let member = |tree: &Tree| xz(&tree.tar("./", release.epoch)?, tree, &payload.shared);
    let (control, data) = (member(&control)?, member(&data)?);
    let members: [(&str, &[u8]); 3] =
        [("debian-binary", b"2.0\n"), ("control.tar.xz", &control), ("data.tar.xz", &data)];
    Ok(ar(&members, release.epoch))
}

/// What is installed: the payload, and what Debian's policy wants beside it.
fn tree(release: &Release, payload: &Payload) -> Result<Tree> {
    let mut tree = layout::system(payload, &DEBIAN)?;
    let changelog = gzip(changelog(release).as_bytes())?;
    tree.add(&format!("usr/share/doc/{NAME}/changelog.Debian.gz"), 0o644, changelog)?;
    tree.add(&format!("usr/share/doc/{NAME}/copyright"), 0o644, COPYRIGHT.into())?;
    tree.add(&format!("usr/share/lintian/overrides/{NAME}"), 0o644, OVERRIDES.into())?;
    Ok(tree)
}

/// The version with the revision.
fn full(version: &Version) -> String {
    format!("{}-{REVISION}", version::deb(version))
}

/// The description of the package (deb-control(5)).
fn control_file(release: &Release, payload: &Payload, data: &Tree) -> Result<String> {
    let program = payload.files.iter().find(|file| file.role == Role::Program);
    let depends = depends(&elf::needs(program.map_or(&[], |file| &file.bytes))?)?;
    let mut text = String::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("{name}: {value}\n");
        }
    };
    field("Package", NAME);
    field("Version", &full(&release.version));
    field("Architecture", payload.target.arch.deb);
    field("Maintainer", MAINTAINER);
    field("Installed-Size", &installed_size(data).to_string());
    field("Depends", &depends.join(", "));
    field("Recommends", "python3 (>= 3.11), python3-venv");
    field("Section", "net");
    field("Priority", "optional");
    field("Multi-Arch", "foreign");
    field("Homepage", HOMEPAGE);
    field("Description", SUMMARY);
    text.extend(wrap(DESCRIPTION, 78).iter().map(|line| format!(" {line}\n")));
    Ok(text)
}

/// The packages that hold the libraries a program needs. A static program needs none.
fn depends(needs: &Needs) -> Result<Vec<String>> {
    let mut packages = Vec::new();
    for library in &needs.libraries {
        let package = match (library.as_str(), needs.glibc) {
            ("libgcc_s.so.1", _) => "libgcc-s1".to_owned(),
            ("libc.so.6" | "libm.so.6", Some((major, minor))) => format!("libc6 (>= {major}.{minor})"),
            ("libc.so.6" | "libm.so.6", None) => "libc6".to_owned(),
            (loader, _) if loader.starts_with("ld-linux") => continue, // a part of libc6
            _ => {
                bail!("the program is linked to {library}, and which Debian package holds that is not known")
            }
        };
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    packages.sort();
    Ok(packages)
}

/// In KiB, each file rounded up and each folder counted as one, as dpkg-gencontrol(1) has it.
fn installed_size(data: &Tree) -> usize {
    let size = |node: &Node| match node {
        Node::Folder => 1,
        Node::File { bytes, .. } => bytes.len().div_ceil(1024),
    };
    data.nodes().map(|(_, node)| size(node)).sum()
}

/// What dpkg verifies the installed files by.
fn md5sums(data: &Tree) -> String {
    let line = |(path, bytes): (&str, &[u8])| {
        let hash: String = Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hash}  {path}\n")
    };
    data.files().map(line).collect()
}

/// The changelog of the package (deb-changelog(5)), from that of the product.
fn changelog(release: &Release) -> String {
    let mut text = String::new();
    for entry in &release.changelog {
        let changes: String = entry.changes.iter().map(|change| item(change)).collect();
        let version = full(&entry.version);
        let date = rfc_2822(entry.date);
        text += &format!(
            "{NAME} ({version}) unstable; urgency=medium\n\n{changes}\n -- {MAINTAINER}  {date}\n\n"
        );
    }
    text.truncate(text.trim_end().len() + 1);
    text
}

fn item(change: &str) -> String {
    format!("  * {}\n", wrap(change, 74).join("\n    "))
}

/// The start of a day in UTC: the changelog knows no time of day.
fn rfc_2822(day: Date) -> String {
    day.strftime("%a, %d %b %Y 00:00:00 +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_depends_on_what_its_program_is_linked_to() {
        let needs = |libraries: &[&str], glibc| Needs {
            libraries: libraries.iter().map(ToString::to_string).collect(),
            glibc,
        };
        assert_eq!(depends(&needs(&[], None)).unwrap(), [""; 0]);
        let dynamic =
            needs(&["libgcc_s.so.1", "libc.so.6", "libm.so.6", "ld-linux-aarch64.so.1"], Some((2, 34)));
        assert_eq!(depends(&dynamic).unwrap(), ["libc6 (>= 2.34)", "libgcc-s1"]);
        let error = depends(&needs(&["libssl.so.3"], None)).unwrap_err().to_string();
        assert!(error.contains("libssl.so.3"), "{error}");
    }

    #[test]
    fn the_changelog_is_in_debians_form() {
        let entry = crate::changelog::Entry {
            version: "1.2.3-rc.1".parse().unwrap(),
            date: "2026-11-22".parse().unwrap(),
            changes: vec!["word ".repeat(20), "Two.".into()],
        };
        let release = Release { version: entry.version.clone(), epoch: 0, changelog: vec![entry] };
        let words = |count| vec!["word"; count].join(" ");
        let expected = format!(
            "ductor (1.2.3~rc.1-1) unstable; urgency=medium\n\n  * {}\n    {}\n  * Two.\n\n \
             -- {MAINTAINER}  Sun, 22 Nov 2026 00:00:00 +0000\n",
            words(15),
            words(5)
        );
        assert_eq!(changelog(&release), expected);
    }
}
