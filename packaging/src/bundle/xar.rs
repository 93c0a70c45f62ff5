//! The `xar` archive that a .pkg is: a header, a compressed table of contents in XML, and the files one after the
//! other (github.com/apple-oss-distributions/xar, `xar/include/xar.h.in` and the wiki page "xarformat").

use std::fmt::Write;

use anyhow::Result;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use jiff::Timestamp;
use sha1::{Digest, Sha1};

use crate::tree::{Node, Tree};

/// The hash of the table stands first, before the files.
const HASH: usize = 20;

/// A tree as an archive, owned by root and wheel, each time `epoch`.
///
/// # Errors
/// `epoch` is no time.
pub fn xar(tree: &Tree, epoch: u64) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let table = table(tree, &mut body, Timestamp::from_second(i64::try_from(epoch)?)?)?;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut encoder, table.as_bytes())?;
    let compressed = encoder.finish()?;

    let mut archive = b"xar!".to_vec();
    archive.extend(28_u16.to_be_bytes()); // size of this header
    archive.extend(1_u16.to_be_bytes()); // version
    archive.extend((compressed.len() as u64).to_be_bytes());
    archive.extend((table.len() as u64).to_be_bytes());
    archive.extend(1_u32.to_be_bytes()); // the hash of the table is SHA-1's
    archive.extend(&compressed);
    archive.extend(Sha1::digest(&compressed));
    archive.extend(body);
    Ok(archive)
}

/// The table of contents. What it tells the places of goes to `body`.
fn table(tree: &Tree, body: &mut Vec<u8>, time: Timestamp) -> Result<String> {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xar><toc>\n\
         <checksum style=\"sha1\"><offset>0</offset><size>{HASH}</size></checksum>\n\
         <creation-time>{time}</creation-time>\n"
    );
    let mut open: Vec<String> = Vec::new(); // the folders that the next file stands in
    for (number, (path, node)) in (1..).zip(tree.nodes()) {
        while open.last().is_some_and(|folder| !path.starts_with(folder)) {
            open.pop();
            xml += "</file>\n";
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let owner = "<user>root</user><group>wheel</group><uid>0</uid><gid>0</gid>";
        write!(xml, "<file id=\"{number}\"><name>{name}</name>{owner}<mtime>{time}</mtime>")?;
        match node {
            Node::Folder => {
                xml += "<type>directory</type><mode>0755</mode>\n";
                open.push(format!("{path}/"));
            }
            Node::File { mode, bytes } => {
                let (offset, size) = (HASH + body.len(), bytes.len());
                let hash: String = Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                writeln!(
                    xml,
                    "<type>file</type><mode>{mode:04o}</mode><data><length>{size}</length>\
                     <offset>{offset}</offset><size>{size}</size><encoding style=\"application/octet-stream\"/>\
                     <extracted-checksum style=\"sha1\">{hash}</extracted-checksum>\
                     <archived-checksum style=\"sha1\">{hash}</archived-checksum></data></file>"
                )?;
                body.extend(bytes);
            }
        }
    }
    xml += &"</file>\n".repeat(open.len());
    xml += "</toc></xar>\n";
    Ok(xml)
}
