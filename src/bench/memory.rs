//! Memory bandwidth: all cores copy buffers that no cache holds. Counted is what is read and what is written, as STREAM
//! does.

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use super::{
    contract::{Benchmark, FigureDef, Measured, RunCx, Survey, Work},
    cpu::threads,
    stop::Stop,
};
use crate::{
    model::{
        bench::{Offer, Plan, RunPhase},
        figure::Fingerprint,
        run::Better,
        unit::Unit,
    },
    sys::root::Root,
    units::{bytes_long, parse_quantity},
};

pub(super) static FIGURES: &[FigureDef] = &[FigureDef {
    id: "memory_bandwidth_bytes_per_second",
    title: "bandwidth",
    unit: Unit::BytesPerSecond,
    better: Better::Higher,
}];

const METHOD: &str = "copy 1";
/// Copied over and over for one sample.
const SAMPLE: Duration = Duration::from_millis(500);
/// The buffers hold so many times the last cache.
const TIMES: u64 = 4;
/// All buffers together, at least and at most.
const SIZE: (u64, u64) = (128 << 20, 4 << 30);
/// Of the memory that is available.
const SHARE: u64 = 4;

pub(super) struct Memory;

impl Benchmark for Memory {
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer> {
        vec![Offer { of: String::new(), missing: size(survey).err() }]
    }

    fn plan(&self, survey: &Survey<'_>, _of: &str) -> Result<(Plan, Box<dyn Work>), String> {
        let (size, threads) = (size(survey)?, threads());
        let shown = bytes_long(size as f64);
        let steps = vec![
            format!("{threads} threads copy buffers of {shown} of memory, {} s each time", SAMPLE.as_secs_f64()),
            "nothing is written to a disk".to_owned(),
        ];
        let fingerprint = Fingerprint::from([
            ("method".to_owned(), METHOD.to_owned()),
            ("threads_used".to_owned(), threads.to_string()),
            ("buffers".to_owned(), shown),
        ]);
        let plan = Plan { steps, time: Duration::from_secs(30), fingerprint, ..Plan::default() };
        Ok((plan, Box::new(Copying { threads, size: usize::try_from(size).unwrap_or(usize::MAX) })))
    }
}

/// Bytes of all buffers, or why there is no room for them.
fn size(survey: &Survey<'_>) -> Result<u64, String> {
    let wanted = (last_cache(survey.root).unwrap_or(32 << 20) * TIMES).clamp(SIZE.0, SIZE.1);
    let memory = &survey.state.host.memory.raw;
    match memory.available {
        available if memory.total > 0 && available / SHARE < wanted => Err(format!(
            "it needs {} of free memory, {} are available",
            bytes_long((wanted * SHARE) as f64),
            bytes_long(available as f64)
        )),
        _ => Ok(wanted),
    }
}

/// Bytes of all caches of the highest level: one may be there for each group of cores.
fn last_cache(root: &Root) -> Option<u64> {
    let cpus = root.names("sys/devices/system/cpu");
    let mut found: Vec<(String, u64)> = Vec::new();
    for cpu in cpus.iter().filter(|name| name.strip_prefix("cpu").is_some_and(|n| n.parse::<u32>().is_ok())) {
        let level = (0..=4).rev().find_map(|index| {
            let folder = format!("sys/devices/system/cpu/{cpu}/cache/index{index}");
            let size = parse_quantity(&root.line(format!("{folder}/size"))?)? as u64;
            // Those of one cache share it: it counts once.
            Some((root.line(format!("{folder}/shared_cpu_list")).unwrap_or_default(), size))
        });
        found.extend(level);
    }
    found.sort();
    found.dedup();
    (!found.is_empty()).then(|| found.iter().map(|(_, size)| size).sum())
}

struct Copying {
    threads: usize,
    /// Bytes of all buffers, both halves.
    size: usize,
}

impl Work for Copying {
    fn run(&mut self, cx: &mut dyn RunCx) -> Result<Measured, Stop> {
        cx.progress(RunPhase::Preparing, None, Vec::new());
        let half = self.size / 2 / self.threads.max(1);
        let mut buffers = Vec::new();
        for _ in 0..self.threads {
            cx.stop().check()?;
            buffers.push((buffer(half, 1)?, buffer(half, 0)?));
        }
        cx.progress(RunPhase::WarmingUp, None, Vec::new());
        copy(&mut buffers, cx)?;
        cx.progress(RunPhase::Measuring, None, Vec::new());
        while cx.sample(0, copy(&mut buffers, cx)?) {}
        let note = "read and written bytes both count, as in STREAM".to_owned();
        Ok(Measured { notes: vec![note], ..Measured::default() })
    }
}

