//! JSON that a terminal may be shown: what could steer or fool it is written as `\\u…`, and read back as what it was.

use std::io::{self, Write};

use crate::text::is_hostile;

/// Writes JSON on. Control characters below U+0080 are escaped in it already.
pub struct Escaping<W>(pub W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let escapes = |c: char| !c.is_ascii() && is_hostile(c);
        match std::str::from_utf8(bytes) {
            Ok(text) if !bytes.is_ascii() && text.contains(escapes) => {
                let mut out = String::with_capacity(text.len() + 16);
                for c in text.chars() {
                    if escapes(c) {
                        c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
                    } else {
                        out.push(c);
                    }
                }
                self.0.write_all(out.as_bytes())?;
            }
            // serde_json writes whole letters; should it ever cut one, it passes as it is.
            _ => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_and_steers_nothing() {
        let name = "a\u{1b}]52;c;AA\u{7}\u{9b}2J\u{202e}\u{e0041}é日\n";
        let mut out = Vec::new();
        serde_json::to_writer(Escaping(&mut out), &[name]).expect("written");
        let written = String::from_utf8(out).expect("text");
        assert!(!written.chars().any(is_hostile) && written.contains("é日"), "{written}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&written).expect("JSON"), [name]);
    }
}
