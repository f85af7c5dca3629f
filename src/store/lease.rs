//! Which of the programs that share a history keeps the book of alerts and sends them: one at a time, by a lock on an
//! empty file beside it, which the kernel releases however its holder ends.

use std::{fs::File, io};

use rustix::{
    fs::{CWD, FlockOperation, Mode, OFlags, flock, openat},
    io::Errno,
};

use super::{StoreError, place::Place};

/// The right to keep the book; given back when it is dropped.
#[derive(Debug)]
pub struct Lease(#[expect(dead_code, reason = "it is held open")] File);

impl Lease {
    /// Takes it; `None` where another program has it.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub fn take(place: &Place) -> Result<Option<Lease>, StoreError> {
        place.prepare(true)?;
        let path = place.file.with_extension("alerts-lock");
        let failed = |error: Errno| StoreError::of_system(&path, &io::Error::from(error));
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let opened = match openat(CWD, &path, flags, Mode::empty()) {
            Err(Errno::NOENT) => openat(CWD, &path, flags | OFlags::CREATE, Mode::from_raw_mode(0o644)),
            opened => opened,
        };
        let file = File::from(opened.map_err(failed)?);
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lease(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_free_when_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place { file: folder.path().join("state/history.db"), named: true };
        let lease = Lease::take(&place).expect("it can be made");
        assert!(lease.is_some());
        assert!(Lease::take(&place).expect("it is there").is_none());
        drop(lease);
        assert!(Lease::take(&place).expect("it is there").is_some());
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place { file: folder.path().join("history.db"), named: true };
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("history.alerts-lock")).expect("a link");
        assert!(Lease::take(&place).is_err());
    }
}
