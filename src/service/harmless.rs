//! *Harmless*: what a bot says, without what a terminal would obey. Agents repeat what strangers write.

use std::io::{self, Write};

/// The same words for a terminal, which obeys nothing in them.
pub fn harmless(said: &[u8]) -> Vec<u8> {
    let mut sink = Harmless::new(Vec::new());
    let _infallible = sink.write_all(said);
    sink.into_inner()
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
            if std::mem::take(&mut self.perhaps_c1) {
                if matches!(byte, 0x80..=0x9f) {
                    safe.push(b'?');
                    continue;
                }
                safe.push(0xc2);
            }
            match byte {
                0xc2 => self.perhaps_c1 = true,
                b'\n' | b'\t' | b'\r' => safe.push(*byte),
                0..=31 | 127 => safe.extend([b'^', byte ^ 64]),
                _ => safe.push(*byte),
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

    #[test]
    fn control_sequences_are_harmless_and_text_is_untouched() {
        let mut sink = Harmless::new(Vec::new());
        sink.write_all("\x1b[2J[/home/me] 日本 §\t\x7f\u{9b}2J\n".as_bytes()).unwrap();
        assert_eq!(sink.sink, "^[[2J[/home/me] 日本 §\t^??2J\n".as_bytes());
    }

    #[test]
    fn half_a_character_hides_no_control_sequence() {
        let shown = |bytes: &[u8]| {
            let mut sink = Harmless::new(Vec::new());
            sink.write_all(bytes).unwrap();
            sink.sink
        };
        assert_eq!(shown(b"\xc2\x1b[2J"), b"\xc2^[[2J");
        assert_eq!(shown(b"\xc2\xc2\x9b2J"), b"\xc2?2J");
    }
}
