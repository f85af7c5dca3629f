//! `zpool iostat` as a stream: one child that prints an interval's rates every two seconds costs less than one that is
//! started for each, and a pool that hangs shows as an interval that does not come.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    collect::lane::THREAD_PREFIX,
    model::{
        fault::Fault,
        pool::{IoRates, PoolIo},
    },
    sys::exec::{self, Canceller, Child, Exec, Limits, Output},
};

/// Nothing came for so long: the interval is whole.
const QUIET: Duration = Duration::from_millis(200);
/// Seconds between two intervals.
pub(super) const INTERVAL: &str = "2";
/// It goes on until it is cancelled.
const LIMITS: Limits = Limits { deadline: None, line: 4096, output: usize::MAX };
/// More bytes than this are no interval: what writes them is ended.
const MOST: usize = 8 << 20;

/// The child running. Dropping it ends the child; the helper does when we end without dropping. No worker: the child
/// writes when it has something, nobody asks.
pub(super) struct Stream {
    canceller: Canceller,
    newest: Arc<Mutex<Option<IoRates>>>,
    ended: Arc<AtomicBool>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.canceller.cancel();
    }
}

impl Stream {
    /// Starts it for these pools.
    ///
    /// # Errors
    /// [`Fault::Broken`] where the child or its thread cannot be started.
    pub(super) fn start(exec: &dyn Exec, zpool: &Path, pools: Vec<String>) -> Result<Self, Fault> {
        let mut child = exec.spawn(zpool, &["iostat", "-HpPvly", "-T", "u", INTERVAL], LIMITS)?;
        let (newest, ended) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        let stream = Stream { canceller: child.canceller(), newest: newest.clone(), ended: ended.clone() };
        let run = move || {
            intervals(&mut *child, &mut Parser::new(pools), |rates| {
                *newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(rates);
            });
            ended.store(true, Ordering::Relaxed);
        };
        let thread = thread::Builder::new().name(format!("{THREAD_PREFIX}iostat")).stack_size(128 << 10);
        thread.spawn(run).map_err(|e| Fault::Broken(format!("no thread to read it with: {e}")))?;
        Ok(stream)
    }

    /// The newest whole interval, once.
    pub(super) fn take(&self) -> Option<IoRates> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// It printed its last.
    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// Hands on each interval until the output ends.
fn intervals(child: &mut dyn Child, parser: &mut Parser, mut each: impl FnMut(IoRates)) {
    let mut bytes = 0;
    while bytes <= MOST {
        let wait = (!parser.rates.rows.is_empty()).then_some(QUIET);
        match child.next(wait) {
            Ok(Output::Line { stream: exec::Stream::Out, text }) => {
                bytes += text.len() + 1;
                if let Some(rates) = parser.line(&String::from_utf8_lossy(&text)) {
                    bytes = 0;
                    each(rates);
                }
            }
            Ok(Output::Line { .. }) => {}
            Ok(Output::Quiet) => parser.flush().into_iter().for_each(&mut each),
            Ok(Output::Ended(_)) | Err(_) => return,
        }
    }
}

/// Gathers lines into intervals. An interval is whole when the next begins, or when nothing more comes for a while: it is
/// printed in one go.
struct Parser {
    pools: Vec<String>,
    rates: IoRates,
    pool: Option<String>,
}

impl Parser {
    fn new(pools: Vec<String>) -> Self {
        Parser { pools, rates: IoRates::default(), pool: None }
    }

    fn line(&mut self, line: &str) -> Option<IoRates> {
        let line = line.trim_end();
        let parts: Vec<&str> = line.split('\t').collect();
        if parts.len() < 7 {
            // The time stamp that opens an interval; blank lines stand where groups begin.
            let opens = !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit());
            return opens.then(|| self.flush()).flatten();
        }
        let name = parts[0].trim();
        let vdev = if self.pools.iter().any(|pool| pool == name) {
            self.pool = Some(name.to_owned());
            None
        } else {
            Some(crate::text::clean(name).into_owned())
        };
        self.rates.rows.push((self.pool.clone()?, vdev, io(&parts)));
        None
    }

    fn flush(&mut self) -> Option<IoRates> {
        self.pool = None;
        let number = self.rates.number;
        let rates = std::mem::take(&mut self.rates);
        self.rates.number = number + 1;
        (!rates.rows.is_empty()).then_some(rates)
    }
}

