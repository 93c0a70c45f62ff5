//! The `.msi`: a database for the Windows Installer (learn.microsoft.com, "Windows Installer database"). It installs for
//! one user, who need not be an administrator, to `%LOCALAPPDATA%\Programs\ductor`, and adds that to the user's PATH.
//!
//! The database is text: `installers/msi/tables.idt`, in the form in which `msidb` and `msiinfo` export tables. A line
//! of names, one of types, one of the table and its key, then the rows; what stands between `@` is filled in here, and
//! the tables about single files get their rows here. Its custom actions run `ductorw.exe`, the twin without a window,
//! as the user (type 34), go on whatever it says (64), and but for the first belong to the transaction (1024):
//!
//! | action | runs | when |
//! |---|---|---|
//! | `StopService` | `service stop` | before anything looks for files in use: at removal, and before an upgrade |
//! | `RemoveService` | `service uninstall` | before the files go, but not where a newer version follows |
//! | `InstallService` | `service install` | after the files came, the first time |
//! | `StartService` | `service start` | after an upgrade: one that is not installed stays so |
//!
//! A version that is there already is removed first (`RemoveExistingProducts`), whatever its number has been, unless it
//! is a newer one. All identifiers are made from names (UUID version 5), so that the same input gives the same bytes.

use std::io::{Cursor, Write};

use anyhow::{Context, Result, bail};
use cab::{CabinetBuilder, CompressionType};
use msi::{Category, Column, Insert, Package, PackageType, Value};
use semver::Version;
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::{Uuid, uuid};

use super::Format;
use crate::checksums::sha256;
use crate::layout;
use crate::payload::Payload;
use crate::release::{HOMEPAGE, NAME, Release};
use crate::target::Target;
use crate::tree::{Node, Tree};

/// `ductor-0.1.0-x86_64.msi`
pub const FORMAT: Format = Format {
    name: "msi",
    description: "Package for Windows",
    install: Some("msiexec /i "),
    file,
    pack,
    tree: members,
    reader: &["sh", "-c", FILES, "FILE"],
    scripts: &[],
};

/// The cabinet in it as a tar archive.
const FILES: &str = r#"msiinfo extract "$0" ductor.cab | bsdtar --format=gnutar -cf - @-"#;

const TABLES: &str = include_str!("../../../installers/msi/tables.idt");

/// What all versions have in common. Never another: by it they find each other.
const UPGRADE: Uuid = uuid!("c2cb9b8e-84ed-453f-8dc7-5dd56d0a8b2a");

/// The stream that holds the files.
const CABINET: &str = "ductor.cab";

/// The folder that the directory table calls so, and what stands in it, by path.
const TOP: &str = "INSTALLDIR";

fn file(version: &Version, target: &Target) -> String {
    format!("{NAME}-{}-{}.msi", numbers(version), target.arch.name)
}

fn pack(release: &Release, payload: &Payload) -> Result<Vec<u8>> {
    let files = layout::archive(payload, "")?;
    let cabinet = cabinet(&members(release, payload)?, release.epoch)?;
    let tables = tables(release, &files)?;
    let mut package = Package::create(PackageType::Installer, Cursor::new(Vec::new()))?;
    for table in &tables {
        table.write(&mut package)?;
    }
    package.write_stream(CABINET)?.write_all(&cabinet)?;
    let about = package.summary_info_mut();
    about.set_title("Installation Database");
    about.set_subject(NAME);
    about.set_author("The ductor contributors");
    about.set_arch("x64");
    about.set_languages(&[msi::LanguageId::from_lcid(1033)]);
    about.set_page_count(500); // the Windows Installer that understands it: 5.0
    about.set_word_count(2 | 8); // compressed; for one user, without elevation
    // Another package, another code, whatever it differs in.
    let content = tables.iter().map(|table| table.text.as_str()).collect::<String>() + &sha256(&cabinet);
    about.set_uuid(identifier(&format!("package {content}")));
    package.flush()?;
    Ok(package.into_inner()?.into_inner())
}

/// The files by the keys that they have in the database, as the cabinet holds them.
fn members(_: &Release, payload: &Payload) -> Result<Tree> {
    let mut members = Tree::default();
    for (path, bytes) in layout::archive(payload, "")?.files() {
        members.add(&key(path), 0o666, bytes.into())?; // a cabinet knows who may not write, no more
    }
    Ok(members)
}

fn cabinet(members: &Tree, epoch: u64) -> Result<Vec<u8>> {
    let mut builder = CabinetBuilder::new();
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(epoch & !1)?)?; // it counts in twos
    let folder = builder.add_folder(CompressionType::MsZip);
    for (key, _) in members.files() {
        folder.add_file(key).set_datetime(PrimitiveDateTime::new(time.date(), time.time()));
    }
    let mut cabinet = builder.build(Cursor::new(Vec::new()))?;
    for (_, bytes) in members.files() {
        cabinet.next_file()?.context("fewer files than were added")?.write_all(bytes)?;
    }
    Ok(cabinet.finish()?.into_inner())
}

