//! ZFS pools: what `zpool` says of them, what the module's kstats count ("OpenZFS kstat", state and objset-*), and the
//! rates of `zpool iostat`, joined by name.

mod dataset;
mod devices;
mod scan;
#[cfg(test)]
mod tests;
mod vdev;

use serde::{Deserialize, Serialize};

use super::{
    answer::Answer,
    fault::Fault,
    rate::{align, per_second},
    series::Series,
    span::Span,
};
use crate::{clock::Stamp, units::span_short};

pub use self::{
    dataset::{Dataset, DatasetCounters, is_below, pool_of},
    devices::name_groups,
    scan::{Scan, ScanKind, ScanState, scan_words},
    vdev::{Class, ERROR_KINDS, Vdev},
};

/// The state of a pool that waits for its devices: nothing of it can be read or written.
pub const SUSPENDED: &str = "SUSPENDED";

/// What `zpool` said of one pool.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    /// `ONLINE DEGRADED FAULTED SUSPENDED UNAVAIL`.
    pub state: String,
    /// What `zpool status` says is the matter, on one line; empty when nothing is.
    pub status: String,
    /// What it advises.
    pub action: String,
    /// The last scan.
    pub scan: Option<Scan>,
    /// All below it, in the order of `zpool status`.
    pub vdevs: Vec<Vdev>,
    /// Permanent data errors; `None` where the tool cannot list them.
    pub data_errors: Option<u64>,
    /// Raw size, bytes; `None` for a pool that is not open, as the two below.
    pub size: Option<u64>,
    /// Raw bytes in use.
    pub allocated: Option<u64>,
    /// Raw bytes free.
    pub free: Option<u64>,
    /// Fragmentation of free space, 0 to 1.
    pub fragmentation: Option<f64>,
    /// Deduplication ratio, 1 and more.
    pub dedup: Option<f64>,
    /// Compress ratio of all its data, 1 and more.
    pub compress: Option<f64>,
    /// Bytes that a checkpoint holds; `None` without one.
    pub checkpoint: Option<u64>,
    /// Trims by itself.
    pub autotrim: Option<bool>,
    /// Was imported read-only.
    pub readonly: bool,
}

/// What `zpool iostat` said of a pool or vdev over its last interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PoolIo {
    /// Operations a second.
    pub reads: f64,
    /// Operations a second.
    pub writes: f64,
    /// Bytes a second.
    pub read_bytes: f64,
    /// Bytes a second.
    pub write_bytes: f64,
    /// From queueing to completion, seconds; `None` when nothing was read.
    pub read_wait: Option<f64>,
    /// Likewise for writes.
    pub write_wait: Option<f64>,
}

/// One interval of `zpool iostat`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IoRates {
    /// Counts the intervals.
    pub number: u64,
    /// By the name of the pool, or of the pool and the vdev.
    pub rows: Vec<(String, Option<String>, PoolIo)>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PoolSample {
    /// Version of the module: `2.3.2-2~bpo12+2`.
    pub version: Option<String>,
    /// Imported pools and the state that the module gives each.
    pub states: Vec<(String, String)>,
    /// Mounted datasets.
    pub counters: Vec<DatasetCounters>,
    /// `zpool list` and `zpool status`.
    pub pools: Answer<Vec<Pool>>,
    /// `zpool iostat`.
    pub io: Answer<IoRates>,
    /// `zfs list`.
    pub datasets: Answer<Vec<Dataset>>,
}

impl PoolSample {
    /// Every tool has answered, or said why it does not.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.states.is_empty() || (self.pools.is_settled() && self.datasets.is_settled() && self.io.is_settled())
    }
}

/// One pool as shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PoolRow {
    pub name: String,
    /// The module's word for its state now.
    pub state: String,
    /// What `zpool` said last; `None` until it has.
    pub reported: Option<Pool>,
    /// Why `zpool` says nothing now: what it said last may be old.
    pub silent: bool,
    /// Rates of the last interval.
    pub io: Option<PoolIo>,
    /// The vdevs' rates, by name.
    pub vdev_io: Vec<(String, PoolIo)>,
    /// How many errors its vdevs counted more since the program started.
    pub errors_grown: u64,
    errors_first: Option<u64>,
    /// Bytes a second.
    pub read_history: Series,
    /// Bytes a second.
    pub write_history: Series,
}

/// One dataset as shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DatasetRow {
    /// What `zfs list` said.
    pub reported: Dataset,
    /// Bytes a second, as programs asked for them.
    pub read_per_second: Option<f64>,
    /// Bytes a second.
    pub write_per_second: Option<f64>,
}

/// All pools.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pools {
    pub raw: PoolSample,
    /// Pools by name.
    pub rows: Vec<PoolRow>,
    /// Datasets by name.
    pub datasets: Vec<DatasetRow>,
}

impl PoolRow {
    /// Allocated over size, 0 to 1.
    #[must_use]
    pub fn used_ratio(&self) -> Option<f64> {
        let reported = self.reported.as_ref()?;
        let size = reported.size.filter(|size| *size > 0)?;
        Some(reported.allocated? as f64 / size as f64)
    }

