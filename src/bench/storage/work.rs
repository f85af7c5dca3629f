//! A storage benchmark under way: a file of its own in a folder of its own, written once as a whole, then one job of fio
//! (or of the built-in engine) for each sample.

use std::{
    fs::File,
    path::Path,
    sync::{Arc, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::{
    builtin,
    device::Moved,
    fio::Fio,
    pattern::{Access, Job, Pattern, READS, Shape},
    place::{Direct, Place},
    report::Report,
};
use crate::{
    analysis::stats::median,
    bench::{
        contract::{Measured, RunCx, Work},
        scratch,
        stop::{Stop, StopFlag},
    },
    model::{bench::RunPhase, figure::Fingerprint, unit::Unit},
    sys::{exec::Exec, root::Root},
    units::{latency_fine, percent},
};

/// The name of the file in its folder.
pub const FILE: &str = "data";
/// One sample.
pub const SAMPLE: Duration = Duration::from_secs(3);
/// The one that does not count.
const WARM_UP: Duration = Duration::from_secs(1);
/// The whole file is written in pieces of this size.
const PIECE: u64 = 1 << 20;
/// So much of what was done must have been seen by the device.
const NEARLY_ALL: f64 = 0.9;

/// What measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    Fio(Fio),
    Builtin,
}

impl Engine {
    /// fio where it is installed.
    #[must_use]
    pub fn find(exec: &Arc<dyn Exec>) -> Self {
        Fio::find(exec).map_or(Engine::Builtin, Engine::Fio)
    }

    /// The command line, or what is done in words.
    #[must_use]
    pub fn words(&self, job: &Job) -> String {
        match self {
            Engine::Fio(fio) => format!("fio {}", fio.arguments(job).join(" ")),
            Engine::Builtin => format!(
                "built in: {} by {} threads{}",
                job.pattern.words(),
                builtin::threads(job),
                if job.direct { ", direct I/O" } else { "" }
            ),
        }
    }

    /// What distinguishes its results from those of another method.
    #[must_use]
    pub fn fingerprint(&self, job: &Job) -> Fingerprint {
        let Job { pattern, direct, .. } = job;
        let (tool, method) = match self {
            Engine::Fio(fio) => {
                let (depth, jobs) = fio.queue(job);
                (fio.version.clone(), format!("fio {} {depth}x{jobs}", fio.engine(job)))
            }
            Engine::Builtin => (builtin::METHOD.to_owned(), format!("{} {}", builtin::METHOD, builtin::threads(job))),
        };
        let method = format!("{method}, {}{}", pattern.words(), if *direct { ", direct" } else { "" });
        let pairs = [("tool", tool), ("method", method), ("file", crate::units::bytes_long(job.size as f64))];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn run(
        &self,
        cx: &mut dyn RunCx,
        job: &Job,
        live: &mut dyn FnMut(&mut dyn RunCx, &Report),
    ) -> Result<Report, Stop> {
        let (exec, stop) = (cx.exec().clone(), cx.stop().clone());
        let mut show = |report: &Report| live(cx, report);
        match self {
            Engine::Fio(fio) => fio.run(&exec, &stop, job, &mut show),
            Engine::Builtin => builtin::run(job, &stop, &mut show),
        }
    }
}

/// The benchmark.
pub struct Storage {
    pub root: Root,
    pub engine: Engine,
    pub place: Place,
    pub pattern: Pattern,
    /// Bytes of the file.
    pub size: u64,
    /// A dataset of its own is made for it.
    pub own_dataset: bool,
    /// Time of a sample, and of the warm-up.
    pub times: [Duration; 2],
}

impl Storage {
    pub fn new(root: Root, engine: Engine, place: Place, pattern: Pattern, size: u64, own_dataset: bool) -> Self {
        Storage { root, engine, place, pattern, size, own_dataset, times: [SAMPLE, WARM_UP] }
    }

    /// A sample on `file`.
    #[must_use]
    pub fn job(&self, file: &Path) -> Job {
        Job {
            pattern: self.pattern,
            shape: Shape::of(self.pattern.access, self.place.direct),
            file: file.to_owned(),
            size: self.size,
            direct: self.place.direct != Direct::Cached,
            time: Some(self.times[0]),
        }
    }

    /// What makes the file.
    #[must_use]
    pub fn filling(&self, file: &Path) -> Job {
        let pattern = Pattern { access: Access::Write, block: PIECE };
        let shape = Shape::of(Access::Write, self.place.direct);
        Job { pattern, shape, time: None, ..self.job(file) }
    }

    /// The first figure of this benchmark.
    fn value(&self, report: &Report) -> f64 {
        if self.pattern.access == Access::Random { report.iops() } else { report.rate() }
    }

    fn beside(&self, report: &Report) -> Vec<String> {
        let mut words = Vec::new();
        if self.pattern.access == Access::Random {
            words.push(Unit::BytesPerSecond.show(report.rate()));
        }
        let named = [("p50", report.latency.p50), ("p99", report.latency.p99), ("p99.9", report.latency.p999)];
        words.extend(named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", latency_fine(value?)))));
        words
    }

    /// One sample, until what it wrote is on the disk.
    fn sample(&self, cx: &mut dyn RunCx, job: &Job, phase: RunPhase) -> Result<Report, Stop> {
        let mut show = |cx: &mut dyn RunCx, report: &Report| {
            let live = (report.seconds > 0.0).then(|| self.value(report));
            cx.progress(phase, live, self.beside(report));
        };
        let mut report = self.engine.run(cx, job, &mut show)?;
        if !job.direct && job.pattern.access != Access::Read {
            report.sync_seconds = sync(&job.file, cx.stop())?;
        }
        Ok(report)
    }
}

impl Work for Storage {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        cx.progress(RunPhase::Preparing, None, Vec::new());
        let folder = match &self.place.dataset {
            Some(dataset) if self.own_dataset => {
                let made = scratch::dataset(cx, dataset, &[])?;
                scratch::folder(cx, &made.mountpoint)?
            }
            _ => scratch::folder(cx, &self.place.folder)?,
        };
        let file = folder.join(FILE);
        let takes_direct = takes_direct(&folder)?;
        let adapt = |job: Job| Job { direct: job.direct && takes_direct, ..job };
        let filling = adapt(self.filling(&file));
        let whole = self.size as f64;
        self.engine.run(cx, &filling, &mut |cx, report| {
            let words = format!("writing the file, {}", percent((report.bytes as f64 / whole).min(1.0)));
            cx.progress(RunPhase::Preparing, None, vec![words]);
        })?;
        let job = adapt(self.job(&file));
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        self.sample(cx, &Job { time: Some(self.times[1]), ..job.clone() }, RunPhase::WarmingUp)?;
        let (before, mut reports) = (Moved::now(&self.root, &self.place.devices), Vec::new());
        loop {
            cx.progress(RunPhase::Measuring, None, Vec::new());
            let report = self.sample(cx, &job, RunPhase::Measuring)?;
            reports.push(report);
            if self.pattern.access == Access::Random {
                for (figure, value) in [(1, report.latency.mean), (2, report.latency.p99)] {
                    value.map(|value| cx.sample(figure, value));
                }
            }
            if !cx.sample(0, self.value(&report)) {
                break;
            }
        }
        let moved = Moved::now(&self.root, &self.place.devices).zip(before).map(|(now, before)| now.since(&before));
        let notes = self.notes(&reports, moved, takes_direct);
        Ok(Measured { fingerprint: self.engine.fingerprint(&job), notes })
    }
}

impl Storage {
    /// What a reader must know: percentiles, and whether it was the disk that was measured.
    fn notes(&self, reports: &[Report], moved: Option<Moved>, takes_direct: bool) -> Vec<String> {
        let mut notes = Vec::new();
        let of = |part: fn(&Report) -> Option<f64>| median(&reports.iter().filter_map(part).collect::<Vec<_>>());
        if self.pattern.access == Access::Random {
            let rate = of(|report| Some(report.rate())).map(|rate| Unit::BytesPerSecond.show(rate));
            let named =
                [("p50", of(|r| r.latency.p50)), ("p99", of(|r| r.latency.p99)), ("p99.9", of(|r| r.latency.p999))];
            let latencies =
                named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", latency_fine(value?))));
            notes.push(rate.into_iter().chain(latencies).collect::<Vec<_>>().join(" · "));
        }
        if self.engine == Engine::Builtin {
            notes.push("measured by the built-in engine: fio is not installed".to_owned());
        }
        if self.place.direct != Direct::Cached && !takes_direct {
            notes.push(format!("{} refuses direct I/O here: it went through the page cache", self.place.filesystem));
        }
        let done: f64 = reports.iter().map(|report| report.bytes as f64).sum();
        notes.extend(cache_note(&self.place, self.pattern.access, done, moved));
        notes
    }
}

/// Whether the device was behind a figure, by its own counters.
fn cache_note(place: &Place, access: Access, done: f64, moved: Option<Moved>) -> Option<String> {
    let cache = if place.filesystem == "zfs" { "the ARC" } else { "a cache" };
    if place.direct == Direct::Memory {
        return Some(format!("{} is memory: this is not the speed of a disk", place.filesystem));
    }
    let Some(moved) = moved else {
        return Some("the devices below it are not known: caches may have answered".to_owned());
    };
    let reads = match access {
        Access::Read => 1.0,
        Access::Write => 0.0,
        Access::Random => f64::from(READS) / 100.0,
    };
    // Copies and parity are written too, and are no bytes of the file.
    let shares = [moved.read as f64 / (done * reads), moved.written as f64 / place.copies / (done * (1.0 - reads))];
    // Of what was not done at all there is no share.
    let [read, written] = shares.map(|share| Some(share).filter(|share| share.is_finite() && *share < NEARLY_ALL));
    match (read, written) {
        (Some(share), _) if reads > 0.0 => {
            Some(format!("{} of the reads came from {cache}, not from the device", percent(1.0 - share)))
        }
        (_, Some(share)) if reads < 1.0 => {
            Some(format!("only {} of the bytes reached the device: compressed, or still in {cache}", percent(share)))
        }
        _ => None,
    }
}

/// Whether files there can be opened for direct I/O.
fn takes_direct(folder: &Path) -> Result<bool, Stop> {
    let probe = folder.join("probe");
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::DIRECT | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let opened = rustix::fs::open(&probe, flags, Mode::from_raw_mode(0o600));
    let outcome = match opened {
        Ok(_) => Ok(true),
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(Stop::Failed(format!("{}: {}", probe.display(), std::io::Error::from(error)))),
    };
    // Made even where it was refused.
    let _ = std::fs::remove_file(&probe);
    outcome
}

/// Has all that was written of the file on the disk; the seconds that it took.
fn sync(file: &Path, stop: &StopFlag) -> Result<f64, Stop> {
    let (began, path) = (Instant::now(), file.to_owned());
    let (tx, rx) = channel();
    // It may take long, and cannot be interrupted.
    let work = move || drop(tx.send(File::open(&path).and_then(|file| file.sync_all())));
    thread::Builder::new().name("bt-bench-sync".to_owned()).spawn(work).map_err(Stop::failed)?;
    loop {
        match rx.recv_timeout(Duration::from_millis(50)) {
            Ok(Ok(())) => return Ok(began.elapsed().as_secs_f64()),
            Ok(Err(error)) => return Err(Stop::Failed(format!("{}: {error}", file.display()))),
            Err(_) => stop.check()?,
        }
    }
}

#[cfg(test)]
mod tests;
