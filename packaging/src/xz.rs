//! *xz* (xz-file-format.txt 1.2): a stream is a header, *blocks* that are compressed each by itself, an index of them
//! and a footer. So the block of a program can stand in the archive of one format and in that of another, and is
//! compressed once: [`Shared`] keeps it for all formats of a payload. Any reader of xz reads such a stream, for one that
//! was compressed by several threads is made so too.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, anyhow};
use flate2::Crc;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use crate::checksums::sha256;
use crate::tree::Tree;

/// What a packager says of it: the level, above which only memory grows for inputs smaller than its window.
pub const LEVEL: u32 = 6;

/// The window of that level, in bytes.
const WINDOW: usize = 8 << 20;

/// A file in an archive from this size on gets a block of its own, in bytes.
const LARGE: usize = 256 << 10;

/// The blocks of large files, by the hash of what is in them.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<BTreeMap<String, Block>>>);

/// A part of a stream, and what the index says of it.
#[derive(Clone, Debug)]
struct Block {
    bytes: Vec<u8>,
    record: Vec<u8>,
}

/// Compresses an archive of this tree, of whatever format, as `xz -6` would.
///
/// # Errors
/// Not enough memory.
pub fn xz(archive: &[u8], tree: &Tree, shared: &Shared) -> Result<Vec<u8>> {
    let blocks: Result<Vec<Block>> =
        pieces(archive, tree).into_iter().map(|piece| shared.block(piece)).collect();
    Ok(stream(&blocks?))
}

/// A large file each, and what is before, between and behind them.
fn pieces<'a>(archive: &'a [u8], tree: &Tree) -> Vec<&'a [u8]> {
    let (mut pieces, mut rest) = (Vec::new(), archive);
    for (_, file) in tree.files().filter(|(_, bytes)| bytes.len() >= LARGE) {
        if let Some(start) = rest.windows(file.len()).position(|part| part == file) {
            let (before, from) = rest.split_at(start);
            let (large, behind) = from.split_at(file.len());
            pieces.extend([before, large]);
            rest = behind;
        }
    }
    pieces.push(rest);
    pieces
}

impl Shared {
    /// Who asks for a large one that is being compressed waits for it.
    fn block(&self, piece: &[u8]) -> Result<Block> {
        if piece.len() < LARGE {
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
        let mut stream = of_one_block(piece)?;
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

/// A stream as liblzma makes it. Its window, which memory and time go into, is no larger than what is compressed.
fn of_one_block(piece: &[u8]) -> Result<Vec<u8>> {
    let mut options = LzmaOptions::new_preset(LEVEL)?;
    options.dict_size(u32::try_from(piece.len().clamp(4096, WINDOW))?);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let encoder = Stream::new_stream_encoder(&filters, Check::Crc64)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), encoder);
    encoder.write_all(piece)?;
    Ok(encoder.finish()?)
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
    use crate::bundle::cpio::cpio;

    fn tree(program: &[u8]) -> Tree {
        let mut tree = Tree::default();
        tree.add("a", 0o644, b"text".to_vec()).unwrap();
        tree.add("bin/program", 0o755, program.into()).unwrap();
        tree.add("z", 0o644, b"more text".to_vec()).unwrap();
        tree
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
        let tree = tree(&program);
        for archive in [tree.tar("./", 7).unwrap(), cpio(&tree, 7).unwrap()] {
            assert_eq!(pieces(&archive, &tree).len(), 3);
            assert!(decoded(&xz(&archive, &tree, &shared).unwrap()) == archive);
        }
        assert_eq!(shared.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn an_archive_of_small_files_is_what_liblzma_makes_of_it() {
        let tree = tree(b"small");
        let archive = tree.tar("", 7).unwrap();
        assert_eq!(xz(&archive, &tree, &Shared::default()).unwrap(), of_one_block(&archive).unwrap());
    }
}
