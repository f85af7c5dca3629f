//! What a row of TABLE METRICS holds, and what reads the rows of every domain.

use super::Unit;
use crate::{
    clock::Stamp,
    model::{host::Host, source::SourceId},
};

/// Receives one value with its label values, in the order of [`MetricDef::labels`].
pub type Put<'a> = &'a mut dyn FnMut(&[&str], f64);

/// Gives every value that a metric has.
pub type Read = fn(&Host, Put<'_>);

/// Looks up a fact about the subject that these label values name; `None` where there is none.
pub type Lookup<T> = fn(&Host, &[&str]) -> Option<T>;

/// One metric.
#[derive(Clone, Copy)]
pub struct MetricDef {
    /// `snake_case`, base unit.
    pub id: &'static str,
    pub unit: Unit,
    /// The source that feeds it: where that is stale, the value is not to be trusted. `None`: the fold itself.
    pub source: Option<SourceId>,
    /// It only grows until something restarts.
    pub counter: bool,
    /// One sentence.
    pub help: &'static str,
    /// Label names.
    pub labels: &'static [&'static str],
    /// Gives every value there is; an absent one is left out.
    pub read: Read,
    /// For `{cause}` in a rule: what the state adds to the sentence, `sdd offline` for a pool that is not healthy.
    pub cause: Option<Lookup<String>>,
    /// For `{detail}` in a rule: the value in the words of its subject, where a number does not say it all.
    pub detail: Option<Lookup<String>>,
    /// Since when it is so, as the subject itself reports: milliseconds since 1970.
    pub began: Option<Lookup<i64>>,
    /// Since when it is so, where that is known and no rule should wait for the next value: a failure is a fact of its own.
    pub since: Option<Lookup<Stamp>>,
}

impl std::fmt::Debug for MetricDef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl MetricDef {
    pub(super) const fn counter(self) -> Self {
        MetricDef { counter: true, ..self }
    }

    pub(super) const fn cause(self, cause: Lookup<String>) -> Self {
        MetricDef { cause: Some(cause), ..self }
    }

    pub(super) const fn detail(self, detail: Lookup<String>) -> Self {
        MetricDef { detail: Some(detail), ..self }
    }

    pub(super) const fn began(self, began: Lookup<i64>) -> Self {
        MetricDef { began: Some(began), ..self }
    }

    pub(super) const fn since(self, since: Lookup<Stamp>) -> Self {
        MetricDef { since: Some(since), ..self }
    }
}

/// A metric that may rise and fall.
pub(super) const fn gauge(
    id: &'static str,
    unit: Unit,
    source: SourceId,
    labels: &'static [&'static str],
    help: &'static str,
    read: Read,
) -> MetricDef {
    let source = Some(source);
    MetricDef {
        id,
        unit,
        source,
        counter: false,
        help,
        labels,
        read,
        cause: None,
        detail: None,
        began: None,
        since: None,
    }
}

pub(super) const NONE: &[&str] = &[];

/// A value without labels, if there is one.
pub(super) fn one(put: Put<'_>, value: Option<f64>) {
    if let Some(value) = value {
        put(&[], value);
    }
}

/// 1 or 0.
pub(super) fn flag(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

pub(super) fn read_once(host: &Host, source: SourceId) -> bool {
    host.health.get(source).is_some_and(|h| h.good_at.is_some())
}
