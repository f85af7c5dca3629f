//! Opening the file. It is looked at before anything is written: another program's is left alone, one of a newer benchtop
//! too, and a damaged one is renamed, so that nothing is ever overwritten. Programs that open it at once take turns.
//!
//! The file is only ever opened by SQLite: its locks are POSIX locks, which a process loses when it closes any
//! descriptor of the file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use rustix::fs::{FlockOperation, flock};

use super::{
    StoreError,
    error::{BUSY, NO_DATABASE},
    place::Place,
    schema::{self, APPLICATION_ID, VERSION},
};

/// Between two tries to get the turn.
const RETRY: Duration = Duration::from_millis(20);
/// A file up to this size is checked as a whole when it is opened for reading: that takes some milliseconds.
const CHECKED: u64 = 32 << 20;

/// The smallest page, and so the smallest database. What is smaller SQLite takes for nothing, and overwrites.
const SMALLEST: u64 = 512;

/// What the file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Where it is there.
    Read,
    /// It is made where it is not.
    Write,
}

/// An open file.
#[derive(Debug)]
pub struct Opened {
    pub connection: Connection,
    /// What happened to the file that was there before, for the user.
    pub said: Option<String>,
    /// Which file it is: the one of that name may be another by now.
    id: FileId,
}

type FileId = Option<(u64, u64)>;

impl Opened {
    /// The file of that name is still this one. It may have been set aside by another benchtop, or removed.
    pub fn is_current(&self, place: &Place) -> bool {
        self.id.is_some() && self.id == id(&place.file)
    }
}

/// Opens the file; `None` where there is none to read.
///
/// # Errors
/// Why there is no history.
pub fn open(place: &Place, access: Access) -> Result<Option<Opened>, StoreError> {
    if !place.prepare(access == Access::Write)? {
        return Ok(None);
    }
    let _turn = Turn::take(place)?;
    match open_in_turn(place, access) {
        Err(StoreError::Damaged { what, .. }) if !place.named => {
            let aside = set_aside(place)?;
            let said = format!(
                "{} was damaged ({what}): it is now {}, and a new one was begun",
                place.file.display(),
                aside.display()
            );
            let opened = open_in_turn(place, Access::Write)?;
            Ok(opened.map(|opened| Opened { said: Some(said), ..opened }))
        }
        outcome => outcome,
    }
}

fn open_in_turn(place: &Place, access: Access) -> Result<Option<Opened>, StoreError> {
    let file = place.file.as_path();
    let failed = |error: rusqlite::Error| StoreError::of_sqlite(file, &error);
    match fs::symlink_metadata(file) {
        Ok(_) => {
            place.usable()?;
            look(place)?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound && access == Access::Read => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => make(file)?,
        Err(error) => return Err(StoreError::of_system(file, &error)),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    // Where a file system has no shared memory, SQLite stays with its rollback journal: that works too.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).map_err(failed)?;
    connection.pragma_update(None, "synchronous", "normal").map_err(failed)?;
    schema::migrate(&mut connection).map_err(failed)?;
    let damaged = |what: String| StoreError::Damaged { file: file.to_owned(), what };
    if let Some(table) = schema::missing(&connection) {
        return Err(damaged(format!("its table `{table}` is missing, or is another")));
    }
    if access == Access::Read {
        if fs::metadata(file).is_ok_and(|file| file.len() <= CHECKED) {
            let first = connection.pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0));
            let first = first.map_err(failed)?;
            if first != "ok" {
                return Err(damaged(first));
            }
        }
        connection.pragma_update(None, "query_only", true).map_err(failed)?;
    }
    Ok(Some(Opened { id: id(file), connection, said: None }))
}

/// Looks at a file that is there, without writing into it.
fn look(place: &Place) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&place.file, flags);
    let connection = connection.map_err(|error| StoreError::of_sqlite(&place.file, &error))?;
    judge(place, &connection).map_err(|error| match error {
        // What the user named and is no database may be anything.
        StoreError::Damaged { file, what } if place.named && what == NO_DATABASE => StoreError::Foreign { file, what },
        error => error,
    })
}

