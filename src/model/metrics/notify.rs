//! Metrics of destinations of notices.

use super::{
    Unit::Count,
    def::{MetricDef, flag, gauge},
};
use crate::model::{destination::Destination, host::Host, source::SourceId::Load};

/// Its rows of TABLE METRICS. The fold feeds them, not a source.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    MetricDef { source: None, ..gauge("notify_up", Count, Load, &["destination"], "1 when notices arrive at the destination, 0 when they do not.",
        |h, put| for destination in &h.destinations {
            put(&[&destination.name], flag(destination.error.is_none()));
        })
        .cause(|h, of| destination(h, of)?.error.clone())
        .began(|h, of| destination(h, of)?.failing_since_unix_ms) },
];

fn destination<'a>(host: &'a Host, labels: &[&str]) -> Option<&'a Destination> {
    let name = labels.first()?;
    host.destinations.iter().find(|destination| destination.name == *name)
}
