//! Metrics of benchtop itself: the limits of its cgroup, and its sources.

use super::{
    Unit::{Count, Ratio},
    def::{MetricDef, NONE, Put, flag, gauge, one},
};
use crate::model::{
    health::Health,
    host::Host,
    source::SourceId::{self, Limits, Load},
};

const SOURCE: &[&str] = &["source"];

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    gauge("own_cpu_ratio", Ratio, Limits, NONE, "Share of the CPU limit of benchtop's own cgroup.", |h, put| one(put, h.limits.cpu_ratio)),
    gauge("own_memory_ratio", Ratio, Limits, NONE, "Share of the memory limit of benchtop's own cgroup.", |h, put| one(put, h.limits.memory_ratio)),
    gauge("own_throttled_ratio", Ratio, Limits, NONE, "Share of periods in which benchtop's own cgroup was throttled.",
        |h, put| one(put, h.limits.throttled_ratio)),

    // Not fed by one of them.
    MetricDef { source: None, ..gauge("source_up", Count, Load, SOURCE, "1 when the source answers, 0 when it should and does not.", up)
        .cause(|h, of| Some(source(h, of)?.trouble()))
        .since(|h, of| source(h, of)?.fault_since) },
];

fn up(host: &Host, put: Put<'_>) {
    for source in SourceId::ALL.into_iter().filter(|source| !source.is_on_demand()) {
        if let Some(up) = host.health.is_up(source, host.now) {
            put(&[source.name()], flag(up));
        }
    }
}

/// The source that the labels name.
fn source<'a>(host: &'a Host, labels: &[&str]) -> Option<&'a Health> {
    let label = labels.first()?;
    host.health.get(SourceId::ALL.into_iter().find(|id| id.name() == *label)?)
}
