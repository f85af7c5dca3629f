//! A tar archive of a few small files, as an engine imports it ("POSIX ustar"). An image for a benchmark is one program and
//! links to it: that is no reason for a crate.

/// Files are padded to whole blocks.
const BLOCK: usize = 512;

/// Kinds of entries.
const FILE: u8 = b'0';
const LINK: u8 = b'2';
const FOLDER: u8 = b'5';

/// An archive under way.
#[derive(Default)]
pub struct Archive(Vec<u8>);

impl Archive {
    pub fn folder(mut self, name: &str, mode: u32) -> Self {
        self.header(&format!("{name}/"), mode, 0, FOLDER, "");
        self
    }

    pub fn file(mut self, name: &str, mode: u32, content: &[u8]) -> Self {
        self.header(name, mode, content.len(), FILE, "");
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// A symbolic link.
    pub fn link(mut self, name: &str, target: &str) -> Self {
        self.header(name, 0o777, 0, LINK, target);
        self
    }

    /// The whole of it.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }

    /// All is root's, and as old as time: the same content makes the same archive.
    fn header(&mut self, name: &str, mode: u32, size: usize, kind: u8, target: &str) {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, name);
        put(100, &format!("{mode:07o}"));
        put(108, "0000000");
        put(116, "0000000");
        put(124, &format!("{size:011o}"));
        put(136, "00000000000");
        // The sum is made with blanks in its own place.
        put(148, "        ");
        put(157, target);
        put(257, "ustar\x0000");
        block[156] = kind;
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&block);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn tar_reads_it() {
        let archive =
            Archive::default().folder("bin", 0o755).file("bin/a", 0o755, &[7; 700]).link("bin/b", "a").finish();
        let mut tar = Command::new("tar");
        let tar = tar.args(["-tv", "--numeric-owner"]).env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut tar = tar.spawn().expect("tar");
        tar.stdin.take().expect("its input").write_all(&archive).expect("written");
        let said = tar.wait_with_output().expect("ended");
        let list = String::from_utf8_lossy(&said.stdout);
        let list: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            list,
            [
                vec!["drwxr-xr-x", "0/0", "0", "1970-01-01", "00:00", "bin/"],
                vec!["-rwxr-xr-x", "0/0", "700", "1970-01-01", "00:00", "bin/a"],
                vec!["lrwxrwxrwx", "0/0", "0", "1970-01-01", "00:00", "bin/b", "->", "a"],
            ]
        );
    }
}