/// Memory that is really there: its pages are touched.
fn buffer(size: usize, byte: u8) -> Result<Vec<u8>, Stop> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(size).map_err(|_| Stop::Failed("not enough memory".to_owned()))?;
    buffer.resize(size, byte | 0x80);
    Ok(buffer)
}

/// Bytes a second that all of them move.
fn copy(buffers: &mut [(Vec<u8>, Vec<u8>)], cx: &dyn RunCx) -> Result<f64, Stop> {
    let stop = cx.stop();
    let rate = thread::scope(|scope| {
        let mut running = Vec::new();
        for (from, to) in buffers.iter_mut() {
            let work = move || {
                let (began, mut bytes) = (Instant::now(), 0usize);
                while began.elapsed() < SAMPLE && !stop.is_set() {
                    to.copy_from_slice(from);
                    black_box(&to);
                    bytes += 2 * from.len();
                }
                bytes as f64 / began.elapsed().as_secs_f64()
            };
            running.push(thread::Builder::new().name("bt-bench-copy".to_owned()).spawn_scoped(scope, work));
        }
        let done = running.into_iter().map(|thread| Ok(thread?.join().unwrap_or_default()));
        done.sum::<std::io::Result<f64>>()
    });
    stop.check()?;
    rate.map_err(|error| Stop::Failed(format!("no thread for a core: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing::TestCx;

    #[test]
    fn what_is_copied_counts_twice() {
        let mut cx = TestCx::new(1, 2);
        Copying { threads: 2, size: 8 << 20 }.run(&mut cx).expect("measured");
        assert_eq!(cx.samples[0].len(), 2);
        assert!(cx.samples[0].iter().all(|rate| *rate > 1e7), "{:?}", cx.samples);
        assert_eq!(cx.phases, [RunPhase::Preparing, RunPhase::WarmingUp, RunPhase::Measuring]);
    }

    #[test]
    fn stops_in_each_phase() {
        for phase in [RunPhase::Preparing, RunPhase::WarmingUp, RunPhase::Measuring] {
            let mut cx = TestCx::new(1, 100);
            cx.stop_in = Some(phase);
            assert_eq!(Copying { threads: 2, size: 8 << 20 }.run(&mut cx), Err(Stop::Cancelled));
        }
    }

    #[test]
    fn caches_that_cores_share_count_once() {
        let folder = tempfile::tempdir().expect("a folder");
        for (cpu, shared) in [(0, "0-1"), (1, "0-1"), (2, "2-3"), (3, "2-3")] {
            for (index, size) in [(0, "32K"), (2, "512K"), (3, "16384K")] {
                let place = folder.path().join(format!("sys/devices/system/cpu/cpu{cpu}/cache/index{index}"));
                std::fs::create_dir_all(&place).expect("a folder");
                std::fs::write(place.join("size"), size).expect("written");
                std::fs::write(place.join("shared_cpu_list"), shared).expect("written");
            }
        }
        assert_eq!(last_cache(&Root::new(folder.path())), Some(32 << 20));
        assert_eq!(last_cache(&Root::new("/nowhere")), None);
    }

    #[test]
    fn buffers_are_four_caches_and_a_quarter_of_what_is_free() {
        use crate::{bench::engine::testing::Surveyed, state::State};
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("sys/devices/system/cpu/cpu0/cache/index3");
        std::fs::create_dir_all(&place).expect("a folder");
        std::fs::write(place.join("shared_cpu_list"), "0").expect("written");
        let of = |cache: &str, total: u64, available: u64| {
            std::fs::write(place.join("size"), cache).expect("written");
            let mut surveyed = Surveyed::new(State::default());
            surveyed.root = Root::new(folder.path());
            (surveyed.state.host.memory.raw.total, surveyed.state.host.memory.raw.available) = (total, available);
            let offers = Memory.offers(&surveyed.survey());
            assert_eq!(offers.len(), 1);
            let found = size(&surveyed.survey());
            assert_eq!(offers[0].missing, found.clone().err());
            found
        };
        assert_eq!(of("65536K", 0, 0), Ok(256 << 20), "of what is not known enough is there");
        assert_eq!((of("1024K", 0, 0), of("2097152K", 0, 0)), (Ok(128 << 20), Ok(4 << 30)));
        assert_eq!(of("65536K", 8 << 30, 1 << 30), Ok(256 << 20));
        let missing = of("65536K", 8 << 30, (1 << 30) - 4);
        assert!(missing.is_err_and(|why| why.starts_with("it needs 1.0 GiB of free memory, ")));
    }
}
