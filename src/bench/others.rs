//! How much of the machine others use when a benchmark is about to begin: it is part of the fingerprint, so that a slow run
//! on a busy machine is not taken for a regression. It waits a little for what the benchmark before it left behind to end.

use std::time::{Duration, Instant};

use super::stop::{Stop, StopFlag};
use crate::{sys::root::Root, units::percent};

/// One look at the counters and the next: a share between the two.
const WINDOW: Duration = Duration::from_millis(300);
/// A share that is as good as none.
const QUIET: f64 = 0.05;
/// Pressure of these is time in which somebody waits for them.
const WAITED_FOR: [&str; 2] = ["proc/pressure/io", "proc/pressure/memory"];

/// Counters at one moment.
struct Counters {
    at: Instant,
    /// Ticks of all cores: those in use, and all.
    busy: u64,
    all: u64,
    /// Microseconds in which somebody waited, of each of [`WAITED_FOR`].
    waited: [Option<u64>; 2],
}

/// The least share that others used within `patience`, as the fingerprint has it; `None` where the machine does not say it.
///
/// # Errors
/// [`Stop::Cancelled`] when stopped meanwhile.
pub fn share(root: &Root, patience: Duration, stop: &StopFlag) -> Result<Option<String>, Stop> {
    let began = Instant::now();
    let (mut before, mut least) = (Counters::read(root), None::<f64>);
    while began.elapsed() < patience && least.is_none_or(|share| share > QUIET) {
        stop.sleep(WINDOW)?;
        let now = Counters::read(root);
        let (Some(then), Some(after)) = (&before, &now) else { return Ok(None) };
        let Some(share) = after.since(then) else { continue };
        least = Some(least.map_or(share, |least| least.min(share)));
        before = now;
    }
    Ok(least.map(percent))
}

impl Counters {
    fn read(root: &Root) -> Option<Self> {
        let text = |path: &str| root.read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let (busy, all) = ticks(&text("proc/stat")?)?;
        Some(Counters { at: Instant::now(), busy, all, waited: WAITED_FOR.map(|path| waited(&text(path)?)) })
    }

    /// The largest of the shares of what can be used up.
    fn since(&self, before: &Counters) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        let mut most = self.busy.saturating_sub(before.busy) as f64 / all as f64;
        let span = self.at.duration_since(before.at).as_micros() as f64;
        for (now, then) in self.waited.iter().zip(before.waited) {
            if let (Some(now), Some(then)) = (now, then) {
                most = most.max(now.saturating_sub(then) as f64 / span);
            }
        }
        Some(most.clamp(0.0, 1.0))
    }
}

/// Ticks in use and all, of the first line of proc/stat ("proc_stat(5)": user nice system idle iowait irq softirq steal; those
/// of guests are in the first two).
fn ticks(text: &str) -> Option<(u64, u64)> {
    let mut words = text.lines().next()?.split_ascii_whitespace();
    if words.next() != Some("cpu") {
        return None;
    }
    let ticks: Vec<u64> =
        words.take(8).map(str::parse).collect::<Result<_, _>>().ok().filter(|t: &Vec<u64>| t.len() > 4)?;
    let all = ticks.iter().try_fold(0u64, |sum, ticks| sum.checked_add(*ticks))?;
    Some((all - ticks[3] - ticks[4], all))
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=123`.
fn waited(text: &str) -> Option<u64> {
    let some = text.lines().find(|line| line.starts_with("some "))?;
    some.split_ascii_whitespace().find_map(|word| word.strip_prefix("total="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };

    use super::*;

    fn stop() -> StopFlag {
        StopFlag::new(Arc::default())
    }

    #[test]
    fn counters_are_read_as_the_kernel_writes_them() {
        assert_eq!(ticks("cpu  100 0 50 700 100 20 10 20 5 0\ncpu0 1 2"), Some((200, 1000)));
        assert_eq!(ticks("cpu0 1 2 3 4 5"), None);
        assert_eq!(ticks("cpu 1 2 3"), None);
        assert_eq!(waited("some avg10=0.00 avg60=0.00 avg300=0.00 total=77\nfull avg10=0 total=5"), Some(77));
        assert_eq!(waited("none"), None);
    }

    #[test]
    fn what_is_used_most_is_the_share() {
        let at = Instant::now();
        let of =
            |ms: u64, busy, all, io| Counters { at: at + Duration::from_millis(ms), busy, all, waited: [io, None] };
        assert_eq!(of(1000, 50, 100, None).since(&of(0, 20, 0, None)), Some(0.3));
        assert_eq!(of(1000, 50, 100, Some(900_000)).since(&of(0, 20, 0, Some(100_000))), Some(0.8));
        assert_eq!(of(1000, 50, 100, None).since(&of(0, 50, 100, None)), None, "no tick between the two");
    }

    #[test]
    fn busy_machine_is_noted() {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, stat) = (Root::new(folder.path()), folder.path().join("proc/stat"));
        assert_eq!(share(&root, Duration::from_secs(1), &stop()), Ok(None), "nothing to read");
        std::fs::create_dir(folder.path().join("proc")).expect("made");
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1u64.. {
                    // Written whole: a reader never sees a part of it.
                    let next = stat.with_extension("next");
                    std::fs::write(&next, format!("cpu {} 0 0 {} 0 0 0 0", 80 * n, 20 * n)).expect("written");
                    std::fs::rename(&next, &stat).expect("replaced");
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
            let end = Instant::now() + Duration::from_secs(30);
            let mut found = None;
            while found.is_none() && Instant::now() < end {
                found = share(&root, Duration::from_millis(400), &stop()).expect("not stopped");
            }
            over.store(true, Ordering::Relaxed);
            assert_eq!(found.as_deref(), Some("80%"));
        });
        assert_eq!(share(&root, Duration::ZERO, &stop()), Ok(None));
        let stopped = stop().until(Instant::now());
        assert_eq!(share(&root, Duration::from_secs(9), &stopped), Err(Stop::Cancelled));
    }
}
