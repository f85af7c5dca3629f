//! One container's log, followed while a view of it is open. Lines come out cleaned, from the plain stream of a
//! terminal or from frames of stdout and stderr.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use super::{CollectCx, Collector, OpenCx, budget::Budget, lane::THREAD_PREFIX};
use crate::{
    model::{
        engine_address::EngineAddress,
        event::Sample,
        fault::Fault,
        log::{LogLine, LogSample},
    },
    sys::{
        engine::{EngineClient, EngineError, ONE, encoded},
        json::{Field, Unread},
    },
    text::clean,
};
use frames::Frames;

mod frames;

/// Past lines requested.
const PAST: &str = "2000";
/// Lines and bytes that may wait to be read; beyond that the oldest are dropped and counted.
const WAITING: (usize, usize) = (10_000, 8 << 20);
/// Bytes stored per line.
const LONGEST: usize = 8 << 10;
/// Bytes read per second: a faster writer is read later.
const BUDGET: usize = 16 << 20;
/// How often an open log is checked.
const OFTEN: Duration = Duration::from_millis(250);
/// A log silent for this long is requested again.
const QUIET: Duration = Duration::from_secs(24 * 3600);
/// After an end, how often to check whether the container runs again.
const AGAIN: Duration = Duration::from_secs(1);

/// Opens the source; reads nothing until a log is wanted.
///
/// # Errors
/// None.
pub fn open(_cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Log { follower: None, fresh: true }))
}

struct Log {
    follower: Option<Follower>,
    /// The next sample is the first of its container.
    fresh: bool,
}

/// The reader's end of the thread that follows one log. Dropping it ends the thread. Not a worker: the engine pushes
/// lines, and there is no child process.
struct Follower {
    engine: EngineAddress,
    id: String,
    waiting: Arc<Mutex<Waiting>>,
    stop: Arc<Notify>,
}

/// A line with the engine's timestamp.
type Timed = (Option<jiff::Timestamp>, LogLine);

#[derive(Default)]
struct Waiting {
    lines: VecDeque<LogLine>,
    bytes: usize,
    dropped: u64,
    ended: Option<String>,
}

