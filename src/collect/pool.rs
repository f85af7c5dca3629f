//! ZFS pools: the module's kstats at each refresh, `zpool` and `zfs` slowly and on threads of their own. A change of a
//! pool's state in the kstats asks `zpool` at once, so that the device is named within a refresh or two.

mod dataset;
mod iostat;
mod kstat;
mod status_json;
mod status_text;
mod tools;

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{CollectCx, Collector, OpenCx};
use crate::{
    model::{
        event::Sample,
        fault::Fault,
        pool::{Dataset, PoolSample, SUSPENDED, Told},
    },
    sys::{exec, root::Root},
};
use iostat::Stream;
use tools::{Answer, Question, Tools};

/// `zpool status` is asked this often while nothing changes.
const POOLS_EVERY: Duration = Duration::from_secs(10);
/// While a scan runs, its progress is worth more.
const SCAN_EVERY: Duration = Duration::from_secs(3);
/// `zfs list` is asked this often.
const DATASETS_EVERY: Duration = Duration::from_secs(30);
/// The first reading waits this long for the tools: most answer well within, and the states of the pools are known at once.
const FIRST: Duration = Duration::from_millis(1500);
/// An interval of `zpool iostat` later than this is not coming.
const IO_LATE: Duration = Duration::from_secs(7);

/// # Errors
/// [`Fault::Absent`] where the module is not loaded.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    let folder = cx.root.path(kstat::FOLDER);
    if !folder.is_dir() {
        return Err(Fault::Absent(format!("no ZFS module: {} does not exist", folder.display())));
    }
    // Tools ask this machine's kernel: of another root only the files tell.
    let tools = if cx.root.is_live() { Tools::start() } else { Err(Fault::Absent("a recording".to_owned())) };
    Ok(Box::new(Pools {
        root: cx.root.clone(),
        tools,
        zpool: exec::find("zpool").filter(|_| cx.root.is_live()),
        sample: PoolSample { version: cx.root.line("sys/module/zfs/version"), ..PoolSample::default() },
        first: true,
        asked: [None; 2],
        stream: None,
        stream_from: None,
    }))
}

struct Pools {
    root: Root,
    tools: Result<Tools, Fault>,
    zpool: Option<PathBuf>,
    sample: PoolSample,
    first: bool,
    /// When pools and datasets were asked for last.
    asked: [Option<Instant>; 2],
    stream: Option<Stream>,
    /// When the stream was started, or was last heard.
    stream_from: Option<Instant>,
}

impl Collector for Pools {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let states = kstat::states(&self.root);
        if states.is_empty() && !self.root.path(kstat::FOLDER).is_dir() {
            return Err(Fault::Absent("the ZFS module was unloaded".to_owned()));
        }
        let changed = states != self.sample.states;
        let others = changed && !states.iter().map(|s| &s.0).eq(self.sample.states.iter().map(|s| &s.0));
        self.sample.counters = kstat::counters(&self.root, &states);
        self.sample.states = states;
        if changed {
            self.asked[0] = None;
        }
        if others {
            self.asked[1] = None;
            self.stream = None;
            self.stream_from = None;
        }
        let now_us = cx.at.mono_us;
        self.ask(now_us);
        if self.first {
            self.wait(now_us);
        }
        self.stream(now_us);
        Ok(Sample::Pools(Box::new(self.sample.clone())))
    }
}

