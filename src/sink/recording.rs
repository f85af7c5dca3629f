//! `record --events FILE`: every event as a line of JSON, as `check --replay` reads them. The file is written by the helper
//! process, behind a queue with an end: a full disk or a dead server costs the recording, and nothing else.

mod file;

use std::{
    io::{self, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, channel, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::Sink;
use crate::{
    diag::Diagnostic,
    model::event::Event,
    state::State,
    sys::{
        THREAD_PREFIX,
        helper::{self, message},
    },
};

pub use file::{LEAST, serve};

/// The kind of line over which events go to the file.
pub const KIND: u8 = b'e';
/// A file that takes longer to open is not one to start with.
const PATIENCE: Duration = Duration::from_secs(1);
/// At the end, what waits is written within this time.
const LAST: Duration = Duration::from_millis(500);
/// Events, and their bytes, that wait for a file that is slow; what comes beyond is lost.
const WAITING: usize = 4096;
const WAITING_BYTES: usize = 32 << 20;

/// Keeps every event.
pub struct Recording {
    lines: Option<SyncSender<Vec<u8>>>,
    waiting: Arc<AtomicUsize>,
    done: Receiver<()>,
    lost: u64,
}

impl Recording {
    /// Begins a file of events; with the one before it, it grows to `most` bytes. The receiver gets what the user should
    /// know of it later.
    ///
    /// # Errors
    /// It cannot be opened, or is something else.
    pub fn start(path: &Path, most: u64) -> Result<(Recording, Receiver<String>), Diagnostic> {
        let failed = |error: io::Error| {
            let diagnostic = Diagnostic::new(path.display().to_string(), format!("could not be begun: {error}"));
            diagnostic.hint("name a file that is not there yet, or an older recording: --events /var/tmp/events.jsonl")
        };
        let line = match helper::line(KIND) {
            Some(line) => line,
            // Where there is no helper, a thread does its work.
            None => {
                let (ours, theirs) = UnixStream::pair().map_err(failed)?;
                spawn("events-file", move || serve(theirs)).map_err(failed)?;
                ours
            }
        };
        let line = file::begin(line, &std::path::absolute(path).map_err(failed)?, most, PATIENCE).map_err(failed)?;
        let (lines, queue) = sync_channel(WAITING);
        let (ended, done) = channel();
        let (say, said) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counted = waiting.clone();
        let carry = move || {
            carry(line, &queue, &counted, &|words| drop(say.send(words)));
            let _ = ended.send(());
        };
        spawn("events", carry).map_err(failed)?;
        Ok((Recording { lines: Some(lines), waiting, done, lost: 0 }, said))
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(format!("{THREAD_PREFIX}{name}")).spawn(run).map(drop)
}

/// Carries lines to the helper, and back what it has to say.
fn carry(mut line: UnixStream, queue: &Receiver<Vec<u8>>, waiting: &AtomicUsize, say: &dyn Fn(String)) {
    while let Ok(bytes) = queue.recv() {
        waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
        if line.write_all(&bytes).is_err() {
            return say("--events: the helper process ended: nothing more is recorded".to_owned());
        }
        while helper::wait(&line, Some(Instant::now())).unwrap_or(false) {
            match message::read(&mut line) {
                Ok(words) => say(words),
                Err(_) => break,
            }
        }
    }
    // It writes what it still has, and ends.
    let _ = line.shutdown(Shutdown::Write);
    while let Ok(words) = message::read(&mut line) {
        say(words);
    }
}

impl Sink for Recording {
    fn accept(&mut self, event: &Event, _state: &State) {
        // What other programs knew of alerts then is not asked of a replay.
        if matches!(event, Event::Alerts(_)) {
            return;
        }
        let Some(lines) = &self.lines else { return };
        let Ok(mut bytes) = serde_json::to_vec(event) else { return };
        bytes.push(b'\n');
        let count = bytes.len();
        let full = self.waiting.load(Ordering::Relaxed) + count > WAITING_BYTES;
        self.waiting.fetch_add(count, Ordering::Relaxed);
        if full || lines.try_send(bytes).is_err() {
            self.waiting.fetch_sub(count, Ordering::Relaxed);
            self.lost += 1;
        }
    }

    fn finish(&mut self, _state: &State) -> io::Result<()> {
        self.lines = None;
        let _ = self.done.recv_timeout(LAST);
        match self.lost {
            0 => Ok(()),
            lost => Err(io::Error::other(format!("--events: {lost} events were lost: the file was too slow"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Stamp, model::header::Header, sink::replay};

    #[test]
    fn what_is_recorded_can_be_replayed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events.jsonl");
        let (mut recording, _) = Recording::start(&path, LEAST).expect("begun");
        let state = State::default();
        recording.accept(&Event::Header(Header { schema: Header::SCHEMA, ..Header::default() }), &state);
        recording.accept(&Event::Alerts(Box::default()), &state);
        (1..=3).for_each(|second| recording.accept(&Event::Tick(Stamp::at_seconds(second)), &state));
        recording.finish(&state).expect("written");
        let text = std::fs::read_to_string(&path).expect("text");
        assert_eq!(text.lines().count(), 4, "{text}");
        let zone = jiff::tz::TimeZone::UTC;
        let why = replay::replay(text.as_bytes(), &[], &zone).expect_err("ticks alone").to_string();
        assert_eq!(why, replay::ReplayError::Empty.to_string());
    }

    #[test]
    fn what_cannot_be_begun_is_named_with_its_cure() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = |path: &Path| Recording::start(path, LEAST).err().expect("refused").to_string();
        assert!(refused(folder.path()).contains("could not be begun: it is a directory"), "{}", refused(folder.path()));
        let notes = folder.path().join("notes.txt");
        std::fs::write(&notes, "do not lose this\n").expect("a file");
        let why = refused(&notes);
        assert!(why.contains("it is there and is no recording") && why.contains("hint: name a file"), "{why}");
        assert_eq!(std::fs::read_to_string(&notes).expect("still there"), "do not lose this\n");
    }

    #[test]
    fn a_file_that_is_slow_costs_events_and_no_time() {
        let (ours, _theirs) = UnixStream::pair().expect("sockets");
        let (lines, queue) = sync_channel(2);
        let waiting = Arc::new(AtomicUsize::new(0));
        let (counted, (ended, done)) = (waiting.clone(), channel());
        // Nobody reads at the other end.
        thread::spawn(move || {
            carry(ours, &queue, &counted, &|_| {});
            let _ = ended.send(());
        });
        let mut recording = Recording { lines: Some(lines), waiting, done, lost: 0 };
        let state = State::default();
        for second in 0..20_000 {
            recording.accept(&Event::Tick(Stamp::at_seconds(second)), &state);
        }
        assert!(recording.lost > 0 && recording.waiting.load(Ordering::Relaxed) <= WAITING_BYTES);
        assert!(recording.finish(&state).expect_err("said").to_string().contains("events were lost"));
    }
}
