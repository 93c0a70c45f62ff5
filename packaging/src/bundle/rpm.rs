//! The `.rpm`, in the form that rpm has read since version 4, written by the crate `rpm`. What is in it is compressed by
//! xz, which every rpm reads; so it is smaller than by zstd, and the program in it compressed once for other formats, too.
//!
//! The scriptlets are real files in `installers/rpm/`. They do what Fedora's `%systemd_user_*` macros expand to,
//! written out, for other distributions have other macros or none.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use jiff::civil::Date;
use rpm::{
    BuildConfig, CompressionWithLevel, Dependency, FileMode, FileOptions, Header, HeaderEntry, IndexData,
    IndexTag, Package, PackageBuilder, RpmFormat, SignatureHeaderBuilder,
};
use semver::Version;

use super::{BSDTAR, Format};
use crate::checksums::sha256;
use crate::elf::{self, Needs};
use crate::layout::{self, Distribution};
use crate::payload::{File, Payload, Role};
use crate::release::{DESCRIPTION, HOMEPAGE, LICENCE, MAINTAINER, NAME, REVISION, Release, SUMMARY};
use crate::target::Target;
use crate::text::wrap;
use crate::tree::{Node, Tree};
use crate::version;
use crate::xz::{LEVEL, xz};

/// `ductor-0.1.0-1.x86_64.rpm`
pub const FORMAT: Format = Format {
    name: "rpm",
    description: "Package for Fedora, openSUSE and their kin",
    install: Some("sudo dnf install ./"),
    file,
    pack,
    tree,
    reader: BSDTAR,
    scripts: &[
        (&["rpm", "-qp", "--nosignature", "--queryformat", "%{POSTIN}", "FILE"], POST),
        (&["rpm", "-qp", "--nosignature", "--queryformat", "%{POSTTRANS}", "FILE"], POSTTRANS),
        (&["rpm", "-qp", "--nosignature", "--queryformat", "%{PREUN}", "FILE"], PREUN),
        (&["rpm", "-qp", "--nosignature", "--queryformat", "%{POSTUN}", "FILE"], POSTUN),
    ],
};

/// What Fedora and its kin have otherwise than others.
const FEDORA: Distribution = Distribution {
    top: "usr",
    definition: layout::SYSTEMD_USER,
    zsh: "usr/share/zsh/site-functions",
    documentation: |file: &File| match file.role {
        Role::Licence => Some(format!("{LICENCES}/{}", file.name)),
        _ => Some(format!("{DOCUMENTATION}/{}", file.name)),
    },
};
const DOCUMENTATION: &str = "usr/share/doc/ductor";
const LICENCES: &str = "usr/share/licenses/ductor";

/// The preset that enables the service for everybody. Fedora's last one disables what no other has named.
const PRESET: (&str, &str) = (
    "usr/lib/systemd/user-preset/90-ductor.preset",
    include_str!("../../../installers/rpm/90-ductor.preset"),
);

const POST: &str = include_str!("../../../installers/rpm/post");
const POSTTRANS: &str = include_str!("../../../installers/rpm/posttrans");
const PREUN: &str = include_str!("../../../installers/rpm/preun");
const POSTUN: &str = include_str!("../../../installers/rpm/postun");

/// Folders that are there wherever systemd is. A folder that is not among them belongs to the package, too, so
/// that it goes with it.
#[rustfmt::skip] // a list
const COMMON: [&str; 10] = [
    "usr", "usr/bin", "usr/lib", "usr/lib/systemd", "usr/lib/systemd/user", "usr/lib/systemd/user-preset",
    "usr/share", "usr/share/doc", "usr/share/man", "usr/share/man/man1",
];

fn file(version: &Version, target: &Target) -> String {
    format!("{NAME}-{}-{REVISION}.{}.rpm", version::rpm(version), target.arch.name)
}

fn pack(release: &Release, payload: &Payload) -> Result<Vec<u8>> {
    let epoch = u32::try_from(release.epoch).context("rpm knows no time after 2106")?;
    let version = version::rpm(&release.version);
    let summary = capitalised(SUMMARY);
    let mut package = PackageBuilder::new(NAME, &version, LICENCE, payload.target.arch.name, &summary);
    let config = BuildConfig::v4().source_date(epoch).compression(CompressionWithLevel::None);
    package.using_config(config).release(REVISION);
    package.description(wrap(DESCRIPTION, 79).join("\n")).url(HOMEPAGE);
    package
        .vendor("The ductor contributors")
        .packager(MAINTAINER)
        .group("Unspecified")
        .build_host("localhost");
    package.post_install_script(POST).post_trans_script(POSTTRANS);
    package.pre_uninstall_script(PREUN).post_uninstall_script(POSTUN);
    package.requires(Dependency::rpmlib("PayloadIsXz", "5.2-1"));
    package.recommends(Dependency::greater_eq("python3", "3.11"));
    for need in requires(&needs(payload)?) {
        package.requires(Dependency::any(need));
    }
    for entry in &release.changelog {
        let author = format!("{MAINTAINER} - {}-{REVISION}", version::rpm(&entry.version));
        let changes: Vec<String> = entry.changes.iter().map(|change| item(change)).collect();
        package.add_changelog_entry(author, changes.join("\n"), noon(entry.date)?);
    }
    let data = tree(release, payload)?;
    add(&mut package, &data)?;
    let package = package.build()?;
    let compressed = xz(&package.payload, &data, &payload.shared)?;
    let mut bytes = Vec::new();
    with_payload(package, compressed)?.write(&mut bytes)?;
    Ok(bytes)
}

