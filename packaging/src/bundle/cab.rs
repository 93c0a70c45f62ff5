//! The *cabinet* in an .msi (MS-CAB): a header, one folder, the files that are in it, and their bytes in blocks of up
//! to 32 KiB (MS-MCI, "MSZIP"). A block may repeat what stands in the one before it, and needs nothing else: so they are
//! compressed at once, on all processors, and are the same however many there are.

use std::thread;

use anyhow::{Context, Result, anyhow};
use flate2::{Compress, Compression, FlushCompress};

use super::zip::dos_time;
use crate::tree::Tree;

/// How many bytes are compressed to a block.
const BLOCK: usize = 32 << 10;

/// The files of a tree by their paths, each time `epoch`.
///
/// # Errors
/// It is too large for a cabinet; `epoch` is no time.
pub fn cab(tree: &Tree, epoch: u64) -> Result<Vec<u8>> {
    let files: Vec<(&str, &[u8])> = tree.files().collect();
    let blocks = blocks(&files.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>().concat())?;
    let list = list(&files, epoch)?;
    let first_file = 36 + 8;
    let first_block = first_file + list.len();
    let size = first_block + blocks.iter().map(Vec::len).sum::<usize>();
    let mut cabinet = b"MSCF".to_vec();
    cabinet.extend([[0; 4], u32(size)?, [0; 4], u32(first_file)?, [0; 4]].as_flattened());
    cabinet.extend([[3, 1], u16(1)?, u16(files.len())?, [0; 2], [0; 2], [0; 2]].as_flattened()); // version 1.3
    cabinet.extend(u32(first_block)?);
    cabinet.extend([u16(blocks.len())?, [1, 0]].as_flattened()); // by MSZIP
    cabinet.extend(list);
    cabinet.extend(blocks.concat());
    Ok(cabinet)
}

/// What is said of each file: size, place in the folder, its number, time, and that it is an ordinary one.
fn list(files: &[(&str, &[u8])], epoch: u64) -> Result<Vec<u8>> {
    let time = dos_time(epoch)?;
    let [date, clock] = [time.datepart(), time.timepart()].map(u16::to_le_bytes);
    let (mut list, mut place) = (Vec::new(), 0);
    for (name, bytes) in files {
        list.extend([u32(bytes.len())?, u32(place)?].as_flattened());
        list.extend([[0; 2], date, clock, [0x20, 0]].as_flattened());
        list.extend([name.as_bytes(), &[0]].concat());
        place += bytes.len();
    }
    Ok(list)
}

fn blocks(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let starts: Vec<usize> = (0..bytes.len()).step_by(BLOCK).collect();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let parts = thread::scope(|scope| {
        let part =
            |starts: &[usize]| starts.iter().map(|start| block(bytes, *start)).collect::<Result<Vec<_>>>();
        let parts = starts.chunks(starts.len().div_ceil(processors).max(1));
        let parts: Vec<_> = parts.map(|starts| scope.spawn(move || part(starts))).collect();
        parts
            .into_iter()
            .map(|it| it.join().map_err(|_| anyhow!("a block was not compressed"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    Ok(parts.concat())
}

/// A block behind its header: checksum, size, and size of what is in it.
fn block(bytes: &[u8], start: usize) -> Result<Vec<u8>> {
    let (before, piece) = bytes[..bytes.len().min(start + BLOCK)].split_at(start);
    let mut block = Vec::with_capacity(2 * BLOCK);
    block.extend(b"CK");
    let mut compressor = Compress::new(Compression::best(), false);
    if !before.is_empty() {
        compressor.set_dictionary(&before[before.len() - BLOCK..])?;
    }
    compressor.compress_vec(piece, &mut block, FlushCompress::Finish)?;
    let size = u16(piece.len())?;
    let as_it_is = [b"CK\x01", &size[..], &size.map(|byte| !byte), piece].concat();
    if block.len() > as_it_is.len() {
        block = as_it_is;
    }
    let sizes = [u16(block.len())?, size].concat();
    Ok([&(checksum(&block) ^ checksum(&sizes)).to_le_bytes()[..], &sizes, &block].concat())
}

/// Four bytes at a time; of what is left over the last byte counts least.
fn checksum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks_exact(4);
    let rest = words.remainder().iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    words.fold(rest, |sum, word| sum ^ u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

fn u32(value: usize) -> Result<[u8; 4]> {
    Ok(u32::try_from(value).context("too large for a cabinet")?.to_le_bytes())
}

fn u16(value: usize) -> Result<[u8; 2]> {
    Ok(u16::try_from(value).context("too many for a cabinet")?.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fill_a_word_counts() {
        // As cabinets of Windows have it.
        assert_eq!(checksum(b"\x0e\0\x0e\0Hello, world!\n"), 0x7f2e_1a4c);
        assert_eq!(checksum(b"\x01\x02\x03"), 0x01_02_03);
    }
}
