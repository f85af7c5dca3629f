//! The file of `--log`: trace messages, written by the helper process. A file on a server that died would keep our own
//! process from starting, and later from ending.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt, net::UnixStream},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, Instant},
};

use rustix::fs::OFlags;
use tracing_appender::non_blocking::WorkerGuard;

use crate::{
    diag::Diagnostic,
    sys::helper::{self, message},
};

/// The kind of line over which messages go to the file.
pub const KIND: u8 = b'o';
/// A file that takes longer to open is not one to start with.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends trace messages to a file from here on, through a thread of its own: a full disk does not hold up the screen.
///
/// # Errors
/// When the file cannot be opened.
pub fn log_to(path: &Path) -> Result<(), Diagnostic> {
    static GUARD: OnceLock<WorkerGuard> = OnceLock::new();
    let failed =
        |error: io::Error| Diagnostic::new(path.display().to_string(), format!("could not open the log: {error}"));
    let (writer, guard) = match helper::line(KIND) {
        Some(line) => tracing_appender::non_blocking(ask(line, path, PATIENCE).map_err(failed)?),
        None => tracing_appender::non_blocking(open(path).map_err(failed)?),
    };
    let subscriber = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).finish();
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        let _ = GUARD.set(guard);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "benchtop begins");
    }
    Ok(())
}

/// Has the helper open the file; what is written to the line afterwards goes into it.
fn ask(mut line: UnixStream, path: &Path, patience: Duration) -> io::Result<UnixStream> {
    message::write(&mut line, &std::path::absolute(path)?.as_os_str().as_bytes())?;
    if !helper::wait(&line, Some(Instant::now() + patience))? {
        return Err(io::Error::other("the filesystem it is on does not answer"));
    }
    match message::read::<Option<String>>(&mut line)? {
        None => Ok(line),
        Some(why) => Err(io::Error::other(why)),
    }
}

/// The helper's side: opens the file, and writes into it what comes until the line is closed.
pub fn serve(mut line: UnixStream) {
    let Ok(path) = message::read::<Vec<u8>>(&mut line) else { return };
    let file = open(&PathBuf::from(std::ffi::OsStr::from_bytes(&path)));
    let why = file.as_ref().err().map(ToString::to_string);
    if let (Ok(()), Ok(mut file)) = (message::write(&mut line, &why), file) {
        // A full disk loses messages, not the log.
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = io::Read::read(&mut line, &mut bytes) {
            let _ = file.write_all(&bytes[..count]);
        }
    }
}

/// Opens a log for its owner alone. A link is not followed: in a folder that others may write to it would lead to any
/// file of ours.
fn open(path: &Path) -> io::Result<File> {
    // Non-blocking: a pipe without a reader would block the start.
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let file = OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt, symlink},
        thread,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_log_is_its_owner_s_and_follows_no_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (log, link) = (folder.path().join("log"), folder.path().join("link"));
        let mode = open(&log).and_then(|file| file.metadata()).expect("a new log").mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
        symlink(&log, &link).expect("a link");
        assert!(open(&link).is_err());
        assert!(open(Path::new("/dev/null")).is_err());
    }

    #[test]
    fn the_helper_writes_what_comes_and_says_why_it_cannot() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let asked = |path: &Path| {
            let (ours, theirs) = UnixStream::pair().expect("sockets");
            let helper = thread::spawn(move || serve(theirs));
            (ask(ours, path, LONG), helper)
        };
        let (line, helper) = asked(&log);
        line.expect("opened").write_all(b"one\n").expect("written");
        helper.join().expect("it ends with the line");
        assert_eq!(fs::read_to_string(&log).expect("the log"), "one\n");
        let why = asked(folder.path()).0.expect_err("a folder is no log").to_string();
        assert!(why.contains("directory"), "{why}");
    }

    #[test]
    fn a_file_that_does_not_open_is_not_waited_for() {
        let (ours, _theirs) = UnixStream::pair().expect("sockets");
        let why = ask(ours, Path::new("/net/nas/log"), Duration::from_millis(5)).expect_err("silence").to_string();
        assert!(why.contains("does not answer"), "{why}");
    }
}
