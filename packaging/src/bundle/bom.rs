//! The *bill of materials* in a .pkg: what macOS remembers of a package's files, and lists by lsbom(8).
//!
//! Apple has not described the format. What is known of it stands in the tutorial of hogliux/bomutils and in the crate
//! `apple-bom`, which reads ours in the tests: blocks that point to each other by number, all big-endian, behind a
//! header of 512 bytes; and five names for the blocks to start from.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use crate::tree::{Node, Tree};

const HEADER: usize = 512;

/// So many paths fit into one leaf of the tree of paths.
const LEAF: usize = 256;

/// The bill for a tree with its top, owned by root and wheel, each time `epoch`.
///
/// # Errors
/// There are more paths than one leaf holds, or `epoch` does not fit.
pub fn bom(tree: &Tree, epoch: u64) -> Result<Vec<u8>> {
    let paths = paths(tree);
    ensure!(paths.len() <= LEAF, "{} files and folders are too many for one leaf", paths.len());
    let mut store = Store { blocks: vec![Vec::new()] }; // the first is none

    // version, number of paths and one more, one entry, which nobody knows the use of
    let info = store.add(words(&[1, paths.len() + 1, 1, 0, 0, 0, 0]));

    let mut leaf = Vec::new();
    for (number, path) in (1..).zip(&paths) {
        let about = store.add(path.about(u32::try_from(epoch)?));
        let place = store.add(words(&[number, about]));
        let name = store.add([words(&[path.parent]), path.name.into(), vec![0]].concat());
        leaf.extend(words(&[place, name]));
    }
    let paths = store.tree(4096, paths.len(), &leaf);
    let links = store.tree(4096, 0, &[]);
    let versions = store.tree(128, 0, &[]);
    let versions = store.add([words(&[1, versions, 0]), vec![0]].concat());
    let large = store.tree(4096, 0, &[]);
    let names =
        [("BomInfo", info), ("Paths", paths), ("HLIndex", links), ("VIndex", versions), ("Size64", large)];
    Ok(store.write(&names))
}

/// A file or folder under its number, which is its place in the list: parents first, siblings by name.
struct Path<'a> {
    parent: usize,
    name: &'a str,
    node: &'a Node,
}

fn paths(tree: &Tree) -> Vec<Path<'_>> {
    let mut all: Vec<(&str, &Node)> = tree.nodes().collect();
    all.sort_by_key(|(path, _)| (path.matches('/').count(), *path));
    let mut numbers = BTreeMap::from([("", 1)]);
    let mut paths = vec![Path { parent: 0, name: ".", node: &Node::Folder }];
    for (path, node) in all {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        paths.push(Path { parent: numbers[folder], name, node });
        numbers.insert(path, paths.len());
    }
    paths
}

impl Path<'_> {
    /// Kind, any architecture, mode, owner, time, size, checksum, no target of a link.
    fn about(&self, time: u32) -> Vec<u8> {
        let (kind, mode, bytes) = match self.node {
            Node::Folder => (2, 0o040_755, [].as_slice()),
            Node::File { mode, bytes } => (1, 0o100_000 | *mode, bytes.as_slice()),
        };
        let sum = if kind == 1 { cksum(bytes) } else { 0 };
        let mut about = vec![kind, 1, 0, 15];
        about.extend(&mode.to_be_bytes()[2..]);
        about.extend(words(&[0, 0, time as usize, bytes.len()]));
        about.push(1);
        about.extend(words(&[sum as usize, 0]));
        about
    }
}

/// Blocks by number.
struct Store {
    blocks: Vec<Vec<u8>>,
}

impl Store {
    fn add(&mut self, block: Vec<u8>) -> usize {
        self.blocks.push(block);
        self.blocks.len() - 1
    }

    /// A tree of one leaf: the leaf says that it is one, how many pairs it has, and that it has no neighbours.
    fn tree(&mut self, block_size: usize, count: usize, leaf: &[u8]) -> usize {
        let head = [1_u16.to_be_bytes(), (count as u16).to_be_bytes()].concat();
        let leaf = self.add([head, words(&[0, 0]), leaf.into()].concat());
        self.add([b"tree".to_vec(), words(&[1, leaf, block_size, count]), vec![0]].concat())
    }

    fn write(&self, names: &[(&str, usize)]) -> Vec<u8> {
        let mut vars = words(&[names.len()]);
        for (name, block) in names {
            vars.extend(words(&[*block]));
            vars.push(name.len() as u8);
            vars.extend(name.as_bytes());
        }
        let mut index = words(&[self.blocks.len()]);
        let mut body = Vec::new();
        for block in &self.blocks {
            let start = if block.is_empty() { 0 } else { HEADER + vars.len() + body.len() };
            index.extend(words(&[start, block.len()]));
            body.extend(block);
        }
        index.extend(words(&[0, 0, 0, 0, 0])); // nothing is free
        let (used, index_at) = (self.blocks.len() - 1, HEADER + vars.len() + body.len());
        let mut file = b"BOMStore".to_vec();
        file.extend(words(&[1, used, index_at, index.len(), HEADER, vars.len()]));
        file.resize(HEADER, 0);
        [file, vars, body, index].concat()
    }
}

/// Numbers of 32 bits. What counts things in memory fits, but for files of 4 GiB.
fn words(numbers: &[usize]) -> Vec<u8> {
    numbers.iter().flat_map(|number| (*number as u32).to_be_bytes()).collect()
}

/// The checksum of cksum(1): a CRC over the bytes and then their number, least byte first.
fn cksum(bytes: &[u8]) -> u32 {
    let length = bytes.len().to_le_bytes();
    let digits = (usize::BITS - bytes.len().leading_zeros()).div_ceil(8) as usize;
    let step = |sum: u32, byte: &u8| sum << 8 ^ REMAINDERS[(sum >> 24) as usize ^ usize::from(*byte)];
    !bytes.iter().chain(&length[..digits]).fold(0, step)
}

/// What is left of each byte.
const REMAINDERS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let (mut sum, mut bit) = ((byte as u32) << 24, 0);
        while bit < 8 {
            sum = if sum & 0x8000_0000 == 0 { sum << 1 } else { sum << 1 ^ 0x04c1_1db7 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_cksum() {
        assert_eq!(cksum(b""), 4_294_967_295); // printf '' | cksum
        assert_eq!(cksum(b"123456789"), 930_766_865); // printf 123456789 | cksum
    }
}