impl Waiting {
    /// Takes lines; `last` becomes the time of the newest.
    fn take(&mut self, lines: impl Iterator<Item = Timed>, last: &mut Option<jiff::Timestamp>) {
        for (at, line) in lines {
            *last = at.max(*last);
            self.bytes += line.text.len();
            self.lines.push_back(line);
            while self.lines.len() > WAITING.0 || self.bytes > WAITING.1 {
                self.bytes -= self.lines.pop_front().map_or(0, |line| line.text.len());
                self.dropped += 1;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Collector for Log {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let Some((engine, id)) = &cx.want.log else {
            self.follower = None;
            return Ok(Sample::ContainerLog(LogSample::default()));
        };
        if self.follower.as_ref().is_none_or(|f| f.id != *id || f.engine != *engine) {
            self.follower = Some(Follower::start(engine, id)?);
            self.fresh = true;
        }
        let Some(follower) = &self.follower else { return Err(Fault::Broken("no thread".to_owned())) };
        let mut waiting = lock(&follower.waiting);
        waiting.bytes = 0;
        let sample = LogSample {
            id: id.clone(),
            fresh: std::mem::take(&mut self.fresh),
            lines: std::mem::take(&mut waiting.lines).into(),
            dropped: std::mem::take(&mut waiting.dropped),
            ended: waiting.ended.clone(),
        };
        Ok(Sample::ContainerLog(sample))
    }

    fn hurry(&self) -> Option<Duration> {
        self.follower.is_some().then_some(OFTEN)
    }
}

impl Follower {
    fn start(engine: &EngineAddress, id: &str) -> Result<Self, Fault> {
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let stop = Arc::new(Notify::new());
        let follower = Follower { engine: engine.clone(), id: id.to_owned(), waiting, stop };
        let (engine, id) = (engine.clone(), id.to_owned());
        let (waiting, stop) = (follower.waiting.clone(), follower.stop.clone());
        thread::Builder::new()
            .name(format!("{THREAD_PREFIX}log"))
            .spawn(move || {
                let ended = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime.block_on(async {
                        tokio::select! {
                            () = stop.notified() => String::new(),
                            ended = follow(&engine, &id, &waiting) => ended,
                        }
                    }),
                    Err(error) => error.to_string(),
                };
                lock(&waiting).ended = Some(ended);
            })
            .map_err(|e| Fault::Broken(format!("could not start a thread for the log: {e}")))?;
        Ok(follower)
    }
}

/// Follows the log while the container exists, across its restarts and those of the engine. Returns why it stopped.
async fn follow(engine: &EngineAddress, id: &str, waiting: &Mutex<Waiting>) -> String {
    let (mut last, mut followed) = (None, None);
    let id = encoded(id);
    loop {
        let outcome = match EngineClient::connect(engine).await {
            Ok(client) => match run_of(&client, &id).await {
                // Runs may be shorter than the waits between: compare start times.
                Ok(run) if followed.as_ref() != Some(&run) => {
                    lock(waiting).ended = None;
                    let tty = run.tty;
                    followed = Some(run);
                    one_run(&client, &id, tty, waiting, &mut last).await.map(|()| "container stopped".to_owned())
                }
                Ok(_) => Ok("container stopped".to_owned()),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let ended = match outcome {
            Ok(ended) => ended,
            Err(error) if error.is_not_found() => return "container removed".to_owned(),
            Err(error) => {
                // It may have logged more meanwhile.
                followed = None;
                error.to_string()
            }
        };
        lock(waiting).ended = Some(ended);
        sleep(AGAIN).await;
    }
}

/// One run of a container.
#[derive(PartialEq)]
struct Run {
    /// Its start time, as the engine writes it.
    started: String,
    /// It has a terminal: the log has no frames.
    tty: bool,
}

async fn run_of(client: &EngineClient, id: &str) -> Result<Run, EngineError> {
    let answer = client.json("the container", &format!("/containers/{id}/json"), ONE).await?;
    let unread = Unread::default();
    let fields = Field::new(&answer, &unread);
    Ok(Run {
        started: fields.object("State").text("StartedAt").unwrap_or_default(),
        tty: fields.object("Config").flag("Tty").unwrap_or(false),
    })
}

/// Reads the lines after `last`, which becomes the time of the newest, until the container or the engine stops.
async fn one_run(
    client: &EngineClient,
    id: &str,
    tty: bool,
    waiting: &Mutex<Waiting>,
    last: &mut Option<jiff::Timestamp>,
) -> Result<(), EngineError> {
    let since = last.map_or(0, jiff::Timestamp::as_second);
    let query = format!("follow=true&stdout=true&stderr=true&timestamps=true&tail={PAST}&since={since}");
    // The engine answers with the first line, which a quiet container may write at any time.
    let mut answer = client.stream("the log", &format!("/containers/{id}/logs?{query}"), QUIET).await?;
    let mut frames = Frames::new(tty);
    let mut halves = [Half::default(), Half { error: true, ..Half::default() }];
    let mut budget = Budget::new(usize::MAX, BUDGET);
    let seen = *last;
    let is_new = |(at, _): &Timed| at.is_none() || seen.is_none() || *at > seen;
    loop {
        let piece = answer.piece().await.map_err(|error| EngineError::http("the log", error))?;
        let Some(piece) = piece else { break };
        budget.take(Instant::now(), 0, piece.len());
        let mut lines = Vec::new();
        frames.take(&piece, |part| lines.extend(halves[usize::from(part.error)].take(part.bytes, part.begins)));
        lock(waiting).take(lines.into_iter().filter(is_new), last);
        if let Some(until) = budget.wait(Instant::now()) {
            sleep_until(until).await;
        }
    }
    // The last line may lack its line end.
    let rests = halves.iter_mut().filter_map(Half::rest);
    lock(waiting).take(rests.filter(is_new), last);
    Ok(())
}

/// One stream, in pieces that may end anywhere.
#[derive(Debug, Default)]
struct Half {
    error: bool,
    rest: Vec<u8>,
    /// The current line is too long: skip the rest of it.
    cut: bool,
}

impl Half {
    /// The lines completed by this piece, with the engine's timestamps.
    fn take(&mut self, piece: &[u8], begins: bool) -> Vec<Timed> {
        let mut lines = Vec::new();
        // Engines put a timestamp before each entry: a new one ends the last, with or without a line end.
        if begins && starts_with_time(piece) {
            lines.extend(self.rest());
        }
        for part in piece.split_inclusive(|b| *b == b'\n') {
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            let space = LONGEST.saturating_sub(self.rest.len());
            self.rest.extend_from_slice(&text[..text.len().min(space)]);
            self.cut |= text.len() > space;
            if text.len() < part.len() {
                lines.push(self.line());
            }
        }
        lines
    }

    /// What remains at the end.
    fn rest(&mut self) -> Option<Timed> {
        (!self.rest.is_empty()).then(|| self.line())
    }

    fn line(&mut self) -> Timed {
        let (at, mut line) = line(&self.rest, self.error);
        if std::mem::take(&mut self.cut) {
            line.text.push('…');
        }
        self.rest.clear();
        (at, line)
    }
}

fn starts_with_time(piece: &[u8]) -> bool {
    let word = piece[..piece.len().min(40)].split(|b| *b == b' ').next().unwrap_or_default();
    word.len() < 40 && std::str::from_utf8(word).is_ok_and(|word| word.parse::<jiff::Timestamp>().is_ok())
}

/// `2026-01-02T03:04:05.678901234Z text`: the engine's time, then what the program wrote.
fn line(bytes: &[u8], error: bool) -> Timed {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(['\n', '\r']);
    let (time, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (at, rest) = time.parse::<jiff::Timestamp>().map_or((None, text), |at| (Some(at), rest));
    // What overwrote itself (a progress bar) is shown in its last state.
    let rest = rest.rsplit('\r').find(|part| !part.is_empty()).unwrap_or("");
    let text = clean(&crate::text::without_escapes(&rest.replace('\t', "    "))).into_owned();
    (at, LogLine { unix_ms: at.map(jiff::Timestamp::as_millisecond), error, text })
}

#[cfg(test)]
mod tests;
