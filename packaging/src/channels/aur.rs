//! `PKGBUILD` and `.SRCINFO` for the Arch User Repository: a package that puts the files of our archives where our own
//! package for Arch has them (PKGBUILD(5), wiki.archlinux.org/title/.SRCINFO).

use anyhow::{Context, Result};
use semver::Version;

use super::Source;
use crate::bundle::arch::{ARCH, INSTALL, OPTIONAL, README};
use crate::checksums::sha256;
use crate::companion::Files;
use crate::layout;
use crate::payload::{File, Payload};
use crate::release::{HOMEPAGE, LICENCE, MAINTAINER, NAME, REVISION, SUMMARY};
use crate::tree::Tree;
use crate::version;

const SCRIPT: &str = "ductor.install";
const README_FILE: &str = "README.arch";

/// The names of the files.
pub fn files() -> Vec<String> {
    ["PKGBUILD", ".SRCINFO", SCRIPT, README_FILE].map(|file| format!("aur/{file}")).into()
}

/// The files of the package. It is called `-bin`, as packages of programs that others have compiled are there.
///
/// # Errors
/// A file has no place.
pub fn package(version: &Version, archives: &[Source]) -> Result<Files> {
    let fields = fields(version, archives);
    let contents = [pkgbuild(&fields, archives)?, srcinfo(&fields), INSTALL.into(), README.into()];
    Ok(files().into_iter().zip(contents.map(String::into_bytes)).collect())
}

/// What both files say, in the order in which makepkg prints it. A list is marked as one.
enum Value {
    One(String),
    Many(Vec<String>),
}

fn fields(version: &Version, archives: &[Source]) -> Vec<(String, Value)> {
    use Value::{Many, One};
    let package = version::arch(version);
    let licences = LICENCE.split(" OR ").map(str::to_owned).collect();
    let arches = archives.iter().map(|archive| archive.payload.target.arch.name.to_owned()).collect();
    let mut fields = vec![
        ("pkgname".to_owned(), One(format!("{NAME}-bin"))),
        ("pkgdesc".into(), One(SUMMARY.into())),
        ("pkgver".into(), One(package.clone())),
        ("pkgrel".into(), One(REVISION.into())),
        ("url".into(), One(HOMEPAGE.into())),
        ("install".into(), One(SCRIPT.into())),
        ("arch".into(), Many(arches)),
        ("license".into(), Many(licences)),
        ("optdepends".into(), Many(vec![OPTIONAL.into()])),
        ("provides".into(), Many(vec![NAME.into()])),
        ("conflicts".into(), Many(vec![NAME.into()])),
        // The program is stripped, and stays what it was signed as.
        ("options".into(), Many(vec!["!strip".into()])),
        ("source".into(), Many(vec![README_FILE.into()])),
        ("sha256sums".into(), Many(vec![sha256(README.as_bytes())])),
    ];
    for archive in archives {
        let arch = archive.payload.target.arch.name;
        // A name with the version: what was fetched of another one is kept in the same folder.
        let local = format!("{NAME}-{package}-{arch}.tar.xz");
        let source = format!("{local}::{}", archive.url(&version.to_string()));
        fields.push((format!("source_{arch}"), Many(vec![source])));
        fields.push((format!("sha256sums_{arch}"), Many(vec![archive.sha256.into()])));
    }
    fields
}

fn pkgbuild(fields: &[(String, Value)], archives: &[Source]) -> Result<String> {
    let mut text = format!("# Maintainer: {MAINTAINER}\n# Made by `cargo xtask dist any/channels`.\n");
    for (name, value) in fields {
        text += &match value {
            Value::One(value) => format!("{name}='{value}'\n"),
            Value::Many(values) => format!("{name}=('{}')\n", values.join("' '")),
        };
    }
    text += "\npackage() {\n";
    let payload = archives.first().context("no archive")?.payload;
    // The folder in the archive is named after the target.
    text += &format!(
        "  cd \"{NAME}-$CARCH-{}\"\n",
        payload.target.triple.trim_start_matches(|c| c != '-').trim_start_matches('-')
    );
    for file in &payload.files {
        let (from, to) = places(payload, file)?;
        text += &format!("  install -Dm{:o} '{from}' \"$pkgdir/{to}\"\n", file.mode());
    }
    text += &format!(
        "  install -Dm644 \"$srcdir/{README_FILE}\" \"$pkgdir/usr/share/doc/{NAME}/{README_FILE}\"\n}}\n"
    );
    Ok(text)
}

/// Where a file stands in the archive, and where in the package. makepkg compresses man pages by itself.
fn places(payload: &Payload, file: &File) -> Result<(String, String)> {
    let alone = Payload { files: vec![file.clone()], ..payload.clone() };
    let place = |tree: &Tree| {
        let (path, _) = tree.files().next().with_context(|| format!("{} has no place", file.name))?;
        anyhow::Ok(path.to_owned())
    };
    let from = place(&layout::archive(&alone, "")?)?;
    let to = place(&layout::system(&alone, &ARCH)?)?;
    Ok((from.trim_start_matches('/').to_owned(), to.trim_end_matches(".gz").to_owned()))
}

fn srcinfo(fields: &[(String, Value)]) -> String {
    let name = |field: &str| {
        fields.iter().find_map(|(name, value)| match value {
            Value::One(value) if name == field => Some(value.as_str()),
            _ => None,
        })
    };
    let name = name("pkgname").unwrap_or(NAME);
    let mut text = format!("pkgbase = {name}\n");
    for (field, value) in fields.iter().filter(|(field, _)| field != "pkgname") {
        let values = match value {
            Value::One(value) => std::slice::from_ref(value),
            Value::Many(values) => values,
        };
        values.iter().for_each(|value| text += &format!("\t{field} = {value}\n"));
    }
    text + &format!("\npkgname = {name}\n")
}
