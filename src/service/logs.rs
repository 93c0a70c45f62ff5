//! The bot's *lines*: the last of a file without reading the rest of it, and those that follow, over rotation.
//!
//! Two files become one stream by a simple order. Of what was said before, the file that was written to last comes
//! last; of what is said from now on, whatever is there first comes first. Nothing is added but a line break where
//! one file speaks in the middle of a line of the other.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::effects::file::{self, Id};
use crate::host::log_files::rotation::{FILES, earlier};

const BLOCK: usize = 64 * 1024;

/// The files of a stream, and how far each was read.
pub struct Lines(Vec<Reader>);

/// A file that rotates, read up to here.
struct Reader {
    path: PathBuf,
    file: Option<File>,
    /// There was nothing in it yet.
    was_empty: bool,
}

/// A sink that keeps the end of what it hears: a block at least, two at most.
#[derive(Default)]
pub struct End(Vec<u8>);

/// A sink that several write to, and where the line stands.
struct Joined<'a> {
    sink: &'a mut dyn Write,
    speaker: usize,
    in_line: Option<usize>,
}

impl Lines {
    /// Copies the last `lines` lines of each file and its predecessors to `sink`. One that is not there yet has none.
    ///
    /// Memory is bounded by one block, however large the files or their lines are.
    ///
    /// # Errors
    /// A file can't be read, or the sink refuses.
    pub fn last(paths: &[PathBuf], lines: u64, sink: &mut dyn Write) -> io::Result<Self> {
        let mut paths = paths.to_vec();
        paths.sort_by_key(|path| changed(path));
        let mut joined = Joined { sink, speaker: 0, in_line: None };
        let mut readers = Vec::new();
        for (number, path) in paths.into_iter().enumerate() {
            joined.speaker = number;
            readers.push(Reader::last(path, lines, &mut joined)?);
        }
        joined.flush()?;
        Ok(Self(readers))
    }

    /// Nothing was ever said.
    pub fn are_none(&self) -> bool {
        self.0.iter().all(|reader| reader.was_empty)
    }

    /// Copies what comes after that, for ever, like `tail -F`: a file that was cut is read from its start, one that is
    /// missing is waited for, and one that was replaced is read to its end before its successor.
    ///
    /// # Errors
    /// A file can't be read, or the sink refuses, such as a closed pipe.
    pub fn follow(mut self, sink: &mut dyn Write) -> io::Result<()> {
        let mut joined = Joined { sink, speaker: 0, in_line: None };
        loop {
            self.copy_new_joined(&mut joined)?;
            // No portable event tells of appended lines; four looks a second are what a reader can tell apart.
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// Copies what has come after that.
    ///
    /// # Errors
    /// A file can't be read, or the sink refuses.
    pub fn copy_new(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        self.copy_new_joined(&mut Joined { sink, speaker: 0, in_line: None })
    }

    fn copy_new_joined(&mut self, joined: &mut Joined<'_>) -> io::Result<()> {
        for (number, reader) in self.0.iter_mut().enumerate() {
            joined.speaker = number;
            reader.copy_new(joined)?;
        }
        joined.flush()
    }
}

/// When the file was written to last; none if it is not there.
fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|found| found.modified()).ok()
}

impl Reader {
    fn last(path: PathBuf, lines: u64, sink: &mut dyn Write) -> io::Result<Self> {
        let (mut left, mut parts, mut was_empty) = (lines, Vec::new(), true);
        for number in 0..FILES {
            match file::open_regular(&earlier(&path, number)) {
                Ok(mut file) => {
                    let end = file.seek(SeekFrom::End(0))?;
                    was_empty &= end == 0;
                    let start = start_of_last(&mut file, end, &mut left)?;
                    file.seek(SeekFrom::Start(start))?;
                    parts.push((number, file));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            if left == 0 {
                break;
            }
        }
        for (_, file) in parts.iter_mut().rev() {
            io::copy(file, sink)?;
        }
        let file = parts.into_iter().next().filter(|(number, _)| *number == 0).map(|(_, file)| file);
        Ok(Self { path, file, was_empty })
    }

    fn copy_new(&mut self, sink: &mut dyn Write) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            if file.metadata()?.len() < file.stream_position()? {
                file.rewind()?;
            }
            io::copy(file, sink)?;
        }
        while let Some(next) = self.successor() {
            // Nothing is written to it any more, as it has no name that is written to.
            if let Some(mut rest) = self.file.replace(next) {
                io::copy(&mut rest, sink)?;
            }
            if let Some(file) = &mut self.file {
                io::copy(file, sink)?;
            }
        }
        Ok(())
    }

    /// The file that was begun after the one that is read, if one was.
    fn successor(&self) -> Option<File> {
        let is_read = |number: u32| {
            let there = file::open_regular(&earlier(&self.path, number)).and_then(|there| Id::of(&there));
            let read = self.file.as_ref().map(Id::of).transpose();
            matches!((there, read), (Ok(there), Ok(Some(read))) if there == read)
        };
        match (0..FILES).find(|number| is_read(*number)) {
            Some(0) => None,
            Some(number) => file::open_regular(&earlier(&self.path, number - 1)).ok(),
            None => file::open_regular(&self.path).ok(),
        }
    }
}

