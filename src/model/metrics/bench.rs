//! Metrics of benchmarks: what their history says of their newest runs.

use super::{
    Unit::{Count, Ratio},
    def::{MetricDef, Put, flag, gauge},
};
use crate::{
    model::{host::Host, run::Standing, source::SourceId::Load},
    units::percent,
};

const SERIES: &[&str] = &["benchmark", "of"];

/// Its rows of TABLE METRICS. The fold feeds them, not a source.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    MetricDef { source: None, ..gauge("benchmark_regressed", Count, Load, SERIES, "1 when the last three runs of a benchmark are worse than its baseline beyond doubt.",
        |h, put| each(h, put, |s| flag(s.regressed)))
        .detail(sentence).began(began) },
    MetricDef { source: None, ..gauge("benchmark_drift", Count, Load, SERIES, "1 when a benchmark is worse by a lasting change that is no regression.",
        |h, put| each(h, put, |s| flag(s.drift)))
        .detail(sentence).began(began) },
    MetricDef { source: None, ..gauge("benchmark_suspect_ratio", Ratio, Load, SERIES, "Share by which the newest run of a benchmark is worse than its baseline where that is suspect, else 0.",
        |h, put| each(h, put, |s| if s.suspect { s.worse } else { 0.0 }))
        .detail(sentence).began(began) },
];

fn each(host: &Host, put: Put<'_>, value: fn(&Standing) -> f64) {
    for standing in &host.benchmarks {
        put(&[&standing.series.benchmark, &standing.series.of], value(standing));
    }
}

fn standing<'a>(host: &'a Host, labels: &[&str]) -> Option<&'a Standing> {
    let [benchmark, of] = labels else { return None };
    host.benchmarks.iter().find(|standing| standing.series.benchmark == *benchmark && standing.series.of == *of)
}

/// `storage_read of tank/models is 27% worse than before`.
fn sentence(host: &Host, labels: &[&str]) -> Option<String> {
    let Standing { series, worse, .. } = standing(host, labels)?;
    let of = if series.of.is_empty() { String::new() } else { format!(" of {}", series.of) };
    // From nothing to something is no share of anything.
    let by = if worse.is_finite() { format!("{} ", percent(*worse)) } else { String::new() };
    Some(format!("{}{of} is {by}worse than before", series.benchmark))
}

fn began(host: &Host, labels: &[&str]) -> Option<i64> {
    standing(host, labels)?.since_unix_ms
}