/// The whole database.
///
/// # Errors
/// The text of it is wrong.
pub fn tables(release: &Release, files: &Tree) -> Result<Vec<Table>> {
    let blanks = [
        ("@PRODUCT@", product(&release.version)),
        ("@UPGRADE@", braced(UPGRADE)),
        ("@VERSION@", numbers(&release.version)),
        ("@HOMEPAGE@", HOMEPAGE.to_owned()),
        ("@CABINET@", CABINET.to_owned()),
        ("@FILES@", files.files().count().to_string()),
    ];
    let fill =
        |text: &str| blanks.iter().fold(text.to_owned(), |text, (blank, value)| text.replace(blank, value));
    let tables = TABLES.trim_end().split("\n\n").map(|text| Table::read(&(fill(text) + "\n")));
    let mut tables = tables.collect::<Result<Vec<_>>>()?;
    for table in &mut tables {
        for row in rows(&table.name, files) {
            table.text += &(row.join("\t") + "\n");
        }
    }
    Ok(tables)
}

/// The rows of a table that come from the files: for each folder a component, whose key is a value in the registry,
/// for it lies in a user's profile; and the folder goes when it is empty.
fn rows(table: &str, files: &Tree) -> Vec<Vec<String>> {
    let text = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<String>>();
    let folders = || files.nodes().filter(|(_, node)| matches!(node, Node::Folder)).map(|(path, _)| path);
    let folders = || [TOP].into_iter().chain(folders());
    let registry = format!(r"Software\{NAME}");
    let of_folder = |folder: &str| match table {
        "Component" => {
            let id = braced(identifier(&format!("component {folder}")));
            text(&[folder, &id, folder, "260", "", folder]) // its key is in the registry (4); 64 bits (256)
        }
        "FeatureComponents" => text(&[NAME, folder]),
        "Registry" => text(&[folder, "1", &registry, folder, "#1", folder]),
        _ => text(&[folder, folder, "", folder, "2"]), // at removal
    };
    match table {
        "Component" | "FeatureComponents" | "Registry" | "RemoveFile" => folders().map(of_folder).collect(),
        // In the order of the cabinet, which is that of the keys.
        "File" => {
            let mut files: Vec<_> = files.files().map(|(path, bytes)| (key(path), path, bytes)).collect();
            files.sort();
            let row = |(number, (key, path, bytes)): (usize, &(String, &str, &[u8]))| {
                let (folder, name) = path.rsplit_once('/').unwrap_or((TOP, path));
                let name = format!("F{number}|{name}"); // the name on a disk that knows short ones only
                text(&[key, folder, &name, &bytes.len().to_string(), "", "", "512", &number.to_string()])
            };
            (1..).zip(&files).map(row).collect()
        }
        _ => Vec::new(),
    }
}

/// A table as text.
pub struct Table {
    /// Its name.
    pub name: String,
    /// In the form that `msiinfo export` prints.
    pub text: String,
}

impl Table {
    fn read(text: &str) -> Result<Self> {
        let name =
            text.lines().nth(2).and_then(|line| line.split('\t').next()).context("no name of a table")?;
        Ok(Self { name: name.to_owned(), text: text.to_owned() })
    }

    fn write(&self, package: &mut Package<Cursor<Vec<u8>>>) -> Result<()> {
        let mut lines = self.text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let mut head = || lines.next().with_context(|| format!("the table {} has no head", self.name));
        let (names, types, keys) = (head()?, head()?, head()?);
        let columns =
            names.iter().zip(&types).map(|(name, kind)| column(name, kind, keys[1..].contains(name)));
        package.create_table(&*self.name, columns.collect::<Result<Vec<_>>>()?)?;
        for row in lines {
            let values = row.iter().zip(&types).map(|(cell, kind)| value(cell, kind));
            let row =
                values.collect::<Result<Vec<_>>>().with_context(|| format!("{}: {row:?}", self.name))?;
            package.insert_rows(Insert::into(&*self.name).row(row))?;
        }
        Ok(())
    }
}

/// A column by its type: a letter, which is a capital where nothing may stand, and a width.
fn column(name: &str, kind: &str, is_key: bool) -> Result<Column> {
    let (letter, width) = kind.split_at(1);
    let mut column = Column::build(name);
    if letter.to_uppercase() == letter {
        column = column.nullable();
    }
    if is_key {
        column = column.primary_key();
    }
    Ok(match (letter.to_lowercase().as_str(), width) {
        ("i", "2") => column.int16(),
        ("i", "4") => column.int32(),
        ("s", width) => column.category(Category::Text).string(width.parse()?),
        ("l", width) => column.localizable().category(Category::Text).string(width.parse()?),
        _ => bail!("{kind} is no type of a column"),
    })
}

fn value(cell: &str, kind: &str) -> Result<Value> {
    Ok(match kind.to_lowercase().as_bytes() {
        _ if cell.is_empty() => Value::Null,
        [b'i', ..] => Value::Int(cell.parse()?),
        _ => Value::Str(cell.to_owned()),
    })
}

/// A path as an identifier of the database.
fn key(path: &str) -> String {
    path.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "_")
}

/// The three numbers that the Windows Installer compares.
fn numbers(version: &Version) -> String {
    format!("{}.{}.{}", version.major, version.minor, version.patch)
}

/// The identifier of a version. winget recognises what is installed by it.
pub fn product(version: &Version) -> String {
    braced(identifier(&format!("product {version}")))
}

fn identifier(name: &str) -> Uuid {
    Uuid::new_v5(&UPGRADE, name.as_bytes())
}

/// As the database writes it.
fn braced(uuid: Uuid) -> String {
    uuid.braced().to_string().to_uppercase()
}
