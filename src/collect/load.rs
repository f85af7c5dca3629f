//! Load averages, threads and uptime: `/proc/loadavg`, `/proc/uptime`; and whether a benchmark is what loads the machine.

use super::{CollectCx, Collector, OpenCx};
use crate::{
    model::{event::Sample, fault::Fault, load::LoadSample},
    sys::{
        bench_lock::Watch,
        parse::{decimal, number, words},
        reread::Reread,
    },
};

const RULE: &str = "not the numbers of proc(5)";

/// # Errors
/// None; the reading reports what is missing.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Load {
        benchmarks: Watch::new(&cx.root),
        loadavg: Reread::new(&cx.root, "proc/loadavg"),
        uptime: Reread::new(&cx.root, "proc/uptime"),
    }))
}

struct Load {
    benchmarks: Watch,
    loadavg: Reread,
    uptime: Reread,
}

impl Collector for Load {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let mut sample = self.loadavg.figures(RULE, parse_loadavg)?;
        sample.uptime_seconds = self.uptime.figures(RULE, |text| positive(words(text).next()?))?;
        sample.benchmarks_by = self.benchmarks.running(cx.at);
        Ok(Sample::Load(sample))
    }
}

/// `2.41 1.97 1.56 3/1422 482173`.
fn parse_loadavg(text: &[u8]) -> Option<LoadSample> {
    let mut words = words(text);
    let (load1, load5, load15) = (positive(words.next()?)?, positive(words.next()?)?, positive(words.next()?)?);
    let tasks = words.next()?;
    let slash = tasks.iter().position(|&b| b == b'/')?;
    let count = |digits| u32::try_from(number(digits)?).ok();
    Some(LoadSample {
        load1,
        load5,
        load15,
        running_threads: count(&tasks[..slash])?,
        threads: count(&tasks[slash + 1..])?,
        uptime_seconds: 0.0,
        benchmarks_by: None,
    })
}

fn positive(word: &[u8]) -> Option<f64> {
    decimal(word).filter(|value| *value >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{read_fixture, read_once},
        *,
    };

    #[test]
    fn averages_threads_and_uptime_are_read() {
        let Ok(Sample::Load(sample)) = read_fixture(open, "homelab") else { panic!("no sample") };
        assert_eq!((sample.load1, sample.load5, sample.load15), (2.41, 1.97, 1.56));
        assert_eq!((sample.running_threads, sample.threads, sample.uptime_seconds), (3, 1422, 503_211.47));
    }

    #[test]
    fn nonsense_is_broken_and_names_the_file() {
        let fault = read_fixture(open, "hostile").expect_err("nonsense");
        assert!(matches!(&fault, Fault::Broken(what) if what.contains("hostile/proc/loadavg")), "{fault:?}");
        for wrong in [&b""[..], b"1 2", b"1 2 3 4", b"1 2 3 1/x 5", b"-1 2 3 1/2 5"] {
            assert_eq!(parse_loadavg(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn this_machine_is_up() {
        let Ok(Sample::Load(sample)) = read_once(open, crate::sys::root::Root::default()) else { panic!("no sample") };
        assert!(sample.uptime_seconds > 0.0 && sample.threads > 0);
    }
}
