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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metrics;

    #[test]
    fn a_destination_that_fails_says_why_and_since_when() {
        let of = |name: &str, error: Option<&str>, since| Destination {
            at: crate::clock::Stamp::at_seconds(9),
            name: name.into(),
            error: error.map(str::to_owned),
            failing_since_unix_ms: since,
        };
        let mut host = Host::default();
        host.apply_destination(of("ntfy", None, None));
        host.apply_destination(of("webhook", None, None));
        host.apply_destination(of("ntfy", Some("404"), Some(7)));
        let metric = metrics::find("notify_up").expect("a metric");
        let mut all = Vec::new();
        (metric.read)(&host, &mut |labels, value| all.push((labels[0].to_owned(), value)));
        assert_eq!(all, [("ntfy".to_owned(), 0.0), ("webhook".to_owned(), 1.0)]);
        let (cause, began) = (metric.cause.expect("it has one"), metric.began.expect("it has one"));
        assert_eq!((cause(&host, &["ntfy"]).as_deref(), began(&host, &["ntfy"])), (Some("404"), Some(7)));
        assert_eq!((cause(&host, &["webhook"]), began(&host, &["webhook"])), (None, None));
        assert_eq!((cause(&host, &["none"]), cause(&host, &[])), (None, None));
    }
}
