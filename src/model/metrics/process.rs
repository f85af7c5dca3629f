//! Metrics of the processes.

use super::{
    Unit::Count,
    def::{MetricDef, NONE, Put, gauge, one, read_once},
};
use crate::model::{host::Host, process::ProcessCounts, source::SourceId::Processes};

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    gauge("processes_total", Count, Processes, NONE, "Processes.", |h, put| processes(h, put, |c| c.total)),
    gauge("processes_running", Count, Processes, NONE, "Runnable processes (state R).", |h, put| processes(h, put, |c| c.running)),
    gauge("processes_blocked", Count, Processes, NONE, "Processes in uninterruptible sleep (state D).",
        |h, put| processes(h, put, |c| c.blocked)),
    gauge("processes_zombie", Count, Processes, NONE, "Zombie processes (state Z).",
        |h, put| processes(h, put, |c| c.zombie)),
    gauge("processes_threads", Count, Processes, NONE, "Threads of all processes.", |h, put| processes(h, put, |c| c.threads)),
];

fn processes(host: &Host, put: Put<'_>, figure: fn(&ProcessCounts) -> u32) {
    // What is counted of some is not exported as if it were of all.
    let all = read_once(host, Processes) && host.processes.hidden.is_none();
    one(put, all.then(|| f64::from(figure(&host.processes.counts))));
}
