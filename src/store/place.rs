//! Where the history lies, and whether a file can be there. Everything here may hang with its file system: it is called
//! on a thread of the store, after the helper process has asked the folder.

use std::{
    fs::{self, DirBuilder},
    io::{self, ErrorKind},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{Access, access, statfs};

use super::StoreError;
use crate::{
    config::{Settings, paths},
    sys::helper,
};

/// The name of the file.
const FILE: &str = "history.db";
/// The folder that systemd gives to a service with `StateDirectory=`.
const SERVICE: &str = "STATE_DIRECTORY";
/// A folder that does not answer within this time hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// A file of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: PathBuf,
    /// The user named it: what lies there and is not ours may be theirs, and is not moved.
    pub named: bool,
}

impl Place {
    /// The place that the settings and the environment say.
    ///
    /// # Errors
    /// The history is off, or there is no home.
    pub fn find(settings: &Settings) -> Result<Place, StoreError> {
        let history = &settings.history;
        if !history.enabled {
            return Err(StoreError::Off("--no-history, or `enabled = false` under [history]".to_owned()));
        }
        if let Some(path) = &history.path {
            let file = std::path::absolute(path).map_err(|error| StoreError::of_system(path, &error))?;
            return Ok(Place { file, named: true });
        }
        if !settings.root.is_live() {
            let why = "--root: it may be another machine; `path` under [history] names a file for it";
            return Err(StoreError::Off(why.to_owned()));
        }
        let service = std::env::var(SERVICE).ok().filter(|folders| !folders.is_empty());
        let service = service.and_then(|folders| folders.split(':').next().map(PathBuf::from));
        let system = paths::system_state();
        let folder = match service {
            Some(folder) => Some(folder),
            None if access(&system, Access::WRITE_OK).is_ok() => Some(system),
            None => paths::state(),
        };
        let folder = folder.ok_or(StoreError::NoHome)?;
        Ok(Place { file: folder.join(FILE), named: false })
    }

    /// The folder of the file.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }

    /// Asks the folder, in the helper process: a file system may hang at any time.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) fn answers(&self) -> Result<(), StoreError> {
        let answers = helper::responds(self.folder(), PATIENCE);
        if answers { Ok(()) } else { Err(StoreError::Hung(self.folder().to_owned())) }
    }

    /// Makes sure of the folder: that it answers, that it is on this machine, and, to `make` it, that it is there. False
    /// where it is not.
    ///
    /// # Errors
    /// It hangs, is shared with other machines, or cannot be made.
    pub fn prepare(&self, make: bool) -> Result<bool, StoreError> {
        let folder = self.folder();
        self.answers()?;
        if let Some(kind) = shared(existing(folder)) {
            return Err(StoreError::Shared { folder: folder.to_owned(), kind });
        }
        if folder.is_dir() {
            return Ok(true);
        }
        if !make {
            return Ok(false);
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map(|()| true).map_err(|error| StoreError::Folder { folder: folder.to_owned(), error })
    }

    /// Whether the file, which is not there yet, could be made.
    ///
    /// # Errors
    /// Why not.
    pub fn can_be_made(&self) -> Result<(), StoreError> {
        let folder = existing(self.folder());
        let usable = if folder.is_dir() {
            access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(io::Error::from)
        } else {
            Err(ErrorKind::NotADirectory.into())
        };
        match usable {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => Err(StoreError::ReadOnly(self.file.clone())),
            Err(error) => Err(StoreError::Folder { folder: self.folder().to_owned(), error }),
        }
    }

    /// Whether the file, which is there, is a file that can be read and written.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn usable(&self) -> Result<(), StoreError> {
        let kind = fs::metadata(&self.file).map_err(|error| StoreError::of_system(&self.file, &error))?;
        if !kind.is_file() {
            let what = if kind.is_dir() { "a directory" } else { "not a regular file" };
            return Err(StoreError::Foreign { file: self.file.clone(), what: what.to_owned() });
        }
        let usable = access(&self.file, Access::READ_OK | Access::WRITE_OK).map_err(io::Error::from);
        usable.map_err(|error| StoreError::of_system(&self.file, &error))
    }
}

/// The folder, or the nearest one above it that is there.
fn existing(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| fs::symlink_metadata(folder).is_ok()).unwrap_or(Path::new("/"))
}

/// The kind of a file system that several machines may have mounted: SQLite's write-ahead log is for one machine, and
/// so are results.
fn shared(folder: &Path) -> Option<&'static str> {
    shared_kind(u64::try_from(statfs(folder).ok()?.f_type).ok()?)
}

fn shared_kind(kind: u64) -> Option<&'static str> {
    // statfs(2), linux/magic.h
    const KINDS: [(u64, &str); 6] = [
        (0x6969, "NFS"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB"),
        (0x517b, "SMB"),
        (0x00c3_6400, "Ceph"),
        (0x5346_414f, "AFS"),
    ];
    // Some of them are of 32 bits, and negative where the field is.
    KINDS.iter().find(|(magic, _)| *magic == kind & 0xffff_ffff).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_file_systems_are_known_by_their_magic() {
        assert_eq!((shared_kind(0x6969), shared_kind(0xffff_ffff_ff53_4d42)), (Some("NFS"), Some("CIFS")));
        assert_eq!([shared_kind(0xef53), shared_kind(0x2fc1_2fc1), shared_kind(0)], [None; 3], "ext4, ZFS");
    }
}
