//! One run at a time on a machine, whoever started it: a lock on a file, which the kernel releases when its holder ends,
//! however it ends. The file is empty, opened for reading and never followed or written, so that a link or another
//! file that somebody put in its place does no harm. Users who may not create it in one folder meet in another: all
//! that can be locked are locked.

use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, fchmod, flock},
    io::Errno,
};

pub use crate::sys::bench_lock::folders;
use crate::{
    sys::{
        bench_lock::{self, NAME},
        root::Root,
    },
    units::span,
};

/// Anybody may lock it, and say by its time since when.
const MODE: Mode = Mode::from_raw_mode(0o666);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("another benchmark is under way: {0}")]
    Held(String),
    /// There is no place for it.
    #[error("the lock that lets one benchmark run at a time could not be taken: {}", .0.join("; "))]
    NoPlace(Vec<String>),
}

/// The right to run; given back when it is dropped.
#[derive(Debug)]
pub struct Lock(Vec<File>);

impl Drop for Lock {
    fn drop(&mut self) {
        for file in &self.0 {
            // In this order: who watches the file's time then looks at a lock that is free.
            let _ = flock(file, FlockOperation::Unlock);
            touch(file);
        }
    }
}

impl Lock {
    /// Takes it in all of these folders where it can be had.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it, with its pid and since when.
    pub fn take(folders: &[PathBuf], root: &Root) -> Result<Self, LockError> {
        let (mut held, mut why) = (Vec::new(), Vec::new());
        for folder in folders {
            let path = folder.join(NAME);
            match lock(&path) {
                Ok(Some(file)) => held.push(file),
                Ok(None) => return Err(LockError::Held(holder(&path, root))),
                Err(error) => why.push(format!("{}: {error}", path.display())),
            }
        }
        if held.is_empty() { Err(LockError::NoPlace(why)) } else { Ok(Lock(held)) }
    }
}

/// Opens and locks one file; `None` when another process has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    // Whoever removes the file between the two steps leaves us with a lock that nobody else sees.
    for _ in 0..8 {
        let file = open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let own = file.metadata()?;
        if std::fs::symlink_metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (own.dev(), own.ino())) {
            touch(&file);
            return Ok(Some(file));
        }
    }
    Err(io::Error::other("it is replaced all the time"))
}

/// Opens what is there, else creates it: opening with `O_CREAT` what another user owns is refused in a sticky folder
/// ("proc_sys_fs(5)", `protected_regular`), even to root.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => match rustix::fs::openat(CWD, path, flags | OFlags::CREATE | OFlags::EXCL, MODE) {
            Ok(file) => {
                // Past the umask.
                fchmod(&file, MODE)?;
                File::from(file)
            }
            // Another one was faster.
            Err(Errno::EXIST) => File::from(rustix::fs::openat(CWD, path, flags, Mode::empty())?),
            Err(error) => return Err(error.into()),
        },
        Err(Errno::LOOP) => return Err(io::Error::other("it is a link, which is not followed")),
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// Since when it is held: the time of the file.
fn touch(file: &File) {
    let now = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    };
    // One that another user made otherwise keeps its time: then nobody says since when.
    let _ = rustix::fs::futimens(file, &now);
}

/// Who has it and since when, in words.
fn holder(path: &Path, root: &Root) -> String {
    let found = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).ok();
    let pid = found.as_ref().and_then(|found| bench_lock::holder(&root.text("proc/locks").ok()?, found.st_ino));
    let name = pid.and_then(|pid| root.line(format!("proc/{pid}/comm")));
    let who = match (pid, name) {
        (Some(pid), Some(name)) => format!("{name}, pid {pid}"),
        (Some(pid), None) => format!("pid {pid}"),
        // Its process is in another namespace.
        (None, _) => "a process that cannot be seen from here".to_owned(),
    };
    let touched = found.filter(|found| found.st_mode & 0o002 != 0).map(|found| found.st_mtime);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed();
    match touched {
        Some(since) if since <= now => {
            let ago = u64::try_from(now - since).unwrap_or(0);
            format!("{who}, for {}", span(Duration::from_secs(ago)))
        }
        _ => who,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn one_at_a_time_and_the_holder_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = [folder.path().to_owned()];
        let lock = Lock::take(&folders, &Root::default()).expect("free");
        let refused = Lock::take(&folders, &Root::default()).expect_err("held").to_string();
        assert!(refused.starts_with("another benchmark is under way: "), "{refused}");
        assert!(refused.contains(&format!("pid {}, for ", std::process::id())), "{refused}");
        let mode = std::fs::metadata(folder.path().join(NAME)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o666, "another user can take it, whatever the umask");
        drop(lock);
        Lock::take(&folders, &Root::default()).expect("free again");
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = tempfile::tempdir().expect("another");
        symlink(other.path().join("made"), folder.path().join(NAME)).expect("a link");
        let folders = [folder.path().to_owned(), other.path().to_owned()];
        let refused = Lock::take(&folders[..1], &Root::default()).expect_err("no place").to_string();
        assert!(refused.contains("it is a link"), "{refused}");
        assert!(!other.path().join("made").exists());
        Lock::take(&folders, &Root::default()).expect("the other folder will do");
    }

    #[test]
    fn a_pipe_in_its_place_does_not_hang() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        rustix::fs::mknodat(CWD, &path, rustix::fs::FileType::Fifo, 0o666.into(), 0).expect("a fifo");
        let refused = Lock::take(&[folder.path().to_owned()], &Root::default()).expect_err("no place");
        assert!(refused.to_string().contains("not a regular file"), "{refused}");
    }

    #[test]
    fn how_long_it_is_held_is_said_where_the_file_tells() {
        const UNSEEN: &str = "a process that cannot be seen from here";
        let (folder, nothing) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a root"));
        let (path, root) = (folder.path().join(NAME), Root::new(nothing.path()));
        let file = File::create(&path).expect("a file");
        let holder_since = |since: SystemTime, mode: u32| {
            file.set_modified(since).expect("a time");
            file.set_permissions(PermissionsExt::from_mode(mode)).expect("a mode");
            holder(&path, &root)
        };
        let (hours, now) = (Duration::from_secs(3 * 3600 + 30), SystemTime::now());
        assert_eq!(holder_since(now - hours, 0o666), format!("{UNSEEN}, for 3h 0m"));
        assert_eq!(holder_since(now - hours, 0o644), UNSEEN, "whoever locks it cannot touch it");
        assert_eq!(holder_since(now + hours, 0o666), UNSEEN, "the clock was set");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(holder(&path, &root), UNSEEN);
    }
}