impl End {
    /// The last so many lines of it.
    pub fn lines(&self, count: usize) -> &[u8] {
        let lines = self.0.split_inclusive(|byte| *byte == b'\n');
        let length: usize = lines.rev().take(count).map(<[u8]>::len).sum();
        &self.0[self.0.len() - length..]
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(BLOCK);
        if self.0.len() + length > 2 * BLOCK {
            self.0.drain(..self.0.len() - BLOCK);
        }
        self.0.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Joined<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.in_line.is_some_and(|speaker| speaker != self.speaker) && !bytes.is_empty() {
            self.sink.write_all(b"\n")?;
        }
        self.sink.write_all(bytes)?;
        match bytes.last() {
            Some(b'\n') => self.in_line = None,
            Some(_) => self.in_line = Some(self.speaker),
            None => {}
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Where the last `left` lines of the first `end` bytes begin, found by reading blocks backwards; `left` is what is
/// missing to so many.
fn start_of_last(file: &mut File, end: u64, left: &mut u64) -> io::Result<u64> {
    if *left == 0 || end == 0 {
        return Ok(end);
    }
    let mut block = vec![0; BLOCK];
    let mut position = end;
    while position > 0 {
        let size = position.min(BLOCK as u64);
        position -= size;
        let part = &mut block[..usize::try_from(size).unwrap_or(BLOCK)];
        file.seek(SeekFrom::Start(position))?;
        file.read_exact(part)?;
        for (index, _) in part.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let start = position + index as u64 + 1;
            if start == end {
                continue; // the break that ends the last line begins none
            }
            *left -= 1;
            if *left == 0 {
                return Ok(start);
            }
        }
    }
    *left -= 1;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    /// A folder with these files.
    fn files(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| std::fs::write(dir.path().join(name), text).unwrap());
        let path = dir.path().join("log");
        (dir, path)
    }

    fn last_of(paths: &[PathBuf], lines: u64) -> (Lines, String) {
        let mut sink = Vec::new();
        let read = Lines::last(paths, lines, &mut sink).unwrap();
        (read, String::from_utf8(sink).unwrap())
    }

    fn last(text: &[u8], lines: u64) -> String {
        let (_dir, path) = files(&[("log", text)]);
        last_of(&[path], lines).1
    }

    /// What comes next, as one look of `follow` finds it.
    fn next(lines: &mut Lines) -> String {
        let mut sink = Vec::new();
        lines.copy_new(&mut sink).unwrap();
        String::from_utf8(sink).unwrap()
    }

    fn say(path: &Path, text: &str) {
        std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn the_end_of_what_was_said_is_kept_in_two_blocks() {
        let mut end = End::default();
        end.write_all(b"one\ntwo\nthree").unwrap();
        let shown = |end: &End, count| String::from_utf8(end.lines(count).to_vec()).unwrap();
        assert_eq!([0, 2, 9].map(|count| shown(&end, count)), ["", "two\nthree", "one\ntwo\nthree"]);
        (0..100_000).for_each(|number| writeln!(end, " {number}").unwrap());
        assert_eq!(shown(&end, 1), " 99999\n");
        assert!(end.0.len() <= 2 * BLOCK);
    }

    #[test]
    fn the_last_lines_are_those_of_tail() {
        assert_eq!(last(b"a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(last(b"a\nb\nc", 2), "b\nc");
        assert_eq!(last(b"a\nb\n", 9), "a\nb\n");
        assert_eq!(last(b"a\n\n\n", 2), "\n\n");
        assert_eq!(last(b"a\n", 0), "");
        assert_eq!(last(b"", 5), "");
        let long = format!("{}\n{}\nend\n", "x".repeat(BLOCK), "y".repeat(3 * BLOCK));
        assert_eq!(last(long.as_bytes(), 2), format!("{}\nend\n", "y".repeat(3 * BLOCK)));
    }

    #[test]
    fn lines_that_are_not_in_the_file_any_more_are_in_the_one_before() {
        let (_dir, path) = files(&[("log.2", b"1\n2\n"), ("log.1", b"3\n4\n"), ("log", b"5\n")]);
        assert_eq!(last_of(from_ref(&path), 4).1, "2\n3\n4\n5\n");
        std::fs::remove_file(&path).unwrap(); // it has just become full
        let (mut lines, text) = last_of(from_ref(&path), 1);
        assert_eq!(text, "4\n");
        std::fs::write(&path, "5\n").unwrap();
        assert_eq!(next(&mut lines), "5\n");
    }

    #[test]
    fn the_file_that_was_written_to_last_comes_last() {
        let (dir, out) = files(&[("log", b"out 1\nout 2\n"), ("err", b"err 1\nerr 2")]);
        let paths = [out.clone(), dir.path().join("err")];
        let at = |path: &Path, seconds| {
            let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        };
        at(&paths[0], 1);
        at(&paths[1], 2);
        assert_eq!(last_of(&paths, 1).1, "out 2\nerr 2");
        at(&paths[0], 3);
        assert_eq!(last_of(&paths, 1).1, "err 2\nout 2\n", "and begins a line of its own");
    }

    #[test]
    fn nothing_is_lost_or_told_twice_over_rotations() {
        let (dir, path) = files(&[("log", b"1\n")]);
        let (mut lines, _) = last_of(from_ref(&path), 9);
        say(&path, "2\n");
        assert_eq!((next(&mut lines), next(&mut lines)), ("2\n".into(), String::new()));
        say(&path, "3\n");
        for (from, to) in [("log", "log.1"), ("log.1", "log.2")] {
            std::fs::rename(dir.path().join(from), dir.path().join(to)).unwrap();
        }
        std::fs::write(dir.path().join("log.1"), "4\n").unwrap();
        std::fs::write(&path, "5\n").unwrap();
        assert_eq!(next(&mut lines), "3\n4\n5\n");
        std::fs::write(&path, "").unwrap();
        assert_eq!(next(&mut lines), "");
        say(&path, "6\n");
        assert_eq!(next(&mut lines), "6\n");
        std::fs::rename(&path, dir.path().join("taken")).unwrap();
        assert_eq!(next(&mut lines), "");
        std::fs::write(&path, "7\n").unwrap();
        assert_eq!(next(&mut lines), "7\n");
    }
}
