//! How each source fares: live, late, absent, denied. Every reader asks here before it trusts a figure.

use std::{collections::BTreeMap, time::Duration};

use super::event::{Envelope, Fault, SourceId};
use crate::clock::Stamp;

/// One source's record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// The newest reading that brought a sample.
    pub good_at: Option<Stamp>,
    /// How long the newest reading took.
    pub took: Duration,
    /// Its pace.
    pub every: Duration,
    /// Why the newest reading brought none; `None` when it did.
    pub fault: Option<Fault>,
    /// Since when it brings none.
    pub fault_since: Option<Stamp>,
}

/// What a reader may believe of a source's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// No answer yet.
    Waiting,
    /// The figures are of the last rounds.
    Live,
    /// The figures are this old; dim them, level unknown.
    Stale(Duration),
    /// The machine has no such thing.
    Absent,
    /// It may not be read.
    Denied,
}

/// All sources.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Healths {
    map: BTreeMap<SourceId, Health>,
}

impl Healths {
    /// Books an envelope.
    pub fn note(&mut self, envelope: &Envelope) {
        let health = self.map.entry(envelope.source).or_default();
        health.every = envelope.every;
        health.took = envelope.took;
        match &envelope.outcome {
            Ok(_) => {
                health.good_at = Some(envelope.at);
                health.fault = None;
                health.fault_since = None;
            }
            Err(fault) => {
                health.fault_since.get_or_insert(envelope.at);
                health.fault = Some(fault.clone());
            }
        }
    }

    /// The record of one source; `None` before it first spoke.
    #[must_use]
    pub fn get(&self, source: SourceId) -> Option<&Health> {
        self.map.get(&source)
    }

    /// True when any source ever brought figures.
    #[must_use]
    pub fn any_figures(&self) -> bool {
        self.map.values().any(|health| health.good_at.is_some())
    }

    /// What to believe of `source` at `now`. A source is stale when three paces (3 s at least) went by without a sample.
    #[must_use]
    pub fn freshness(&self, source: SourceId, now: Stamp) -> Freshness {
        let Some(health) = self.map.get(&source) else { return Freshness::Waiting };
        match (&health.fault, health.good_at) {
            (Some(Fault::Absent(_)), None) => Freshness::Absent,
            (Some(Fault::Denied { .. }), None) => Freshness::Denied,
            (Some(_), None) => Freshness::Stale(health.fault_since.map_or(Duration::ZERO, |s| now.since(s))),
            (None, None) => Freshness::Waiting,
            (fault, Some(good)) => {
                let age = now.since(good);
                let patience = (health.every * 3).max(Duration::from_secs(3));
                if fault.is_some() || age > patience { Freshness::Stale(age) } else { Freshness::Live }
            }
        }
    }
}
