//! Does a file or a folder of the user's answer? The helper checks first, so that a thread of ours does not hang on a dead
//! server.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::Shutdown,
    os::unix::{ffi::OsStrExt, net::UnixStream},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The kind of line over which is asked.
pub(super) const KIND: u8 = b'p';

/// Questions that have no answer yet: a path that hangs is asked once.
static PENDING: Mutex<BTreeMap<PathBuf, UnixStream>> = Mutex::new(BTreeMap::new());

/// False when the file, or the folder or a file in it, has not answered within `patience`. Where there is no helper to ask
/// it is true.
#[must_use]
pub fn responds(path: &Path, patience: Duration) -> bool {
    let pending = || PENDING.lock().unwrap_or_else(PoisonError::into_inner);
    // While it is waited for, others who ask for the same path may ask a second time: that does no harm.
    let before = pending().remove(path);
    let Some(mut line) = before.or_else(|| ask(path)) else { return true };
    let answered = has_answered(&mut line, patience);
    if !answered {
        pending().insert(path.to_owned(), line);
    }
    answered
}

fn ask(path: &Path) -> Option<UnixStream> {
    let mut line = super::line(KIND)?;
    line.write_all(path.as_os_str().as_bytes()).and_then(|()| line.shutdown(Shutdown::Write)).ok()?;
    Some(line)
}

/// An answer is a byte; a helper that ended blocks no reader either.
fn has_answered(line: &mut UnixStream, patience: Duration) -> bool {
    match super::wait(line, Some(Instant::now() + patience)) {
        Ok(true) => {
            let _ = line.read(&mut [0]);
            true
        }
        Ok(false) => false,
        Err(_) => true,
    }
}

/// The helper's side.
pub(super) fn serve(mut line: UnixStream) {
    let mut path = Vec::new();
    if line.read_to_end(&mut path).is_err() {
        return;
    }
    let path = Path::new(std::ffi::OsStr::from_bytes(&path));
    // A pipe would wait for its writer.
    match path.metadata() {
        Ok(kind) if kind.is_file() => read_some(path),
        Ok(kind) if kind.is_dir() => {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                    read_some(&entry.path());
                }
            }
        }
        _ => {}
    }
    // Who asked may have ended.
    let _ = line.write_all(b"y");
}

fn read_some(file: &Path) {
    if let Ok(mut file) = fs::File::open(file) {
        let _ = file.read(&mut [0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_no_answer() {
        let (mut ours, mut theirs) = UnixStream::pair().expect("sockets");
        assert!(!has_answered(&mut ours, Duration::from_millis(5)));
        theirs.write_all(b"y").expect("written");
        assert!(has_answered(&mut ours, Duration::from_secs(60)));
        drop(theirs);
        assert!(has_answered(&mut ours, Duration::from_secs(60)), "the helper ended");
    }

    #[test]
    fn a_path_that_hangs_is_asked_once() {
        let path = Path::new("/nowhere/silent");
        let (line, mut helper) = UnixStream::pair().expect("sockets");
        let pending = || PENDING.lock().unwrap_or_else(PoisonError::into_inner);
        pending().insert(path.to_owned(), line);
        assert!(!responds(path, Duration::from_millis(5)));
        assert!(pending().contains_key(path), "its answer may come later");
        helper.write_all(b"y").expect("written");
        assert!(responds(path, Duration::from_secs(60)));
        assert!(!pending().contains_key(path));
        assert!(responds(path, Duration::ZERO), "there is no helper to ask");
    }

    #[test]
    fn a_pipe_is_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
        // Neither by its own name nor as a part of its folder: nobody will ever write into it.
        for path in [&pipe, folder.path()] {
            let (mut ours, theirs) = UnixStream::pair().expect("sockets");
            ours.write_all(path.as_os_str().as_bytes()).expect("asked");
            ours.shutdown(Shutdown::Write).expect("all of it");
            let server = std::thread::spawn(move || serve(theirs));
            assert!(has_answered(&mut ours, Duration::from_secs(60)), "{}", path.display());
            server.join().expect("it ends");
        }
    }

    #[test]
    fn folders_files_and_nothing_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.toml"), "x").expect("written");
        for path in ["", "a.toml", "none"].map(|name| folder.path().join(name)) {
            let (mut ours, theirs) = UnixStream::pair().expect("sockets");
            ours.write_all(path.as_os_str().as_bytes()).expect("asked");
            ours.shutdown(Shutdown::Write).expect("all of it");
            serve(theirs);
            assert_eq!(ours.read(&mut [0]).expect("an answer"), 1);
        }
    }
}
