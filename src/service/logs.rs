//! The bot's *lines*: the last of a file without reading the rest of it, and those that follow, over rotation.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use crate::effects::file::Id;

const BLOCK: usize = 64 * 1024;

/// Copies the last `lines` lines of the file at `path` to `sink`. The offset behind them.
///
/// Memory is bounded by one block, however large the file or its lines are.
///
/// # Errors
/// The file can't be read, or the sink refuses.
pub fn tail(path: &Path, lines: u32, sink: &mut dyn Write) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let end = file.seek(SeekFrom::End(0))?;
    let start = start_of_last(&mut file, end, lines)?;
    file.seek(SeekFrom::Start(start))?;
    copy(&mut file, sink)?;
    file.stream_position()
}

/// Where the last `lines` lines of the first `end` bytes begin, found by reading blocks backwards.
fn start_of_last(file: &mut File, end: u64, lines: u32) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let (mut left, mut position) = (u64::from(lines), end);
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
            left = left.saturating_sub(1);
            if left == 0 {
                return Ok(start);
            }
        }
    }
    Ok(if lines == 0 { end } else { 0 })
}

/// Copies what comes after `offset`, for ever, like `tail -F`: a file that was replaced or cut is read from its
/// start, one that is missing is waited for.
///
/// # Errors
/// The sink refuses, such as a closed pipe.
pub fn follow(path: &Path, mut offset: u64, sink: &mut dyn Write) -> io::Result<()> {
    let mut open = File::open(path).ok();
    loop {
        if let Some(file) = &mut open {
            if file.metadata()?.len() < offset {
                offset = 0;
            }
            file.seek(SeekFrom::Start(offset))?;
            copy(file, sink)?;
            offset = file.stream_position()?;
        }
        // No portable event tells of appended lines; four looks a second are what a reader can tell apart.
        std::thread::sleep(Duration::from_millis(250));
        if !open.as_ref().is_some_and(|file| is_at(file, path)) {
            if let Some(mut rest) = open.take() {
                copy(&mut rest, sink)?;
            }
            open = File::open(path).ok();
            offset = 0;
        }
    }
}

fn copy(file: &mut File, sink: &mut dyn Write) -> io::Result<()> {
    io::copy(file, sink)?;
    sink.flush()
}

/// Whether the open file is still the one that the path names.
fn is_at(file: &File, path: &Path) -> bool {
    let named = File::open(path).and_then(|named| Id::of(&named));
    named.is_ok_and(|named| Id::of(file).is_ok_and(|open| open == named))
}

/// A sink that makes control sequences harmless: C0 but line breaks and tabs, DEL, and C1 in its UTF-8 form.
pub struct Harmless<W> {
    sink: W,
    /// The first byte of a C1 character was seen, the second decides.
    perhaps_c1: bool,
}

impl<W> Harmless<W> {
    /// Around this sink.
    pub fn new(sink: W) -> Self {
        Self { sink, perhaps_c1: false }
    }

    /// What it was made around.
    pub fn into_inner(self) -> W {
        self.sink
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut safe = Vec::with_capacity(bytes.len());
        for byte in bytes {
            match (std::mem::take(&mut self.perhaps_c1), byte) {
                (true, 0x80..=0x9f) => safe.push(b'?'),
                (true, _) => safe.extend([0xc2, *byte]),
                (false, 0xc2) => self.perhaps_c1 = true,
                (false, b'\n' | b'\t' | b'\r') => safe.push(*byte),
                (false, 0..=31 | 127) => safe.extend([b'^', byte ^ 64]),
                (false, _) => safe.push(*byte),
            }
        }
        self.sink.write_all(&safe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &[u8], lines: u32) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, text).unwrap();
        let mut sink = Vec::new();
        assert_eq!(tail(&path, lines, &mut sink).unwrap(), text.len() as u64);
        String::from_utf8(sink).unwrap()
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
    fn control_sequences_are_harmless_and_text_is_untouched() {
        let mut sink = Harmless::new(Vec::new());
        sink.write_all("\x1b[2J[/home/me] 日本 §\t\x7f\u{9b}2J\n".as_bytes()).unwrap();
        assert_eq!(sink.sink, "^[[2J[/home/me] 日本 §\t^??2J\n".as_bytes());
    }
}
