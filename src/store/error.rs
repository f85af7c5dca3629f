//! Why there is no history, in words that name the file, the rule and the cure. None of it ends the program.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::ErrorCode;

/// How long another program's lock is waited for.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// What is said of a file that is none of SQLite's.
pub(super) const NO_DATABASE: &str = "not an SQLite database";

/// What is in the way.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the history is switched off by {0}")]
    Off(String),
    #[error("neither HOME nor XDG_STATE_HOME is set: name a file with `path` under [history]")]
    NoHome,
    #[error("{} does not answer: its file system hangs", .0.display())]
    Hung(PathBuf),
    #[error("{} is on {kind}, which several machines may share: name a file on a local file system with `path` under [history]", folder.display())]
    Shared { folder: PathBuf, kind: &'static str },
    #[error("the folder {} cannot be made: {error}", folder.display())]
    Folder { folder: PathBuf, error: io::Error },
    #[error("no permission to write {}: `ls -l` shows its owner; `path` under [history] names another file", .0.display())]
    Denied(PathBuf),
    #[error("{} is on a read-only file system: nothing is kept", .0.display())]
    ReadOnly(PathBuf),
    #[error("no space left for {}", .0.display())]
    Full(PathBuf),
    #[error("{} is not a benchtop history ({what}), and is left alone: move it away, or name another file with `path` under [history]", file.display())]
    Foreign { file: PathBuf, what: String },
    #[error("{} was written by a newer benchtop (schema {found}; this one knows up to {known}), and is left alone: update benchtop, or name another file with `path` under [history]", file.display())]
    Newer { file: PathBuf, found: i64, known: i64 },
    #[error("{} is damaged ({what}): move it away, or name another file with `path` under [history]", file.display())]
    Damaged { file: PathBuf, what: String },
    #[error("{} is in use by another program for longer than {seconds} s", file.display())]
    Busy { file: PathBuf, seconds: u64 },
    #[error("could not start a thread for the history: {0}")]
    NoThread(io::Error),
    #[error("{}: {what}", file.display())]
    Failed { file: PathBuf, what: String },
}

impl StoreError {
    /// The history is not wanted; all else is trouble.
    #[must_use]
    pub fn is_off(&self) -> bool {
        matches!(self, StoreError::Off(_))
    }

    /// An error of the file system about `file`.
    pub(super) fn of_system(file: &Path, error: &io::Error) -> StoreError {
        let file = file.to_owned();
        match error.kind() {
            ErrorKind::PermissionDenied => StoreError::Denied(file),
            ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(file),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full(file),
            _ => StoreError::Failed { file, what: error.to_string() },
        }
    }

    /// An error of SQLite about `file`.
    pub(super) fn of_sqlite(file: &Path, error: &rusqlite::Error) -> StoreError {
        let path = file.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::Damaged { file: path, what: NO_DATABASE.to_owned() },
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { file: path, what: error.to_string() },
            Some(ErrorCode::DiskFull) => StoreError::Full(path),
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly(path),
            Some(ErrorCode::PermissionDenied) => StoreError::Denied(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Busy { file: path, seconds: BUSY.as_secs() }
            }
            _ => StoreError::Failed { file: path, what: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its first word, as Debug writes it.
    fn kind(error: &StoreError) -> String {
        format!("{error:?}").split(['(', ' ']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn errors_of_the_system_are_told_apart() {
        for (error, name) in [
            (ErrorKind::PermissionDenied, "Denied"),
            (ErrorKind::ReadOnlyFilesystem, "ReadOnly"),
            (ErrorKind::StorageFull, "Full"),
            (ErrorKind::QuotaExceeded, "Full"),
            (ErrorKind::InvalidData, "Failed"),
        ] {
            let found = StoreError::of_system(Path::new("/x"), &error.into());
            assert_eq!(kind(&found), name);
            assert!(found.to_string().contains("/x"), "{found}");
        }
    }

    #[test]
    fn errors_of_sqlite_are_told_apart() {
        // Result codes of "sqlite.org/rescode.html".
        for (code, name) in [
            (26, "Damaged"),
            (11, "Damaged"),
            (13, "Full"),
            (8, "ReadOnly"),
            (3, "Denied"),
            (5, "Busy"),
            (6, "Busy"),
            (1, "Failed"),
        ] {
            let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            assert_eq!(kind(&StoreError::of_sqlite(Path::new("/x"), &error)), name, "{code}");
        }
    }
}