impl Pools {
    /// Takes answers in and asks what is due.
    fn ask(&mut self, now_us: u64) {
        let scans =
            self.sample.pools.said.iter().any(|pool| {
                pool.scan.as_ref().is_some_and(|scan| scan.state == crate::model::pool::ScanState::Running)
            });
        let tools = match &mut self.tools {
            Ok(tools) => tools,
            Err(fault) => {
                let why = || Some(fault.clone());
                (self.sample.pools.fault, self.sample.datasets.fault, self.sample.io.fault) = (why(), why(), why());
                return;
            }
        };
        if let Some(answer) = tools.answer(Duration::ZERO) {
            take(&mut self.sample, answer, now_us);
        }
        match tools.late() {
            Some(Question::Pools) => self.sample.pools.fault = Some(Fault::Timeout),
            Some(Question::Datasets) => self.sample.datasets.fault = Some(Fault::Timeout),
            None => {}
        }
        let due = |asked: Option<Instant>, every| asked.is_none_or(|at| at.elapsed() >= every);
        if self.sample.states.is_empty() || !tools.is_idle() {
            return;
        }
        if due(self.asked[0], if scans { SCAN_EVERY } else { POOLS_EVERY }) {
            self.asked[0] = Some(Instant::now());
            tools.ask(Question::Pools);
        } else if due(self.asked[1], DATASETS_EVERY) {
            self.asked[1] = Some(Instant::now());
            tools.ask(Question::Datasets);
        }
    }

    /// The first reading tells all, unless the tools hang.
    fn wait(&mut self, now_us: u64) {
        self.first = false;
        let end = Instant::now() + FIRST;
        while let Ok(tools) = &mut self.tools {
            if tools.is_idle() {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            match tools.answer(left) {
                Some(answer) => take(&mut self.sample, answer, now_us),
                None => return,
            }
            self.ask(now_us);
        }
    }

    /// Keeps `zpool iostat` going while there are pools.
    fn stream(&mut self, now_us: u64) {
        let Some(zpool) = &self.zpool else { return };
        if let Some(stream) = &self.stream
            && let Some(said) = stream.take()
        {
            self.stream_from = Some(Instant::now());
            self.sample.io = Told { said: Arc::new(said), at_us: now_us, fault: None };
        }
        let waited = self.stream_from.map(|from| from.elapsed());
        let late = waited.is_some_and(|waited| waited > IO_LATE);
        if late {
            self.sample.io.fault = Some(Fault::Timeout);
        }
        let ended = self.stream.as_ref().is_some_and(Stream::ended);
        // One that ended is started again, not at once; one that hangs is left alone: another would hang too.
        if (self.stream.is_none() || (ended && late)) && !self.sample.states.is_empty() {
            let pools = self.sample.states.iter().map(|(name, _)| name.clone()).collect();
            match Stream::start(zpool, pools) {
                Ok(stream) => self.stream = Some(stream),
                Err(error) => self.sample.io.fault = Some(Fault::Broken(format!("zpool iostat: {error}"))),
            }
            self.stream_from = Some(Instant::now());
        }
    }
}

/// `zfs list` passes a suspended pool over: its datasets are there all the same.
fn keep_suspended(datasets: &mut Vec<Dataset>, sample: &PoolSample) {
    let suspended = |pool: &str| sample.states.iter().any(|(name, state)| name == pool && state == SUSPENDED);
    let named: HashSet<String> = datasets.iter().map(|d| d.name.clone()).collect();
    let kept = sample.datasets.said.iter().filter(|d| suspended(d.pool()) && !named.contains(&d.name));
    datasets.extend(kept.cloned());
    datasets.sort_by(|a, b| a.name.cmp(&b.name));
}

fn take(sample: &mut PoolSample, answer: Answer, now_us: u64) {
    match answer {
        Answer::Pools(Ok(mut pools)) => {
            tools::compress(&mut pools, &sample.datasets.said);
            if *sample.pools.said != pools {
                sample.pools.said = Arc::new(pools);
            }
            (sample.pools.at_us, sample.pools.fault) = (now_us, None);
        }
        Answer::Datasets(Ok(mut datasets)) => {
            keep_suspended(&mut datasets, sample);
            let mut pools = (*sample.pools.said).clone();
            tools::compress(&mut pools, &datasets);
            if pools != *sample.pools.said {
                sample.pools.said = Arc::new(pools);
            }
            if *sample.datasets.said != datasets {
                sample.datasets.said = Arc::new(datasets);
            }
            (sample.datasets.at_us, sample.datasets.fault) = (now_us, None);
        }
        Answer::Pools(Err(fault)) => sample.pools.fault = Some(fault),
        Answer::Datasets(Err(fault)) => sample.datasets.fault = Some(fault),
    }
}

#[cfg(test)]
mod tests;
