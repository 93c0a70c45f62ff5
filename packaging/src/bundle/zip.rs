//! The `.zip` archive of Windows. Its files stand at the top, as cargo-dist's install script expects them.

use std::io::{Cursor, Write};

use anyhow::Result;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use semver::Version;
use zip::write::{ExtendedFileOptions, FileOptions};
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use super::{BSDTAR, Format};
use crate::layout;
use crate::payload::Payload;
use crate::release::{NAME, Release};
use crate::target::Target;
use crate::tree::{Node, Tree};

/// `ductor-x86_64-pc-windows-gnu.zip`
pub const FORMAT: Format = Format {
    name: "zip",
    description: "Archive",
    install: None,
    file,
    pack,
    tree,
    reader: BSDTAR,
    scripts: &[],
};

/// The extra field that holds a time in seconds since 1970 (Info-ZIP's `extrafld.txt`, "UT"), for the format's own
/// is in even seconds of a time zone that nobody knows.
const TIME: u16 = 0x5455;

fn file(_: &Version, target: &Target) -> String {
    format!("{NAME}-{}.zip", target.triple)
}

fn pack(release: &Release, payload: &Payload) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, node) in tree(release, payload)?.nodes() {
        match node {
            Node::Folder => archive.add_directory(path, options(release.epoch)?.unix_permissions(0o755))?,
            Node::File { mode, bytes } => {
                archive.start_file(path, options(release.epoch)?.unix_permissions(*mode))?;
                archive.write_all(bytes)?;
            }
        }
    }
    Ok(archive.finish()?.into_inner())
}

fn tree(_: &Release, payload: &Payload) -> Result<Tree> {
    layout::archive(payload, "")
}

fn options(epoch: u64) -> Result<FileOptions<'static, 'static, ExtendedFileOptions>> {
    let utc = Timestamp::from_second(i64::try_from(epoch)?)?.to_zoned(TimeZone::UTC).datetime();
    let mut options = FileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .system(System::Unix) // permissions are its
        .last_modified_time(DateTime::try_from(utc).unwrap_or_default());
    let time = [&[1][..], &u32::try_from(epoch)?.to_le_bytes()].concat();
    options.add_extra_field(TIME, time, false)?;
    Ok(options)
}