/// Whose file it is, and of which version.
fn judge(place: &Place, connection: &Connection) -> Result<(), StoreError> {
    let file = place.file.as_path();
    let failed = |error: rusqlite::Error| StoreError::of_sqlite(file, &error);
    let length = fs::metadata(file).map_err(|error| StoreError::of_system(file, &error))?.len();
    if (1..SMALLEST).contains(&length) {
        return Err(StoreError::Damaged { file: file.to_owned(), what: NO_DATABASE.to_owned() });
    }
    // The last one to close a file writes what is in its log into it: not into one that is not ours.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    let found = schema::version(connection).map_err(failed)?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    match application {
        APPLICATION_ID if found > VERSION => Err(StoreError::Newer { file: file.to_owned(), found, known: VERSION }),
        APPLICATION_ID => Ok(()),
        // Made, and not filled: a benchtop that was killed in between, or an empty file.
        0 if tables == 0 && found == 0 => Ok(()),
        _ => {
            Err(StoreError::Foreign { file: file.to_owned(), what: "an SQLite database of another program".to_owned() })
        }
    }
}

/// Opens what cannot be written for reading alone: a file on a file system that is mounted read-only. What is still in
/// its log is not seen, and one of an older benchtop is not read.
pub fn open_frozen(place: &Place) -> Result<Opened, StoreError> {
    let mut uri = String::from("file:");
    for byte in place.file.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags);
    let connection = connection.map_err(|error| StoreError::of_sqlite(&place.file, &error))?;
    judge(place, &connection)?;
    match schema::missing(&connection) {
        Some(_) => Err(StoreError::ReadOnly(place.file.clone())),
        None => Ok(Opened { connection, said: None, id: id(&place.file) }),
    }
}

/// Makes the file, for its owner alone; the others of SQLite's get its permissions.
fn make(file: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::of_system(file, &error)),
    }
}

/// Renames a damaged file with what belongs to it.
fn set_aside(place: &Place) -> Result<PathBuf, StoreError> {
    let failed = |error: io::Error| StoreError::of_system(&place.file, &error);
    let date = jiff::Timestamp::now().strftime("%Y-%m-%dT%H%M%SZ").to_string();
    let name = |file: &Path, end: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let aside = (0..1000)
        .map(|n| name(&place.file, &if n == 0 { format!(".damaged-{date}") } else { format!(".damaged-{date}-{n}") }))
        .find(|aside| fs::symlink_metadata(aside).is_err());
    let aside = aside.ok_or_else(|| failed(ErrorKind::AlreadyExists.into()))?;
    // The log goes first: beside a new file it would be taken for its own.
    for end in ["-wal", "-shm", ""] {
        match fs::rename(name(&place.file, end), name(&aside, end)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(aside)
}

fn id(file: &Path) -> FileId {
    fs::metadata(file).ok().map(|file| (file.dev(), file.ino()))
}

/// The right to open, make and set aside the file: the folder is locked until it is dropped, or its process ends.
struct Turn {
    _folder: Option<File>,
}

impl Turn {
    fn take(place: &Place) -> Result<Turn, StoreError> {
        // A folder that may not be listed cannot be locked: what was said of turns does not hold there.
        let Ok(folder) = File::open(place.folder()) else { return Ok(Turn { _folder: None }) };
        let until = Instant::now() + BUSY;
        while flock(&folder, FlockOperation::NonBlockingLockExclusive)
            .is_err_and(|error| error == rustix::io::Errno::WOULDBLOCK)
        {
            if Instant::now() > until {
                return Err(StoreError::Busy { file: place.file.clone(), seconds: BUSY.as_secs() });
            }
            thread::sleep(RETRY);
        }
        Ok(Turn { _folder: Some(folder) })
    }
}
