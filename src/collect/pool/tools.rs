//! Asking `zpool` and `zfs` in a worker, one child at a time: they may hang without end on a suspended pool, and the kstats
//! must go on.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    dataset::{self, Snapshots},
    status_json, status_text,
};
use crate::{
    clock::Stamp,
    collect::worker::{Setup, Worker},
    model::{
        fault::Fault,
        pool::{Dataset, Pool},
    },
    sys::exec::{Exec, Runner},
};

/// A child that takes longer is ended.
const DEADLINE: Duration = Duration::from_secs(10);
/// Snapshots are many where there are any: they are counted this seldom.
const SNAPSHOTS_EVERY: Duration = Duration::from_secs(600);
/// What takes half of its deadline is reported as late.
const SETUP: Setup = Setup { name: "zpool", stack: 512 << 10, patience: Duration::from_secs(5) };

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// `zpool list` and `zpool status`.
    Pools,
    /// `zfs list`.
    Datasets,
}

/// What the tools list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum List {
    Pools(Vec<Pool>),
    Datasets(Vec<Dataset>),
}

/// The worker that runs the tools.
pub(super) type Tools = Worker<Question, Result<List, Fault>>;

/// A worker for the tools of `exec`.
///
/// # Errors
/// [`Fault::Absent`] without the programs.
pub(super) fn worker(exec: Arc<dyn Exec>) -> Result<Tools, Fault> {
    let (Some(zpool), Some(zfs)) = (exec.find("zpool"), exec.find("zfs")) else {
        return Err(Fault::Absent("the ZFS module is loaded, but zpool and zfs are not installed".to_owned()));
    };
    Ok(Worker::new(SETUP, move || {
        let runner = Runner::new(exec.clone());
        let mut programs = Programs { zpool: zpool.clone(), zfs: zfs.clone(), runner, snapshots: None };
        Box::new(move |question, at| match question {
            Question::Pools => programs.pools(at).map(List::Pools),
            Question::Datasets => programs.datasets(at).map(List::Datasets),
        })
    }))
}

struct Programs {
    zpool: PathBuf,
    zfs: PathBuf,
    runner: Runner,
    snapshots: Option<(Stamp, Snapshots)>,
}

impl Programs {
    fn pools(&mut self, at: Stamp) -> Result<Vec<Pool>, Fault> {
        let columns = "name,size,allocated,free,fragmentation,dedupratio,health,checkpoint,autotrim,readonly";
        let list = self.runner.run(&self.zpool, &["list", "-Hp", "-o", columns], DEADLINE)?.ok("zpool list")?;
        let status = ["status", "-j", "--json-int", "-P", "-p", "-s"];
        let status = self.runner.run(&self.zpool, &status, DEADLINE)?;
        let mut pools = match status_json::parse(&status.out, at.unix_ms / 1000) {
            Some(pools) => pools,
            // Before 2.3 the option is refused, or taken and ignored.
            None => {
                let status = ["status", "-P", "-p", "-s"];
                let text = self.runner.run(&self.zpool, &status, DEADLINE)?.ok("zpool status")?;
                status_text::parse(&String::from_utf8_lossy(&text))
            }
        };
        space(&String::from_utf8_lossy(&list), &mut pools);
        Ok(pools)
    }

    fn datasets(&mut self, at: Stamp) -> Result<Vec<Dataset>, Fault> {
        if self.snapshots.as_ref().is_none_or(|(counted, _)| at.since(*counted) > SNAPSHOTS_EVERY) {
            let list = self.runner.run(&self.zfs, &dataset::SNAPSHOTS, DEADLINE * 3)?.ok("zfs list")?;
            self.snapshots = Some((at, dataset::snapshots(&String::from_utf8_lossy(&list))));
        }
        let list = self.runner.run(&self.zfs, &dataset::DATASETS, DEADLINE * 2)?.ok("zfs list")?;
        let none = Snapshots::new();
        let snapshots = self.snapshots.as_ref().map_or(&none, |(_, snapshots)| snapshots);
        Ok(dataset::datasets(&String::from_utf8_lossy(&list), snapshots))
    }
}

/// Puts what `zpool list -Hp` says into the pools that `zpool status` named; one that status left out is added.
pub(super) fn space(text: &str, pools: &mut Vec<Pool>) {
    for line in text.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, size, allocated, free, fragmentation, dedup, health, checkpoint, autotrim, readonly] = columns[..]
        else {
            continue;
        };
        let bytes = |text: &str| text.parse::<u64>().ok();
        let at = pools.iter().position(|pool| pool.name == name).unwrap_or_else(|| {
            pools.push(Pool {
                name: crate::text::clean(name).into_owned(),
                state: health.to_owned(),
                ..Pool::default()
            });
            pools.len() - 1
        });
        let pool = &mut pools[at];
        // A pool that is not open has `-` for each.
        (pool.size, pool.allocated, pool.free) = (bytes(size), bytes(allocated), bytes(free));
        pool.fragmentation = fragmentation.trim_end_matches('%').parse::<f64>().ok().map(|p| p / 100.0);
        pool.dedup = dedup.trim_end_matches('x').parse().ok();
        pool.checkpoint = bytes(checkpoint);
        pool.autotrim = match autotrim {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        pool.readonly = readonly == "on";
    }
}

/// The compress ratio of a pool is that of its first dataset, which holds all others.
pub(super) fn compress(pools: &mut [Pool], datasets: &[Dataset]) {
    for pool in pools {
        let root = datasets.iter().find(|d| d.name == pool.name);
        pool.compress = root.and_then(|d| d.ratio).or(pool.compress);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::exec::fake::{FakeExec, Script};

    #[test]
    fn snapshots_are_counted_every_ten_minutes() {
        let exec = FakeExec::new([("zfs list", Script::says(""))]);
        let (zpool, zfs) = ("/fake/zpool".into(), "/fake/zfs".into());
        let mut programs = Programs { zpool, zfs, runner: Runner::new(exec.clone()), snapshots: None };
        let counts = [5, 605, 606, 1206, 1207].map(|second| {
            programs.datasets(Stamp::at_seconds(second)).expect("a list");
            exec.started().iter().filter(|line| line.contains("snapshot -o")).count()
        });
        assert_eq!(counts, [1, 1, 2, 2, 3]);
    }

    #[test]
    fn a_pool_has_the_ratio_of_its_first_dataset() {
        let pool = |name: &str| Pool { name: name.into(), compress: Some(9.0), ..Pool::default() };
        let dataset = |name: &str, ratio| Dataset { name: name.into(), ratio, ..Dataset::default() };
        let mut pools = vec![pool("a"), pool("b"), pool("c"), pool("d")];
        let datasets =
            [dataset("a/x", Some(3.0)), dataset("b", Some(2.0)), dataset("a", Some(1.5)), dataset("c", None)];
        compress(&mut pools, &datasets);
        let ratios: Vec<_> = pools.iter().map(|pool| pool.compress).collect();
        assert_eq!(ratios, [Some(1.5), Some(2.0), Some(9.0), Some(9.0)], "what is not known stays");
    }
}
