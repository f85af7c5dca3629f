//! A kernel file that is read again and again: kept open and read at offset 0 where the kernel regenerates its text at
//! each read (procfs, sysfs, cgroups), reopened elsewhere. One buffer, grown once.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::root::{Root, fault};
use crate::model::fault::Fault;

/// More than any kernel file that is read here holds; a longer one is cut.
const MOST: usize = 4 << 20;

/// One file, its descriptor and its buffer.
#[derive(Debug)]
pub struct Reread {
    path: PathBuf,
    kept: Option<File>,
    buffer: Vec<u8>,
    /// The kernel makes its text in one piece: what does not fill the buffer is all of it.
    in_one_piece: bool,
}

impl Reread {
    /// A file under a root; nothing is opened yet.
    #[must_use]
    pub fn new(root: &Root, relative: impl AsRef<Path>) -> Self {
        Reread { path: root.path(relative), kept: None, buffer: Vec::new(), in_one_piece: false }
    }

    /// The same for a file that the kernel makes in one piece, as those of control groups are: asking whether more comes
    /// would be half of the cost.
    #[must_use]
    pub fn in_one_piece(root: &Root, relative: impl AsRef<Path>) -> Self {
        Reread { in_one_piece: true, ..Reread::new(root, relative) }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text now.
    ///
    /// # Errors
    /// As the system gives them; the next call reopens the file.
    pub fn read(&mut self) -> io::Result<&[u8]> {
        if let Some(file) = &self.kept {
            // A device that went away and came back, or a namespace that ended, needs a new descriptor.
            match fill(file, &mut self.buffer, self.in_one_piece) {
                Ok(length) => return Ok(&self.buffer[..length]),
                Err(_) => self.kept = None,
            }
        }
        let file = File::open(&self.path)?;
        let length = fill(&file, &mut self.buffer, self.in_one_piece)?;
        if made_at_each_read(&file) {
            self.kept = Some(file);
        }
        Ok(&self.buffer[..length])
    }

    /// Lets the descriptor go; the next reading reopens the file.
    pub fn close(&mut self) {
        self.kept = None;
    }

    /// The file's figures.
    ///
    /// # Errors
    /// [`Fault::Absent`] or [`Fault::Denied`] as the system says, [`Fault::Broken`] with `rule` where `parse` finds none.
    pub fn figures<T>(&mut self, rule: &str, parse: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, Fault> {
        match self.read().map(parse) {
            Ok(Some(figures)) => Ok(figures),
            Ok(None) => Err(Fault::Broken(format!("{}: {rule}", self.path.display()))),
            Err(e) => Err(fault(&self.path, &e, "run as root, or where this file may be read")),
        }
    }
}

/// Reads to the end from offset 0; the buffer's length is its capacity.
fn fill(file: &File, buffer: &mut Vec<u8>, in_one_piece: bool) -> io::Result<usize> {
    let mut length = 0;
    loop {
        if buffer.len() - length < 64 {
            if buffer.len() >= MOST {
                return Ok(length);
            }
            buffer.resize((buffer.len() * 2).max(512), 0);
        }
        match file.read_at(&mut buffer[length..], length as u64) {
            Ok(0) => return Ok(length),
            Ok(n) => {
                length += n;
                if in_one_piece && length < buffer.len() {
                    return Ok(length);
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// True on kernel filesystems. FUSE (lxcfs over `/proc/meminfo`) and plain files are reopened.
fn made_at_each_read(file: &File) -> bool {
    const PROC: u64 = 0x9fa0;
    const SYSFS: u64 = 0x6265_6572;
    const CGROUP: u64 = 0x0027_e0eb;
    const CGROUP2: u64 = 0x6367_7270;
    // The field's width differs between architectures.
    rustix::fs::fstatfs(file)
        .is_ok_and(|s| u64::try_from(s.f_type).is_ok_and(|t| matches!(t, PROC | SYSFS | CGROUP | CGROUP2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_file_that_was_replaced_is_seen() {
        let folder = tempfile::tempdir().expect("folder");
        let mut file = Reread::new(&Root::new(folder.path()), "stat");
        assert_eq!(file.read().expect_err("none yet").kind(), io::ErrorKind::NotFound);
        std::fs::write(folder.path().join("new"), "one").expect("write");
        std::fs::rename(folder.path().join("new"), folder.path().join("stat")).expect("rename");
        assert_eq!(file.read().expect("there"), b"one");
        let long = "x".repeat(5000);
        std::fs::write(folder.path().join("new"), &long).expect("write");
        std::fs::rename(folder.path().join("new"), folder.path().join("stat")).expect("rename");
        assert_eq!(file.read().expect("there"), long.as_bytes());
        assert!(file.kept.is_none());
    }

    #[test]
    fn a_file_in_one_piece_is_read_whole_however_long_it_is() {
        let folder = tempfile::tempdir().expect("folder");
        let mut file = Reread::in_one_piece(&Root::new(folder.path()), "stat");
        for length in [0, 1, 511, 512, 513, 5000, 3] {
            let text = "x".repeat(length);
            std::fs::write(folder.path().join("stat"), &text).expect("write");
            assert_eq!(file.read().expect("there"), text.as_bytes());
        }
    }

    #[test]
    fn a_kernel_file_stays_open_and_is_read_whole_each_time() {
        let mut file = Reread::new(&Root::default(), "proc/filesystems");
        let first = file.read().expect("procfs").to_vec();
        assert_eq!(first, std::fs::read("/proc/filesystems").expect("procfs"));
        if file.kept.is_some() {
            assert_eq!(file.read().expect("procfs"), first);
        }
    }

    #[test]
    fn a_file_without_end_is_cut() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("long");
        std::fs::File::create(&path).and_then(|file| file.set_len((4 << 20) + 9)).expect("a file");
        let mut file = Reread::new(&Root::new(folder.path()), "long");
        assert_eq!(file.path(), path);
        assert_eq!(file.read().expect("there").len(), 4 << 20);
    }

    #[test]
    fn a_file_that_was_let_go_is_opened_again() {
        let mut file = Reread::new(&Root::default(), "proc/self/stat");
        file.read().expect("procfs");
        file.close();
        assert!(file.kept.is_none());
        assert!(!file.read().expect("procfs").is_empty());
    }

    #[test]
    fn figures_are_parsed_or_a_fault() {
        let folder = tempfile::tempdir().expect("folder");
        let mut file = Reread::new(&Root::new(folder.path()), "load");
        let place = folder.path().join("load").display().to_string();
        let mut figures = || file.figures("no number in it", |text| std::str::from_utf8(text).ok()?.parse::<u8>().ok());
        assert_eq!(figures(), Err(Fault::Absent(format!("no {place}"))));
        std::fs::write(folder.path().join("load"), "7").expect("write");
        assert_eq!(figures(), Ok(7));
        std::fs::write(folder.path().join("load"), "many").expect("write");
        assert_eq!(figures(), Err(Fault::Broken(format!("{place}: no number in it"))));
    }
}
