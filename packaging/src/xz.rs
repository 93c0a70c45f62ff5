//! *xz* (xz-file-format.txt 1.2): a stream is a header, *blocks* that are compressed each by itself, an index of them
//! and a footer. So the block of a program can stand in the archive of one format and in that of another, and is
//! compressed once: [`Shared`] keeps it for all formats of a payload. Any reader of xz reads such a stream, for one that
//! was compressed by several threads is made so too.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, anyhow};
use flate2::Crc;
use liblzma::stream::{Check, Stream};
use liblzma::write::XzEncoder;
use tar::Archive;

use crate::checksums::sha256;

/// A file in an archive from this size on gets a block of its own, in bytes.
const LARGE: u64 = 1 << 20;

/// The blocks of large files, by the hash of what is in them.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<BTreeMap<String, Block>>>);

/// A part of a stream, and what the index says of it.
#[derive(Clone, Debug)]
struct Block {
    bytes: Vec<u8>,
    record: Vec<u8>,
}

/// Compresses a tar archive as `xz -6` would: above it only memory grows, for inputs smaller than its window of 8 MiB.
///
/// # Errors
/// Not enough memory; it is no tar archive.
pub fn xz(archive: &[u8], shared: &Shared) -> Result<Vec<u8>> {
    let blocks: Result<Vec<Block>> = pieces(archive)?.into_iter().map(|piece| shared.block(piece)).collect();
    Ok(stream(&blocks?))
}

/// A large file each, and what is before, between and behind them.
fn pieces(archive: &[u8]) -> Result<Vec<&[u8]>> {
    let (mut pieces, mut rest) = (Vec::new(), 0);
    for entry in Archive::new(archive).entries()? {
        let entry = entry?;
        if entry.size() >= LARGE {
            let start = usize::try_from(entry.raw_file_position())?;
            let end = start + usize::try_from(entry.size())?;
            pieces.extend([&archive[rest..start], &archive[start..end]]);
            rest = end;
        }
    }
    pieces.push(&archive[rest..]);
    Ok(pieces)
}

impl Shared {
    /// Who asks for a large one that is being compressed waits for it.
    fn block(&self, piece: &[u8]) -> Result<Block> {
        if (piece.len() as u64) < LARGE {
            return Block::of(piece);
        }
        let mut blocks = self.0.lock().map_err(|_| anyhow!("another format was not compressed"))?;
        let key = sha256(piece);
        if let Some(block) = blocks.get(&key) {
            return Ok(block.clone());
        }
        let block = Block::of(piece)?;
        blocks.insert(key, block.clone());
        Ok(block)
    }
}

/// How long the header and the footer are, each.
const ENDS: usize = 12;

impl Block {
    /// Taken out of a stream that has no other.
    fn of(piece: &[u8]) -> Result<Self> {
        let encoder = Stream::new_easy_encoder(6, Check::Crc64)?;
        let mut encoder = XzEncoder::new_stream(Vec::new(), encoder);
        encoder.write_all(piece)?;
        let mut stream = encoder.finish()?;
        let footer = stream.len() - ENDS;
        let words = u32::from_le_bytes(stream[footer + 4..footer + 8].try_into()?) + 1;
        let mut index = stream.split_off(footer - 4 * usize::try_from(words)?);
        // A zero, the count, and a record: two numbers, of which only the last byte each is below 128.
        let end =
            (2..index.len()).filter(|&at| index[at] < 0x80).nth(1).context("an index without a record")?;
        index.truncate(end + 1);
        Ok(Self { record: index.split_off(2), bytes: stream.split_off(ENDS) })
    }
}

/// One stream of some blocks, of which there are fewer than 128.
fn stream(blocks: &[Block]) -> Vec<u8> {
    const FLAGS: [u8; 2] = [0, 4]; // each block ends with a CRC64
    let mut stream = [b"\xfd7zXZ\0".as_slice(), &FLAGS, &crc32(&FLAGS)].concat();
    let mut index = vec![0, u8::try_from(blocks.len()).unwrap_or(u8::MAX)];
    for block in blocks {
        stream.extend_from_slice(&block.bytes);
        index.extend_from_slice(&block.record);
    }
    index.resize(index.len().next_multiple_of(4), 0);
    index.extend(crc32(&index));
    let words = u32::try_from(index.len() / 4 - 1).unwrap_or(u32::MAX);
    let end = [words.to_le_bytes().as_slice(), &FLAGS].concat();
    [stream, index, crc32(&end).to_vec(), end, b"YZ".to_vec()].concat()
}

fn crc32(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use liblzma::read::XzDecoder;

    use super::*;
    use crate::tree::Tree;

    fn archive(prefix: &str, program: &[u8]) -> Vec<u8> {
        let mut tree = Tree::default();
        tree.add("a", 0o644, b"text".to_vec()).unwrap();
        tree.add("bin/program", 0o755, program.into()).unwrap();
        tree.add("z", 0o644, b"more text".to_vec()).unwrap();
        tree.tar(prefix, 7).unwrap()
    }

    fn decoded(stream: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        XzDecoder::new(stream).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_large_file_of_two_archives_is_compressed_once() {
        let shared = Shared::default();
        let program: Vec<u8> = (0..LARGE + 7).map(|at| (at / 3 % 251) as u8).collect();
        for prefix in ["", "./"] {
            let archive = archive(prefix, &program);
            assert!(decoded(&xz(&archive, &shared).unwrap()) == archive);
        }
        assert_eq!(shared.0.lock().unwrap().len(), 1);
        assert_eq!(pieces(&archive("", &program)).unwrap().len(), 3);
    }

    #[test]
    fn an_archive_of_small_files_is_what_xz_makes_of_it() {
        let archive = archive("", b"small");
        let encoder = Stream::new_easy_encoder(6, Check::Crc64).unwrap();
        let mut encoder = XzEncoder::new_stream(Vec::new(), encoder);
        encoder.write_all(&archive).unwrap();
        assert_eq!(xz(&archive, &Shared::default()).unwrap(), encoder.finish().unwrap());
    }
}
