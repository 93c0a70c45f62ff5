//! A *tree*: files at their places, with the folders they need. What a bundle holds, before it is bytes.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use tar::{Builder, EntryType, Header};

/// Files by path, relative to the top and with `/` on every OS.
#[derive(Clone, Debug, Default)]
pub struct Tree(BTreeMap<String, Node>);

/// A file or a folder.
#[derive(Clone, Debug)]
pub enum Node {
    /// A folder that stands above a file.
    Folder,
    /// A file.
    File {
        /// Its permission bits.
        mode: u32,
        /// Its content.
        bytes: Vec<u8>,
    },
}

impl Tree {
    /// Puts a file at `path`, below folders that come to be.
    ///
    /// # Errors
    /// Something is there already: two files of a bundle never share a place.
    pub fn add(&mut self, path: &str, mode: u32, bytes: Vec<u8>) -> Result<()> {
        for (end, _) in path.match_indices('/') {
            self.0.entry(path[..end].to_owned()).or_insert(Node::Folder);
        }
        match self.0.insert(path.to_owned(), Node::File { mode, bytes }) {
            None => Ok(()),
            Some(_) => bail!("two files for {path}"),
        }
    }

    /// Everything in it by path, a folder before what it holds.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The files alone: path, content.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.nodes().filter_map(|(path, node)| match node {
            Node::Folder => None,
            Node::File { bytes, .. } => Some((path, bytes.as_slice())),
        })
    }

    /// As an uncompressed tar archive: owner root, every time `epoch`, sorted, each path behind `prefix`.
    ///
    /// With a prefix of `./` there is an entry for the top itself, as dpkg expects it.
    ///
    /// # Errors
    /// A path does not fit into a plain header.
    pub fn tar(&self, prefix: &str, epoch: u64) -> Result<Vec<u8>> {
        let mut archive = Builder::new(Vec::new());
        if !prefix.is_empty() {
            archive.append(&header(prefix, EntryType::Directory, 0o755, 0, epoch)?, [].as_slice())?;
        }
        for (path, node) in self.nodes() {
            match node {
                Node::Folder => {
                    let path = format!("{prefix}{path}/");
                    archive.append(&header(&path, EntryType::Directory, 0o755, 0, epoch)?, [].as_slice())?;
                }
                Node::File { mode, bytes } => {
                    let path = format!("{prefix}{path}");
                    let header = header(&path, EntryType::Regular, *mode, bytes.len() as u64, epoch)?;
                    archive.append(&header, bytes.as_slice())?;
                }
            }
        }
        Ok(archive.into_inner()?)
    }
}

/// The name is written by hand: the crate would drop the `./` that dpkg's own archives have.
fn header(path: &str, kind: EntryType, mode: u32, size: u64, epoch: u64) -> Result<Header> {
    let mut header = Header::new_gnu();
    let name = &mut header.as_old_mut().name;
    ensure!(path.len() < name.len(), "{path} is too long for a plain tar header");
    name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root")?;
    header.set_groupname("root")?;
    header.set_mtime(epoch);
    header.set_cksum();
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_before_what_they_hold_and_nothing_stands_twice() {
        let mut tree = Tree::default();
        tree.add("usr/share/x", 0o644, vec![1]).unwrap();
        tree.add("usr/bin/x", 0o755, vec![2, 3]).unwrap();
        assert_eq!(tree.add("usr/bin/x", 0o755, vec![]).unwrap_err().to_string(), "two files for usr/bin/x");
        let bytes = tree.tar("./", 7).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries: Vec<_> = archive.entries().unwrap().map(Result::unwrap).collect();
        let names: Vec<_> =
            entries.iter().map(|e| String::from_utf8_lossy(&e.path_bytes()).into_owned()).collect();
        assert_eq!(names, ["./", "./usr/", "./usr/bin/", "./usr/bin/x", "./usr/share/", "./usr/share/x"]);
        for entry in &entries {
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 7));
        }
        assert_eq!(entries[3].header().mode().unwrap(), 0o755);
    }
}
