//! The built-in engine, for machines without fio: threads that wait for one access each. It measures under its own name,
//! for its figures are not fio's. A thread that hangs in the kernel is not waited for.

mod buffer;

use std::{
    fs::File,
    os::unix::fs::OpenOptionsExt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::fs::OFlags;

use self::buffer::Noise;
use super::{
    pattern::{Access, Job, READS},
    report::{Latency, Report},
};
use crate::bench::stop::{Stop, StopFlag};

/// Its name in fingerprints; changes when figures would.
pub const METHOD: &str = "builtin threads 1";
/// Threads at most.
const MOST: u32 = 64;
/// Latencies kept of one thread: several minutes of a fast disk.
const KEPT: usize = 4 << 20;
/// Between two looks at what has been done.
const LOOK: Duration = Duration::from_millis(100);
/// Between two looks at whether all are ready.
const WAIT: Duration = Duration::from_millis(1);
/// A disk that does not answer for so long is given up.
const SLACK: Duration = Duration::from_secs(60);
/// Threads that are stopped end with their access; one that takes longer is left to itself.
const PATIENCE: Duration = Duration::from_millis(600);

/// What its threads share.
struct Shared {
    over: AtomicBool,
    /// Threads that have their buffers: only then the time begins.
    ready: AtomicU32,
    begins: OnceLock<Instant>,
    /// The next block of a sequential access.
    next: AtomicU64,
    bytes: AtomicU64,
    operations: AtomicU64,
}

/// What one thread found.
struct Done {
    /// Nanoseconds.
    latencies: Vec<u64>,
    why: Option<std::io::Error>,
}

/// Threads that a job takes.
#[must_use]
pub fn threads(job: &Job) -> u32 {
    job.shape.at_once().clamp(1, MOST)
}

/// Runs one job; `live` gets what it has found so far.
///
/// # Errors
/// [`Stop::Cancelled`] when stopped; [`Stop::Failed`] with what the system said.
pub fn run(job: &Job, stop: &StopFlag, live: &mut dyn FnMut(&Report)) -> Result<Report, Stop> {
    let failed = |error: &std::io::Error| Stop::Failed(format!("{}: {error}", job.file.display()));
    let file = Arc::new(open(job).map_err(|error| failed(&error))?);
    let shared = Arc::new(Shared {
        over: AtomicBool::new(false),
        ready: AtomicU32::new(0),
        begins: OnceLock::new(),
        next: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        operations: AtomicU64::new(0),
    });
    let (tx, rx) = channel();
    let threads = threads(job);
    for number in 0..threads {
        let (job, file, own, tx) = (job.clone(), file.clone(), shared.clone(), tx.clone());
        let spawned = thread::Builder::new()
            .name("bt-bench-io".to_owned())
            .spawn(move || work(&job, &file, &own, u64::from(number) + 1, &tx));
        if let Err(error) = spawned {
            shared.over.store(true, Ordering::Relaxed);
            return Err(Stop::Failed(format!("no thread for an access: {error} (`ulimit -u`?)")));
        }
    }
    drop(tx);
    while shared.ready.load(Ordering::Acquire) < threads {
        if stop.is_set() {
            shared.over.store(true, Ordering::Relaxed);
            return Err(Stop::Cancelled);
        }
        thread::sleep(WAIT);
    }
    let began = *shared.begins.get_or_init(Instant::now);
    let end = job.time.map(|time| began + time);
    let count = |seconds: f64| Report {
        bytes: shared.bytes.load(Ordering::Relaxed),
        operations: shared.operations.load(Ordering::Relaxed),
        seconds,
        ..Report::default()
    };
    let late = end.unwrap_or_else(|| began + Duration::from_secs(job.size / (5 << 20))) + SLACK;
    let (mut latencies, mut why, mut stopped) = (Vec::new(), None, None);
    let mut left = threads;
    while left > 0 {
        match rx.recv_timeout(LOOK) {
            Ok(Done { latencies: more, why: error }) => {
                left -= 1;
                latencies.extend(more);
                why = why.or(error);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stop.is_set() || why.is_some() {
            shared.over.store(true, Ordering::Relaxed);
            if stopped.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                break;
            }
        } else if Instant::now() > late {
            shared.over.store(true, Ordering::Relaxed);
            return Err(Stop::Failed(format!("{}: the disk does not answer", job.file.display())));
        } else if left == threads {
            live(&count(began.elapsed().as_secs_f64()));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    if let Some(error) = why {
        return Err(failed(&error));
    }
    stop.check()?;
    if job.time.is_none() {
        file.sync_all().map_err(|error| failed(&error))?;
    }
    Ok(Report { latency: latency(latencies), ..count(seconds) })
}

fn open(job: &Job) -> std::io::Result<File> {
    let flags = OFlags::NOFOLLOW | if job.direct { OFlags::DIRECT } else { OFlags::empty() };
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    // A file that is gone is not made again: what is measured is the one of this run.
    let makes = job.time.is_none();
    std::fs::OpenOptions::new().read(true).write(true).create_new(makes).mode(0o600).custom_flags(flags).open(&job.file)
}

/// One thread, to its end.
fn work(job: &Job, file: &File, shared: &Shared, seed: u64, done: &Sender<Done>) {
    let mut latencies = Vec::new();
    let outcome = accesses(job, file, shared, seed, &mut latencies);
    // Nobody listens any more where it was given up.
    let _ = done.send(Done { latencies, why: outcome.err() });
}

fn accesses(job: &Job, file: &File, shared: &Shared, seed: u64, latencies: &mut Vec<u64>) -> std::io::Result<()> {
    let block = usize::try_from(job.pattern.block).map_err(std::io::Error::other)?;
    let blocks = (job.size / job.pattern.block).max(1);
    let noise = Noise::new(block, seed);
    // Also where it failed: the others wait for all.
    shared.ready.fetch_add(1, Ordering::Release);
    let mut noise = noise?;
    let began = loop {
        match shared.begins.get() {
            Some(began) => break *began,
            None if shared.over.load(Ordering::Relaxed) => return Ok(()),
            None => thread::sleep(WAIT),
        }
    };
    let end = job.time.map(|time| began + time);
    while !shared.over.load(Ordering::Relaxed) && end.is_none_or(|end| Instant::now() < end) {
        let (number, reads) = match job.pattern.access {
            Access::Random => (noise.random() % blocks, noise.random() % 100 < u64::from(READS)),
            access => {
                let next = shared.next.fetch_add(1, Ordering::Relaxed);
                if job.time.is_none() && next >= blocks {
                    break;
                }
                (next % blocks, access == Access::Read)
            }
        };
        let at = number * job.pattern.block;
        let buffer = if reads { noise.scratch() } else { noise.fresh() };
        let before = Instant::now();
        let moved = if reads { rustix::io::pread(file, buffer, at)? } else { rustix::io::pwrite(file, buffer, at)? };
        let took = u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if moved != block {
            // The end of the file, or of the disk.
            return Err(std::io::Error::other(format!("{moved} of {block} bytes at {at}")));
        }
        if latencies.len() < KEPT {
            latencies.push(took);
        }
        shared.bytes.fetch_add(job.pattern.block, Ordering::Relaxed);
        shared.operations.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn latency(mut nanoseconds: Vec<u64>) -> Latency {
    nanoseconds.sort_unstable();
    let n = nanoseconds.len();
    let seconds = |ns: u64| ns as f64 / 1e9;
    // The smallest value that so many do not exceed.
    let at = |share: f64| nanoseconds.get(((n as f64 * share).ceil() as usize).max(1) - 1).copied().map(seconds);
    let mean = (n > 0).then(|| nanoseconds.iter().map(|ns| *ns as f64).sum::<f64>() / n as f64 / 1e9);
    Latency { mean, p50: at(0.5), p99: at(0.99), p999: at(0.999) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::storage::pattern::{Pattern, Shape};

    fn job(folder: &tempfile::TempDir, access: Access, block: u64) -> Job {
        Job {
            pattern: Pattern { access, block },
            shape: Shape { queued: false, depth: 1, jobs: 4 },
            file: folder.path().join("data"),
            size: 4 << 20,
            direct: false,
            time: Some(Duration::from_millis(100)),
        }
    }

    #[test]
    fn the_file_is_made_whole_and_of_noise() {
        let folder = tempfile::tempdir().expect("a folder");
        let stop = StopFlag::new(Arc::default());
        let make = Job { time: None, ..job(&folder, Access::Write, 1 << 20) };
        let report = run(&make, &stop, &mut |_| {}).expect("made");
        assert_eq!((report.bytes, report.operations), (4 << 20, 4));
        let bytes = std::fs::read(&make.file).expect("the file");
        assert_eq!(bytes.len(), 4 << 20);
        let mut blocks: Vec<&[u8]> = bytes.chunks(4096).collect();
        blocks.sort_unstable();
        blocks.dedup();
        assert_eq!(blocks.len(), 1024, "no two blocks are the same");
        assert!(matches!(run(&make, &stop, &mut |_| {}), Err(Stop::Failed(why)) if why.contains("File exists")));

        let mixed = job(&folder, Access::Random, 4096);
        let report = run(&mixed, &stop, &mut |_| {}).expect("measured");
        assert_eq!(report.bytes, report.operations * 4096);
        assert!(report.operations > 100 && report.seconds >= 0.1, "{report:?}");
        assert!(report.latency.p50 <= report.latency.p99 && report.latency.p99 <= report.latency.p999);
        assert_eq!(std::fs::metadata(&mixed.file).expect("the file").len(), 4 << 20, "nothing beyond its end");
    }

    #[test]
    fn a_file_that_is_gone_is_not_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let outcome = run(&job(&folder, Access::Read, 4096), &StopFlag::new(Arc::default()), &mut |_| {});
        assert!(matches!(outcome, Err(Stop::Failed(why)) if why.contains("No such file")));
    }

    #[test]
    fn a_stop_ends_its_threads() {
        let folder = tempfile::tempdir().expect("a folder");
        let user = Arc::new(AtomicBool::new(false));
        let stop = StopFlag::new(user.clone());
        run(&Job { time: None, ..job(&folder, Access::Write, 1 << 20) }, &stop, &mut |_| {}).expect("made");
        let long = Job { time: Some(Duration::from_secs(600)), ..job(&folder, Access::Random, 4096) };
        let began = Instant::now();
        let outcome = run(&long, &stop, &mut |_| user.store(true, Ordering::Release));
        assert_eq!(outcome, Err(Stop::Cancelled));
        assert!(began.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn percentiles_are_of_the_sorted_latencies() {
        let found = latency((1..=1000).rev().map(|ms| ms * 1_000_000).collect());
        assert_eq!((found.p50, found.p99, found.p999), (Some(0.5), Some(0.99), Some(0.999)));
        assert!((found.mean.expect("a mean") - 0.5005).abs() < 1e-9);
        assert_eq!(latency(Vec::new()), Latency::default());
    }
}
