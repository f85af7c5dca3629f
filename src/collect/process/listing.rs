//! Lists processes: the numeric names of a folder, sorted, by `getdents64` into one large buffer.

use std::mem::MaybeUninit;

use rustix::{
    fd::AsFd,
    fs::{FileType, RawDir, SeekFrom},
    io::Errno,
};

/// Enough for about 1,300 entries a call.
const CAPACITY: usize = 32 << 10;

/// One numeric name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    /// The number.
    pub(super) pid: u32,
    /// Its inode, truncated: procfs gives a new process a new one, even for a reused pid.
    pub(super) inode: u32,
}

/// The names of the newest listing.
pub(super) struct Listing {
    buffer: Vec<MaybeUninit<u8>>,
    /// Sorted by pid.
    pub(super) names: Vec<Listed>,
    /// Folders without a numeric name.
    pub(super) other_folders: u32,
}

impl Listing {
    /// An empty list.
    pub(super) fn new() -> Self {
        Listing { buffer: vec![MaybeUninit::uninit(); CAPACITY], names: Vec::new(), other_folders: 0 }
    }

    /// Lists a folder from its beginning.
    ///
    /// # Errors
    /// As the system gives them.
    pub(super) fn read(&mut self, folder: impl AsFd) -> Result<(), Errno> {
        let folder = folder.as_fd();
        rustix::fs::seek(folder, SeekFrom::Start(0))?;
        self.names.clear();
        self.other_folders = 0;
        let mut entries = RawDir::new(folder, &mut self.buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            match number(entry.file_name().to_bytes()) {
                Some(pid) => self.names.push(Listed { pid, inode: entry.ino() as u32 }),
                None if entry.file_type() == FileType::Directory => self.other_folders += 1,
                None => {}
            }
        }
        // procfs lists in order, a plain folder need not.
        if !self.names.is_sorted_by_key(|n| n.pid) {
            self.names.sort_unstable_by_key(|n| n.pid);
        }
        Ok(())
    }
}

/// A process id: digits only, no leading zero.
fn number(name: &[u8]) -> Option<u32> {
    if name.is_empty() || name[0] == b'0' || name.len() > 9 {
        return None;
    }
    name.iter().try_fold(0u32, |n, &b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_processes_in_order() {
        let folder = tempfile::tempdir().expect("folder");
        for name in ["31", "4", "1000", "self", "12a", "007", "sys"] {
            std::fs::create_dir(folder.path().join(name)).expect("mkdir");
        }
        let open = std::fs::File::open(folder.path()).expect("open");
        let mut listing = Listing::new();
        for _ in 0..2 {
            listing.read(&open).expect("list");
            assert_eq!(listing.names.iter().map(|n| n.pid).collect::<Vec<_>>(), [4, 31, 1000]);
        }
    }
}
