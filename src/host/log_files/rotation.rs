//! A *log file* that stays small: when it is full it becomes `NAME.1`, what was that `NAME.2`, and so on.
//!
//! Nothing that happens to the disk stops its writer. What the disk refuses is lost, and the file says how much
//! as soon as it takes lines again.

use std::fs::{File, remove_file, rename, symlink_metadata};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::effects::file::Id;
use crate::host::os;

/// How large one file becomes.
pub const LIMIT: u64 = 5 << 20;
/// How many there are, with the one that is written to.
pub const FILES: u32 = 5;

/// The file at `path` as it was `number` rotations ago; at 0 the one that is written to.
pub fn earlier(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// A log file and its predecessors.
pub struct LogFile {
    path: PathBuf,
    open: Option<Open>,
    lost: Option<Lost>,
}

struct Open {
    file: File,
    id: Id,
    size: u64,
}

/// What could not be written, and why it began.
struct Lost {
    bytes: u64,
    why: String,
}

impl LogFile {
    /// The file at `path`. It is opened, or made, when there is something to write, and again when somebody took
    /// it away.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None, lost: None }
    }

    /// Appends these bytes, whatever they are. Files change at the end of a line, where one has room for a line.
    pub fn append(&mut self, bytes: &[u8]) {
        let Some(lost) = self.lost.take() else {
            let mut rest = bytes;
            if let Err(error) = self.write(&mut rest) {
                self.lost = Some(Lost { bytes: rest.len() as u64, why: error.to_string() });
            }
            return;
        };
        // Both or none: a disk that is nearly full has room for our words again and again, and for no others.
        let before = self.open.as_ref().map(|open| open.size);
        let both = [lost.said().as_bytes(), bytes].concat();
        if self.write(&mut both.as_slice()).is_err() {
            if let (Some(open), Some(before)) = (&mut self.open, before) {
                open.cut(&self.path, before);
            }
            self.lost = Some(Lost { bytes: lost.bytes + bytes.len() as u64, ..lost });
        }
    }

    fn write(&mut self, rest: &mut &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            let open = self.open()?;
            let part = part(open.size, rest);
            if part == 0 {
                self.rotate()?;
                continue;
            }
            match open.file.write(&rest[..part]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    open.size += written as u64;
                    *rest = &rest[written..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The file that others find at the path.
    fn open(&mut self) -> io::Result<&mut Open> {
        match self.open.take().filter(|open| Id::at(&self.path) == Some(open.id)) {
            Some(open) => Ok(self.open.insert(open)),
            None => Ok(self.open.insert(Open::at(&self.path)?)),
        }
    }

    /// Makes room. Where the names can't be changed the file is emptied: it stays small, whatever happens.
    fn rotate(&mut self) -> io::Result<()> {
        // A rename over a file would have ext4 write out the new one at once (ext4(5), auto_da_alloc).
        let _not_there_yet = remove_file(earlier(&self.path, FILES - 1));
        let renamed: Vec<_> = (0..FILES - 1)
            .rev()
            .map(|number| rename(earlier(&self.path, number), earlier(&self.path, number + 1)))
            .collect(); // those that are not there yet fail
        match (renamed.last(), self.open.take()) {
            (Some(Err(_)), Some(open)) => os::cut_log(&open.file, &self.path, 0),
            _ => Ok(()),
        }
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        if symlink_metadata(path).is_ok_and(|found| !os::is_plain(&found)) {
            remove_file(path)?; // a link or a fifo is not ours
        }
        let file = os::open_log(path)?;
        Ok(Self { id: Id::of(&file)?, size: file.metadata()?.len(), file })
    }

    fn cut(&mut self, path: &Path, size: u64) {
        if size < self.size && os::cut_log(&self.file, path, size).is_ok() {
            self.size = size;
        }
    }
}

impl Lost {
    fn said(&self) -> String {
        format!("\nductor: {} bytes are missing here: {}\n", self.bytes, self.why)
    }
}

/// How much of `bytes` goes into a file of this size: all, or what ends with a line, or nothing. A line that no
/// file has room for is cut.
fn part(size: u64, bytes: &[u8]) -> usize {
    let room = usize::try_from(LIMIT.saturating_sub(size)).unwrap_or(usize::MAX);
    if bytes.len() <= room {
        return bytes.len();
    }
    let line = bytes[..room].iter().rposition(|&byte| byte == b'\n').map(|at| at + 1);
    line.unwrap_or(if size == 0 { room } else { 0 })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn log() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/service.log");
        (dir, path)
    }

    /// Everything that is kept, the oldest first, and the size of each file.
    fn kept(path: &Path) -> (Vec<u8>, Vec<u64>) {
        let files = (0..2 * FILES).rev().filter_map(|number| fs::read(earlier(path, number)).ok());
        let files: Vec<Vec<u8>> = files.collect();
        (files.concat(), files.iter().map(|file| file.len() as u64).collect())
    }

    #[test]
    fn nothing_is_lost_while_there_is_room_and_files_change_between_lines() {
        let (_dir, path) = log();
        let line = |number: u32| format!("{number:099}\n");
        let all: String = (0..200_000).map(line).collect();
        let mut log = LogFile::new(&path);
        all.as_bytes().chunks(60_000).for_each(|bytes| log.append(bytes));
        let (text, sizes) = kept(&path);
        assert!(text == all.as_bytes(), "what is kept is what was said");
        assert!(sizes.len() == 4 && sizes.iter().all(|size| size % 100 == 0 && *size <= LIMIT), "{sizes:?}");
    }

    #[test]
    fn five_files_of_five_mebibytes_are_all_that_is_ever_there() {
        let (_dir, path) = log();
        let mut log = LogFile::new(&path);
        let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).filter(|byte| *byte != b'\n').collect();
        (0..40).for_each(|_| log.append(&bytes));
        let (text, sizes) = kept(&path);
        assert_eq!((sizes.len(), sizes.iter().max().unwrap() <= &LIMIT), (5, true), "{sizes:?}");
        assert!(text.ends_with(&bytes));
    }

    #[test]
    fn a_line_that_no_file_has_room_for_is_cut() {
        let (_dir, path) = log();
        let line = vec![b'x'; 12 << 20];
        let mut log = LogFile::new(&path);
        log.append(&line);
        let (text, sizes) = kept(&path);
        assert!(text == line && sizes == [LIMIT, LIMIT, 2 << 20], "{sizes:?}");
    }

    #[test]
    fn what_a_host_before_wrote_is_kept_and_counts() {
        let (_dir, path) = log();
        LogFile::new(&path).append(&vec![b'a'; 5 << 20]);
        LogFile::new(&path).append(b"b\n");
        assert_eq!(kept(&path).1, [LIMIT, 2]);
        LogFile::new(&path).append(b"c\n");
        assert_eq!(fs::read(&path).unwrap(), b"b\nc\n");
    }

    #[test]
    fn planted_names_are_not_followed() {
        let (dir, path) = log();
        let victim = dir.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        fs::create_dir(dir.path().join("logs")).unwrap();
        let plants: [fn(&Path, &Path); 3] = [
            |victim, path| symlink(victim, path).unwrap(),
            |victim, path| fs::hard_link(victim, path).unwrap(),
            |_, path| assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success()),
        ];
        for plant in plants {
            plant(&victim, &path);
            plant(&victim, &earlier(&path, 1));
            let mut log = LogFile::new(&path);
            log.append(b"said\n");
            assert_eq!(fs::read(&path).unwrap(), b"said\n");
            log.append(&vec![b'x'; 5 << 20]);
            assert_eq!(fs::read(earlier(&path, 1)).unwrap(), b"said\n");
            assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
            (0..2).for_each(|number| fs::remove_file(earlier(&path, number)).unwrap());
        }
    }

    #[test]
    fn only_its_user_reads_it() {
        let (dir, path) = log();
        fs::create_dir(dir.path().join("logs")).unwrap();
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        LogFile::new(&path).append(b"said");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_taken_away_is_made_anew() {
        let (dir, path) = log();
        let mut log = LogFile::new(&path);
        log.append(b"one");
        fs::remove_dir_all(dir.path().join("logs")).unwrap();
        log.append(b"two");
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn what_is_lost_is_told_once_it_can_be() {
        let (dir, path) = log();
        fs::write(dir.path().join("logs"), "in the way").unwrap();
        let mut log = LogFile::new(&path);
        ["one", "two"].into_iter().for_each(|word| log.append(word.as_bytes()));
        fs::remove_file(dir.path().join("logs")).unwrap();
        ["three\n", "four\n"].into_iter().for_each(|word| log.append(word.as_bytes()));
        let why = "Not a directory (os error 20)";
        let told = format!("\nductor: 6 bytes are missing here: {why}\nthree\nfour\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), told);
    }

    #[test]
    fn a_name_that_can_not_be_changed_costs_lines_and_no_space() {
        let (_dir, path) = log();
        fs::create_dir_all(earlier(&path, 1).join("in the way")).unwrap();
        for number in 2..FILES {
            fs::create_dir_all(earlier(&path, number).join("in the way")).unwrap();
        }
        let mut log = LogFile::new(&path);
        (0..7).for_each(|_| log.append(&vec![b'x'; 1 << 20]));
        assert_eq!(path.metadata().unwrap().len(), 2 << 20);
    }
}