/// name, alloc, free, operations, bandwidth, total wait; each of the last three for reads and writes. Waits in ns.
fn io(parts: &[&str]) -> PoolIo {
    let figure = |at: usize| parts.get(at).and_then(|word| word.trim().parse::<f64>().ok());
    let rate = |at| figure(at).unwrap_or(0.0);
    let wait = |at| figure(at).map(|nanoseconds| nanoseconds / 1e9);
    PoolIo {
        reads: rate(3),
        writes: rate(4),
        read_bytes: rate(5),
        write_bytes: rate(6),
        read_wait: wait(7),
        write_wait: wait(8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::exec::fake::{FakeExec, Script};

    #[test]
    fn an_interval_is_whole_when_the_next_begins() {
        let mut parser = Parser::new(vec!["busy".into(), "tank".into()]);
        let text = "1714564938\nbusy\t25405952\t58480128\t0\t285\t63348\t2290876\t206949580\t19838999\t1\t2\n\
            mirror-0\t1\t2\t3\t4\t5\t6\t-\t8000\n\n/vdev/busy0\t0\t0\t0\t145\t31673\t1145388\t-\t-\n\
            tank\t1\t2\t0\t0\t0\t0\t-\t-\n";
        let early = text.lines().find_map(|line| parser.line(line));
        assert_eq!(early, None, "it may go on");
        let rates = parser.line("1714564940").expect("the next began");
        assert_eq!(rates.rows.len(), 4);
        let (pool, vdev, io) = &rates.rows[0];
        assert_eq!((pool.as_str(), vdev, io.writes, io.write_bytes), ("busy", &None, 285.0, 2_290_876.0));
        assert_eq!(io.read_wait, Some(0.206_949_58));
        assert_eq!(rates.rows[1].2.write_wait, Some(8e-6));
        assert_eq!((rates.rows[1].1.as_deref(), rates.rows[1].2.read_wait), (Some("mirror-0"), None));
        assert_eq!(rates.rows[3].0, "tank");
    }

    #[test]
    fn a_quiet_moment_ends_an_interval() {
        const ROW: &str = "tank\t1\t2\t3\t4\t5\t6\t-\t-\n";
        let once = Script::hangs_after(&format!("1714564938\n{ROW}"));
        let twice = Script::says(&format!("1714564938\n{ROW}1714564940\n{ROW}{ROW}1714564942\n"));
        let exec = FakeExec::new([("zpool iostat", once)]);
        let start = || Stream::start(&*exec, Path::new("/fake/zpool"), vec!["tank".into()]).expect("started");
        let next = |stream: &Stream| loop {
            if let Some(rates) = stream.take() {
                return rates;
            }
            thread::yield_now();
        };
        assert_eq!(next(&start()).rows.len(), 1, "no second time stamp came");
        exec.set("zpool iostat", twice);
        let stream = start();
        while !stream.ended() {
            thread::yield_now();
        }
        let rates = next(&stream);
        assert_eq!((rates.number, rates.rows.len()), (2, 2), "the newest of both");
        assert!(exec.started()[0].ends_with("-T u 2"));
    }

    #[test]
    fn a_flood_without_an_interval_is_ended() {
        let line = format!("{}\n", "x".repeat(100_000));
        let exec = FakeExec::new([("zpool iostat", Script::hangs_after(&line.repeat(MOST / line.len() + 1)))]);
        let stream = Stream::start(&*exec, Path::new("/fake/zpool"), vec!["tank".into()]).expect("started");
        while !stream.ended() {
            thread::yield_now();
        }
        assert!(stream.take().is_none());
    }

    #[test]
    fn it_has_ended_when_its_output_has() {
        let exec = FakeExec::new([("zpool iostat", Script::hangs_after(""))]);
        let start = || Stream::start(&*exec, Path::new("/fake/zpool"), vec!["tank".into()]).expect("started");
        let endless = start();
        assert!(!endless.ended());
        exec.set("zpool iostat", Script::says(""));
        let short = start();
        while !short.ended() {
            thread::yield_now();
        }
        let ended = endless.ended.clone();
        drop(endless);
        while !ended.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    }
}