    /// True when the module calls it online.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.state == "ONLINE"
    }

    /// Its values do not change: the tool does not answer, or the pool is suspended.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        self.silent || self.state == SUSPENDED
    }

    /// The longest wait among its leaves, seconds, with the leaf's name.
    #[must_use]
    pub fn worst_wait(&self) -> Option<(&str, f64)> {
        let wait = |io: &PoolIo| [io.read_wait, io.write_wait].into_iter().flatten().fold(None, greatest);
        let waits = self.vdev_io.iter().filter_map(|(name, io)| Some((name.as_str(), wait(io)?)));
        waits.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The wait of the pool as a whole, seconds, over reads and writes by their number.
    #[must_use]
    pub fn wait(&self) -> Option<f64> {
        let io = self.io.as_ref()?;
        match (io.read_wait, io.write_wait) {
            (Some(r), Some(w)) if io.reads + io.writes > 0.0 => {
                Some((r * io.reads + w * io.writes) / (io.reads + io.writes))
            }
            (r, w) => r.or(w),
        }
    }

    fn apply(&mut self, span: Span, state: &str, sample: &PoolSample) {
        state.clone_into(&mut self.state);
        self.silent = sample.pools.fault.is_some();
        if let Some(reported) = sample.pools.value.iter().find(|p| p.name == self.name)
            && self.reported.as_ref() != Some(reported)
        {
            let errors: u64 = reported.leaves().flat_map(|v| v.errors).fold(0, u64::saturating_add);
            let first = *self.errors_first.get_or_insert(errors);
            self.errors_grown = errors.saturating_sub(first);
            if errors < first {
                // They were cleared.
                self.errors_first = Some(errors);
            }
            self.reported = Some(reported.clone());
        }
        let io = Some(&sample.io).filter(|io| io.fault.is_none()).map(|io| &io.value.rows);
        let of_pool = io.and_then(|rows| rows.iter().find(|(pool, vdev, _)| *pool == self.name && vdev.is_none()));
        self.io = of_pool.map(|(_, _, io)| *io);
        let leaf = |name: &str| {
            let vdevs = self.reported.as_ref().map(|t| t.vdevs.as_slice()).unwrap_or_default();
            vdevs.iter().any(|v| v.leaf && v.name == name)
        };
        self.vdev_io = io
            .into_iter()
            .flatten()
            .filter_map(|(pool, vdev, io)| {
                Some((vdev.as_ref().filter(|v| *pool == self.name && leaf(v))?.clone(), *io))
            })
            .collect();
        self.read_history.push(span.at, span.every, self.io.map(|io| io.read_bytes));
        self.write_history.push(span.at, span.every, self.io.map(|io| io.write_bytes));
    }
}

fn greatest(known: Option<f64>, value: f64) -> Option<f64> {
    Some(known.map_or(value, |k| k.max(value)))
}

impl Pools {
    pub fn apply(&mut self, span: Span, sample: PoolSample) {
        let make = |(name, _): &(String, String)| PoolRow { name: name.clone(), ..PoolRow::default() };
        align(&mut self.rows, &sample.states, |row, (name, _)| row.name == *name, make);
        for (row, (_, state)) in self.rows.iter_mut().zip(&sample.states) {
            row.apply(span, state, &sample);
        }
        let make = |reported: &Dataset| DatasetRow { reported: reported.clone(), ..DatasetRow::default() };
        align(&mut self.datasets, &sample.datasets.value, |row, reported| row.reported.name == reported.name, make);
        for (row, reported) in self.datasets.iter_mut().zip(sample.datasets.value.iter()) {
            if row.reported != *reported {
                row.reported.clone_from(reported);
            }
            let of = |counters: &[DatasetCounters]| {
                let at = counters.binary_search_by(|c| c.name.as_str().cmp(&reported.name)).ok();
                at.map(|i| (counters[i].read_bytes, counters[i].written_bytes))
            };
            let pair = of(&self.raw.counters).zip(of(&sample.counters)).zip(span.since);
            row.read_per_second = pair.and_then(|((b, n), since)| per_second(b.0, n.0, since));
            row.write_per_second = pair.and_then(|((b, n), since)| per_second(b.1, n.1, since));
        }
        self.raw = sample;
    }

    /// The tools that give no data at `now`, each with why and how old its last answer is; that of the pools first.
    #[must_use]
    pub fn silent_tools(&self, now: Stamp) -> Vec<String> {
        let age = |at: Stamp| format!(", last answer {} ago", span_short(now.since(at)));
        let words = |tool: &str, fault: &Option<Fault>, at: Option<Stamp>| {
            let why = match fault.as_ref()? {
                Fault::Timeout => "does not answer".to_owned(),
                Fault::Denied { what, hint } => format!("is denied: {what} ({hint})"),
                Fault::Absent(what) | Fault::Broken(what) => what.clone(),
            };
            Some(format!("{tool}: {why}{}", at.map_or_else(String::new, age)))
        };
        let lines = [
            words("zpool", &self.raw.pools.fault, self.raw.pools.at),
            words("zfs", &self.raw.datasets.fault, self.raw.datasets.at),
            words("zpool iostat", &self.raw.io.fault, self.raw.io.at),
        ];
        lines.into_iter().flatten().collect()
    }

    /// The pool of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&PoolRow> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The dataset that holds `path`: the one mounted deepest above it.
    #[must_use]
    pub fn dataset_of(&self, path: &str) -> Option<&DatasetRow> {
        let depth = |row: &&DatasetRow| row.reported.mountpoint.as_deref().map_or(0, str::len);
        self.datasets
            .iter()
            .filter(|row| row.reported.mountpoint.as_deref().is_some_and(|at| is_below(path, at)))
            .max_by_key(depth)
    }

    /// Where `path` is not on a dataset's own mountpoint but the mount table says so: `tank/db` of `findmnt`.
    #[must_use]
    pub fn dataset(&self, name: &str) -> Option<&DatasetRow> {
        self.datasets.iter().find(|row| row.reported.name == name)
    }
}
