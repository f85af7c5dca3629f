//! Folders are removed by the helper process: what hangs in the kernel while a file system does not answer would keep our
//! own from ending, and the run with it. What is left then is for the next start.

use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::folder;
use crate::sys::helper::{self, message};

/// The kind of line over which is asked.
pub const REMOVALS: u8 = b'r';
/// Files of some gigabytes are freed in less; a file system that does not answer needs for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be removed.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    path: PathBuf,
    batch: String,
}

/// Removes a folder of that batch.
///
/// # Errors
/// Why it is still there, in words.
pub(super) fn remove(path: &Path, batch: &str) -> Result<(), String> {
    let request = Request { path: path.to_owned(), batch: batch.to_owned() };
    let asked = helper::line(REMOVALS).and_then(|mut line| message::write(&mut line, &request).ok().map(|()| line));
    let Some(mut line) = asked else {
        return bounded(path, PATIENCE, move || folder::remove(&request.path, &request.batch));
    };
    match helper::wait(&line, Some(Instant::now() + PATIENCE)) {
        Ok(true) => message::read(&mut line).unwrap_or_else(|error| Err(format!("{}: {error}", path.display()))),
        Ok(false) => Err(silent(path)),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// The helper's side: one request.
pub fn serve(mut line: UnixStream) {
    if let Ok(Request { path, batch }) = message::read(&mut line) {
        // Who asked may have given it up.
        let _ = message::write(&mut line, &folder::remove(&path, &batch));
    }
}

/// Where there is no helper, a thread does it.
fn bounded(
    path: &Path,
    patience: Duration,
    work: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> Result<(), String> {
    let (done, removed) = channel();
    let spawned = thread::Builder::new().name("bt-bench-clean".to_owned()).spawn(move || _ = done.send(work()));
    spawned.map_err(|error| format!("{}: no thread to remove it: {error}", path.display()))?;
    match removed.recv_timeout(patience) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => Err(silent(path)),
        Err(RecvTimeoutError::Disconnected) => Err(format!("{}: removing it failed inside benchtop", path.display())),
    }
}

fn silent(path: &Path) -> String {
    format!("{}: removing it takes longer than {} s", path.display(), PATIENCE.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hung_removal_is_given_up() {
        let (hold, held) = channel::<()>();
        let hangs = move || {
            // Until the test is over.
            let _ = held.recv();
            Ok(())
        };
        let why = bounded(Path::new("/mnt/nas/x"), Duration::from_millis(50), hangs);
        assert_eq!(why, Err("/mnt/nas/x: removing it takes longer than 5 s".to_owned()));
        drop(hold);
        assert_eq!(bounded(Path::new("/x"), Duration::from_secs(60), || Ok(())), Ok(()));
    }
}
