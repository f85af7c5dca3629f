//! `/proc` by one descriptor: small files are opened relative to it and read at once into a reused buffer. Three calls
//! a file; `std::fs::read` would make seven.

use std::ffi::CStr;

use rustix::{
    buffer::spare_capacity,
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, Mode, OFlags},
    io::Errno,
};

use crate::{
    model::fault::Fault,
    sys::root::{Root, fault},
};

/// More than any file read here needs: longer command lines are cut.
const MOST: usize = 4096;

/// The folder and the buffer.
pub(super) struct Folder {
    proc: OwnedFd,
    buffer: Vec<u8>,
}

impl Folder {
    /// Opens `proc` under a root.
    pub(super) fn open(root: &Root) -> Result<Self, Fault> {
        let path = root.path("proc");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let proc = rustix::fs::open(&path, flags, Mode::empty())
            .map_err(|e| fault(&path, &e.into(), "mount procfs there, or name another folder with --root"))?;
        Ok(Folder { proc, buffer: Vec::with_capacity(MOST) })
    }

    /// The same folder with its own buffer, for another thread.
    ///
    /// # Errors
    /// As the system gives them: no more descriptors.
    pub(super) fn again(&self) -> std::io::Result<Self> {
        Ok(Folder { proc: self.proc.try_clone()?, buffer: Vec::with_capacity(MOST) })
    }

    /// The folder itself.
    pub(super) fn fd(&self) -> impl AsFd + '_ {
        &self.proc
    }

    /// The beginning of a file.
    ///
    /// # Errors
    /// As the system gives them; `NOENT` and `SRCH` for a process that ended.
    pub(super) fn read(&mut self, path: &Path) -> Result<&[u8], Errno> {
        let file = rustix::fs::openat(&self.proc, path.c_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        self.buffer.clear();
        rustix::io::read(&file, spare_capacity(&mut self.buffer))?;
        Ok(&self.buffer)
    }

    /// A folder below, for listing.
    ///
    /// # Errors
    /// As the system gives them.
    pub(super) fn folder(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.proc, path.c_str(), flags, Mode::empty())
    }

    /// The inode of a process's folder, cut; `None` where there is none of this number.
    pub(super) fn inode(&self, pid: u32) -> Option<u32> {
        rustix::fs::statat(&self.proc, Path::of(pid, b"").c_str(), AtFlags::empty()).ok().map(|s| s.st_ino as u32)
    }

    /// Effective user id of a process: the owner of its folder.
    pub(super) fn owner(&self, pid: u32) -> Option<u32> {
        rustix::fs::statat(&self.proc, Path::of(pid, b"").c_str(), AtFlags::empty()).ok().map(|s| s.st_uid)
    }
}

/// `PID/name` or `PID/task/TID/name`, put together without the heap.
pub(super) struct Path {
    bytes: [u8; 48],
    length: usize,
}

impl Path {
    /// `pid` with `tail` behind it (`/stat`).
    pub(super) fn of(pid: u32, tail: &[u8]) -> Self {
        Path { bytes: [0; 48], length: 0 }.digits(pid).with(tail)
    }

    /// A thread's file.
    pub(super) fn of_thread(tgid: u32, tid: u32, tail: &[u8]) -> Self {
        Path::of(tgid, b"/task/").digits(tid).with(tail)
    }

    fn with(mut self, tail: &[u8]) -> Self {
        // One byte stays for the end.
        let space = self.bytes.len() - 1 - self.length;
        let tail = &tail[..tail.len().min(space)];
        self.bytes[self.length..self.length + tail.len()].copy_from_slice(tail);
        self.length += tail.len();
        self
    }

    fn digits(self, number: u32) -> Self {
        self.with(itoa::Buffer::new().format(number).as_bytes())
    }

    fn c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_together_whole() {
        assert_eq!(Path::of(0, b"/stat").c_str(), c"0/stat");
        assert_eq!(Path::of_thread(u32::MAX, 4_194_304, b"/stat").c_str(), c"4294967295/task/4194304/stat");
        assert_eq!(Path::of(907, b"").c_str(), c"907");
    }

    #[test]
    fn a_folder_that_is_missing_is_an_absent_source() {
        let empty = tempfile::tempdir().expect("folder");
        assert!(matches!(Folder::open(&Root::new(empty.path())), Err(Fault::Absent(_))));
    }
}
