//! ZFS pools: the module's kstats at each refresh, `zpool` and `zfs` slowly and on their own threads. A change of a
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

use super::{CollectCx, Collector, OpenCx, worker::Reply};
use crate::{
    clock::Stamp,
    model::{
        event::Sample,
        fault::Fault,
        pool::{Dataset, PoolSample, SUSPENDED, ScanState},
    },
    sys::{
        exec::{Exec, System},
        root::Root,
    },
};
use iostat::Stream;
use tools::{List, Question, Tools};

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
    // Tools ask this machine's kernel: of another root only the files are read.
    let exec: Option<Arc<dyn Exec>> = if cx.root.is_live() { Some(Arc::new(System)) } else { None };
    Ok(Box::new(Pools::open(cx.root.clone(), exec)?))
}

struct Pools {
    root: Root,
    kstats: kstat::Kstats,
    exec: Option<Arc<dyn Exec>>,
    tools: Result<Tools, Fault>,
    zpool: Option<PathBuf>,
    sample: PoolSample,
    first: bool,
    /// When pools and datasets were asked for last.
    asked: [Option<Stamp>; 2],
    stream: Option<Stream>,
    /// When the stream was started, or wrote last.
    stream_at: Option<Stamp>,
}

impl Collector for Pools {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let states = kstat::states(&self.root);
        if states.is_empty() && !self.root.path(kstat::FOLDER).is_dir() {
            return Err(Fault::Absent("the ZFS module was unloaded".to_owned()));
        }
        let changed = states != self.sample.states;
        let others = changed && !states.iter().map(|s| &s.0).eq(self.sample.states.iter().map(|s| &s.0));
        self.sample.counters = self.kstats.counters(&self.root, &states);
        self.sample.states = states;
        if changed {
            self.asked[0] = None;
        }
        if others {
            self.asked[1] = None;
            self.stream = None;
            self.stream_at = None;
        }
        self.ask(cx.at);
        if self.first {
            self.wait(cx.at);
        }
        self.stream(cx.at);
        Ok(Sample::Pools(Box::new(self.sample.clone())))
    }
}

impl Pools {
    /// The source over `root`; without `exec` there are no tools to ask.
    fn open(root: Root, exec: Option<Arc<dyn Exec>>) -> Result<Self, Fault> {
        let folder = root.path(kstat::FOLDER);
        if !folder.is_dir() {
            return Err(Fault::Absent(format!("no ZFS module: {} does not exist", folder.display())));
        }
        Ok(Pools {
            tools: exec.clone().map_or_else(|| Err(Fault::Absent("a recording".to_owned())), tools::worker),
            zpool: exec.as_ref().and_then(|exec| exec.find("zpool")),
            sample: PoolSample { version: root.line("sys/module/zfs/version"), ..PoolSample::default() },
            kstats: kstat::Kstats::default(),
            root,
            exec,
            first: true,
            asked: [None; 2],
            stream: None,
            stream_at: None,
        })
    }

    /// Takes answers in and asks what is due.
    fn ask(&mut self, now: Stamp) {
        let runs = |scan: &crate::model::pool::Scan| scan.state == ScanState::Running;
        let scans = self.sample.pools.value.iter().any(|pool| pool.scan.as_ref().is_some_and(runs));
        let tools = match &mut self.tools {
            Ok(tools) => tools,
            Err(fault) => {
                let why = || Some(fault.clone());
                (self.sample.pools.fault, self.sample.datasets.fault, self.sample.io.fault) = (why(), why(), why());
                return;
            }
        };
        if let Some(reply) = tools.poll(Duration::ZERO) {
            take(&mut self.sample, reply, now);
        }
        if let Some(late) = tools.late(now) {
            *fault_of(&mut self.sample, *late) = Some(Fault::Timeout);
        }
        if self.sample.states.is_empty() || !tools.is_idle() {
            return;
        }
        let due = |asked: Option<Stamp>, every| asked.is_none_or(|at| now.since(at) >= every);
        let question = if due(self.asked[0], if scans { SCAN_EVERY } else { POOLS_EVERY }) {
            Question::Pools
        } else if due(self.asked[1], DATASETS_EVERY) {
            Question::Datasets
        } else {
            return;
        };
        self.asked[usize::from(question == Question::Datasets)] = Some(now);
        if let Err(fault) = tools.ask(question, now) {
            *fault_of(&mut self.sample, question) = Some(fault);
        }
    }

    /// The first reading has everything, unless the tools hang.
    fn wait(&mut self, now: Stamp) {
        self.first = false;
        let end = Instant::now() + FIRST;
        while let Ok(tools) = &mut self.tools {
            let left = end.saturating_duration_since(Instant::now());
            let Some(reply) = tools.poll(left) else { return };
            take(&mut self.sample, reply, now);
            self.ask(now);
        }
    }

    /// Keeps `zpool iostat` going while there are pools.
    fn stream(&mut self, now: Stamp) {
        let (Some(exec), Some(zpool)) = (&self.exec, &self.zpool) else { return };
        if let Some(rates) = self.stream.as_ref().and_then(Stream::take) {
            self.stream_at = Some(now);
            self.sample.io.update(rates, now);
        }
        let late = self.stream_at.is_some_and(|at| now.since(at) > IO_LATE);
        if late {
            self.sample.io.fault = Some(Fault::Timeout);
        }
        let ended = self.stream.as_ref().is_some_and(Stream::ended);
        // One that ended is started again, not at once; one that hangs is left alone: another would hang too.
        if (self.stream.is_none() || (ended && late)) && !self.sample.states.is_empty() {
            let pools = self.sample.states.iter().map(|(name, _)| name.clone()).collect();
            match Stream::start(&**exec, zpool, pools) {
                Ok(stream) => self.stream = Some(stream),
                Err(fault) => self.sample.io.fault = Some(fault),
            }
            self.stream_at = Some(now);
        }
    }
}

/// `zfs list` passes a suspended pool over: its datasets are there all the same.
fn keep_suspended(datasets: &mut Vec<Dataset>, sample: &PoolSample) {
    let suspended = |pool: &str| sample.states.iter().any(|(name, state)| name == pool && state == SUSPENDED);
    let named: HashSet<String> = datasets.iter().map(|d| d.name.clone()).collect();
    let kept = sample.datasets.value.iter().filter(|d| suspended(d.pool()) && !named.contains(&d.name));
    datasets.extend(kept.cloned());
    datasets.sort_by(|a, b| a.name.cmp(&b.name));
}

/// Where it is noted why `question` has no answer.
fn fault_of(sample: &mut PoolSample, question: Question) -> &mut Option<Fault> {
    match question {
        Question::Pools => &mut sample.pools.fault,
        Question::Datasets => &mut sample.datasets.fault,
    }
}

fn take(sample: &mut PoolSample, reply: Reply<Question, Result<List, Fault>>, at: Stamp) {
    match reply.outcome.and_then(|list| list) {
        Ok(List::Pools(mut pools)) => {
            tools::compress(&mut pools, &sample.datasets.value);
            sample.pools.update(pools, at);
        }
        Ok(List::Datasets(mut datasets)) => {
            keep_suspended(&mut datasets, sample);
            let mut pools = (*sample.pools.value).clone();
            tools::compress(&mut pools, &datasets);
            if pools != *sample.pools.value {
                sample.pools.value = Arc::new(pools);
            }
            sample.datasets.update(datasets, at);
        }
        Err(fault) => *fault_of(sample, reply.question) = Some(fault),
    }
}

#[cfg(test)]
mod tests;