/// The package with its payload compressed, which the crate would do for this format alone.
fn with_payload(mut package: Package, payload: Vec<u8>) -> Result<Package> {
    let mut header: BTreeMap<u32, IndexData> =
        package.metadata.header.get_all_entries()?.into_iter().collect();
    header.remove(&(IndexTag::RPMTAG_HEADERIMMUTABLE as u32)); // comes again
    header.insert(IndexTag::RPMTAG_PAYLOADCOMPRESSOR as u32, IndexData::StringTag("xz".into()));
    header.insert(IndexTag::RPMTAG_PAYLOADFLAGS as u32, IndexData::StringTag(LEVEL.to_string()));
    header.insert(IndexTag::RPMTAG_PAYLOADSHA256 as u32, IndexData::StringArray(vec![sha256(&payload)]));
    let entries = header.into_iter().map(|(tag, data)| HeaderEntry::new(tag, data));
    package.metadata.header = Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE);
    let header = package.metadata.header_bytes()?;
    package.metadata.signature = SignatureHeaderBuilder::new()
        .format(RpmFormat::V4)
        .set_content_length((header.len() + payload.len()) as u64)
        .calculate_digests(&header)
        .build()?;
    package.payload = payload;
    Ok(package)
}

/// What is installed: the payload, and the preset.
fn tree(_: &Release, payload: &Payload) -> Result<Tree> {
    let mut tree = layout::system(payload, &FEDORA)?;
    tree.add(PRESET.0, 0o644, PRESET.1.into())?;
    Ok(tree)
}

fn add(package: &mut PackageBuilder, data: &Tree) -> Result<()> {
    for (path, node) in data.nodes() {
        let place = format!("/{path}");
        match node {
            Node::Folder if COMMON.contains(&path) => {}
            Node::Folder => drop(package.with_dir_entry(FileOptions::dir(place).mode(FileMode::dir(0o755)))?),
            Node::File { mode, bytes } => {
                let mode = FileMode::regular(u16::try_from(*mode)?);
                let options = FileOptions::new(place).mode(mode);
                let options = match path {
                    _ if path.starts_with(LICENCES) => options.license(),
                    _ if path.starts_with(DOCUMENTATION) || path.contains("/man/") => options.doc(),
                    _ => options,
                };
                package.with_file_contents(bytes.clone(), options)?;
            }
        }
    }
    Ok(())
}

fn needs(payload: &Payload) -> Result<Needs> {
    let program = payload.files.iter().find(|file| file.role == Role::Program);
    elf::needs(program.map_or(&[], |file| &file.bytes))
}

/// The libraries that a program needs, as rpm's own generator names those of 64 bits. A static program needs none.
fn requires(needs: &Needs) -> Vec<String> {
    let mut requires: Vec<String> =
        needs.libraries.iter().map(|library| format!("{library}()(64bit)")).collect();
    if let Some((major, minor)) = needs.glibc {
        requires.push(format!("libc.so.6(GLIBC_{major}.{minor})(64bit)"));
    }
    requires.sort();
    requires
}

fn capitalised(text: &str) -> String {
    let first = text.chars().next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + text.get(1..).unwrap_or_default()
}

fn item(change: &str) -> String {
    format!("- {}", wrap(change, 77).join("\n  "))
}

/// rpm's changelog knows days only, and writes each as noon in UTC.
fn noon(day: Date) -> Result<u32> {
    let noon = day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC)?;
    u32::try_from(noon.timestamp().as_second()).with_context(|| format!("{day} is no day for rpm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_named_as_rpm_names_them() {
        assert_eq!(requires(&Needs::default()), [""; 0]);
        let needs =
            Needs { libraries: vec!["libgcc_s.so.1".into(), "libc.so.6".into()], glibc: Some((2, 34)) };
        let expected = ["libc.so.6()(64bit)", "libc.so.6(GLIBC_2.34)(64bit)", "libgcc_s.so.1()(64bit)"];
        assert_eq!(requires(&needs), expected);
    }

    #[test]
    fn a_day_is_its_noon() {
        assert_eq!(noon("2026-11-22".parse().unwrap()).unwrap(), 1_795_348_800);
    }
}
