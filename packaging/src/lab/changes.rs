//! What a machine's files became: the upper folder of its overlay *is* what differs from the image.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// One file, folder, link or device as it is in a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `f`ile, `d`irectory, `l`ink, or another kind.
    pub kind: char,
    /// Permission bits.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
    /// The target of a link.
    pub target: Option<PathBuf>,
    /// A hash of the content of a file.
    pub content: Option<u64>,
}

/// All that differs from the image, at one moment.
#[derive(Clone, Debug)]
pub struct Changes {
    /// What is there by its path in the machine; `None` where the image's own was removed.
    entries: BTreeMap<PathBuf, Option<Entry>>,
    layers: Vec<PathBuf>,
}

impl Changes {
    pub(super) fn of(upper: &Path, layers: &[PathBuf]) -> Result<Self> {
        let mut entries = BTreeMap::new();
        walk(upper, upper, &mut entries)?;
        Ok(Self { entries, layers: layers.to_vec() })
    }

    /// What became different after `before`: a line a path (`+` new, `-` gone, `~` changed, and how),
    /// leaving out what lies in one of the folders `aside` and folders that only got new entries.
    ///
    /// # Errors
    /// A file of the image can't be read.
    pub fn since(&self, before: &Self, aside: &[&str]) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let paths =
            self.entries.keys().chain(before.entries.keys().filter(|path| !self.entries.contains_key(*path)));
        for path in paths.filter(|path| !aside.iter().any(|folder| path.starts_with(folder))) {
            let (now, then) = (self.at(path)?, before.at(path)?);
            match (then, now) {
                (then, now) if then == now => {}
                (None, Some(now)) => lines.push(format!("+ {} ({now:?})", path.display())),
                (Some(_), None) => lines.push(format!("- {}", path.display())),
                (then, now) => lines.push(format!("~ {}: {then:?} became {now:?}", path.display())),
            }
        }
        lines.sort_by(|a, b| a[2..].cmp(&b[2..]));
        Ok(lines)
    }

    /// What was at this path: as changed, else as in the image.
    fn at(&self, path: &Path) -> Result<Option<Entry>> {
        if let Some(entry) = self.entries.get(path) {
            return Ok(entry.clone());
        }
        for layer in &self.layers {
            let file = layer.join(path.strip_prefix("/").unwrap_or(path));
            if file.symlink_metadata().is_ok() {
                return entry(&file);
            }
        }
        Ok(None)
    }
}

fn walk(upper: &Path, folder: &Path, entries: &mut BTreeMap<PathBuf, Option<Entry>>) -> Result<()> {
    for file in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = file?.path();
        let Ok(entry) = entry(&path) else { continue }; // gone meanwhile: the machine runs
        let is_folder = entry.as_ref().is_some_and(|entry| entry.kind == 'd');
        entries.insert(Path::new("/").join(path.strip_prefix(upper).unwrap_or(&path)), entry);
        if is_folder {
            walk(upper, &path, entries)?;
        }
    }
    Ok(())
}

/// What is at this path of a layer; none for the mark that something below was removed.
fn entry(path: &Path) -> Result<Option<Entry>> {
    let meta = path.symlink_metadata().with_context(|| format!("look at {}", path.display()))?;
    let kind = meta.file_type();
    if kind.is_char_device() && meta.rdev() == 0 {
        return Ok(None);
    }
    let letter = match () {
        () if kind.is_file() => 'f',
        () if kind.is_dir() => 'd',
        () if kind.is_symlink() => 'l',
        () => '?',
    };
    let content = |path| -> Result<u64> {
        let mut hasher = DefaultHasher::new();
        fs::read(path).with_context(|| format!("read {path:?}"))?.hash(&mut hasher);
        Ok(hasher.finish())
    };
    Ok(Some(Entry {
        kind: letter,
        mode: meta.mode() & 0o7777,
        owner: (meta.uid(), meta.gid()),
        target: if letter == 'l' { Some(fs::read_link(path)?) } else { None },
        content: if letter == 'f' { Some(content(path)?) } else { None },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn every_difference_is_a_line_and_the_image_is_what_it_is_compared_with() {
        let lab = tempfile::tempdir().unwrap();
        let [layer, upper] = ["layer", "upper"].map(|name| lab.path().join(name));
        for folder in [&layer, &upper] {
            fs::create_dir_all(folder.join("etc")).unwrap();
        }
        fs::write(layer.join("etc/same"), "as it was").unwrap();
        fs::write(layer.join("etc/other"), "as it was").unwrap();
        let layers = [layer];
        let before = Changes::of(&upper, &layers).unwrap();
        assert_eq!(before.since(&before, &[]).unwrap(), [""; 0]);

        fs::write(upper.join("etc/same"), "as it was").unwrap();
        fs::write(upper.join("etc/other"), "changed").unwrap();
        fs::write(upper.join("etc/new"), "").unwrap();
        fs::set_permissions(upper.join("etc/new"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("nowhere", upper.join("etc/link")).unwrap();
        fs::create_dir(upper.join("aside")).unwrap();
        fs::write(upper.join("aside/noise"), "").unwrap();
        let after = Changes::of(&upper, &layers).unwrap();
        let lines = after.since(&before, &["/aside"]).unwrap();
        let begins: Vec<String> =
            lines.iter().map(|line| line.split([' ', ':']).take(2).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(begins, ["+ /etc/link", "+ /etc/new", "~ /etc/other"]);
    }
}
