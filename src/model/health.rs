//! The health of each source: live, late, absent, denied. Every reader asks here before it trusts a value.

use std::{collections::BTreeMap, time::Duration};

use super::{event::Envelope, fault::Fault, source::SourceId};
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
    /// Since when it brings none; time in which nothing was read is left out.
    pub fault_since: Option<Stamp>,
    /// The newest sample has all that there is: what is not in it is not there.
    pub complete: bool,
    /// How long nothing was read since `good_at`: while the program was paused or stopped no source is silent.
    asleep: Duration,
}

impl Health {
    fn is_off(&self) -> bool {
        self.fault.as_ref().is_some_and(Fault::is_off)
    }

    /// Why it gives nothing, in a few words.
    #[must_use]
    pub fn trouble(&self) -> String {
        match &self.fault {
            Some(Fault::Broken(why)) => format!("cannot be read: {why}"),
            Some(Fault::Denied { what, hint }) => format!("permission denied: {what} ({hint})"),
            Some(Fault::Absent(what)) if self.good_at.is_none() => format!("not found: {what}"),
            Some(Fault::Absent(what)) => format!("gone: {what}"),
            Some(Fault::Timeout) | None => "no answer".to_owned(),
        }
    }
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
    /// Not present on this machine.
    Absent,
    /// It may not be read.
    Denied,
}

/// All sources.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Healths {
    map: BTreeMap<SourceId, Health>,
    /// The newest pause, from when to when.
    pause: Option<(Stamp, Stamp)>,
}

impl Healths {
    /// Books an envelope.
    pub fn note(&mut self, envelope: &Envelope) {
        let health = self.map.entry(envelope.source).or_default();
        health.every = envelope.every;
        health.took = envelope.took;
        match &envelope.outcome {
            Ok(sample) => {
                health.complete = sample.is_complete();
                health.good_at = Some(envelope.at);
                // A reading from before the pause may arrive after it.
                health.asleep = self.pause.map_or(Duration::ZERO, |(from, to)| to.since(from.max(envelope.at)));
                health.fault = None;
                health.fault_since = None;
            }
            Err(fault) => {
                health.fault_since.get_or_insert(envelope.at);
                health.fault = Some(fault.clone());
            }
        }
    }

    /// Nothing was read from `from` to `to`.
    pub fn resumed(&mut self, from: Stamp, to: Stamp) {
        self.pause = Some((from, to));
        for health in self.map.values_mut() {
            health.asleep += to.since(health.good_at.map_or(from, |good| from.max(good)));
            health.fault_since = health.fault_since.map(|since| since.leaving_out(to.since(from.max(since))));
        }
    }

    /// The record of one source; `None` before it first spoke.
    #[must_use]
    pub fn get(&self, source: SourceId) -> Option<&Health> {
        self.map.get(&source)
    }

    /// Changes with each reading that brought a sample.
    #[must_use]
    pub fn round(&self, source: SourceId) -> u64 {
        self.get(source).and_then(|health| health.good_at).map_or(0, |at| at.mono_us)
    }

    /// True when any source ever brought figures.
    #[must_use]
    pub fn any_figures(&self) -> bool {
        self.map.values().any(|health| health.good_at.is_some())
    }

    /// False when a source once answered, or every machine has it, and it does not answer: what it said last is not to be
    /// trusted. `None` where nothing is expected of it.
    #[must_use]
    pub fn is_up(&self, source: SourceId, now: Stamp) -> Option<bool> {
        let missed = || source.is_essential() && !self.get(source).is_some_and(Health::is_off);
        match self.freshness(source, now) {
            Freshness::Live => Some(true),
            Freshness::Stale(_) => Some(false),
            Freshness::Absent | Freshness::Denied => missed().then_some(false),
            Freshness::Waiting => None,
        }
    }

    /// What to believe of `source` at `now`. A source is stale when three paces (3 s at least) went by without a sample;
    /// time in which nothing was read does not count.
    #[must_use]
    pub fn freshness(&self, source: SourceId, now: Stamp) -> Freshness {
        let Some(health) = self.map.get(&source) else { return Freshness::Waiting };
        match (&health.fault, health.good_at) {
            (Some(Fault::Absent(_)), None) => Freshness::Absent,
            (Some(Fault::Denied { .. }), None) => Freshness::Denied,
            (Some(_), None) => Freshness::Stale(health.fault_since.map_or(Duration::ZERO, |s| now.since(s))),
            (None, None) => Freshness::Waiting,
            (fault, Some(good)) => {
                let age = now.since(good).saturating_sub(health.asleep);
                let patience = (health.every * 3).max(Duration::from_secs(3));
                if fault.is_some() || age > patience { Freshness::Stale(age) } else { Freshness::Live }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{event::Sample, load::LoadSample};

    fn answer(at: u64, outcome: Result<Sample, Fault>) -> Envelope {
        let (took, every) = (Duration::ZERO, Duration::from_secs(1));
        Envelope { source: SourceId::Load, at: Stamp::at_seconds(at), took, every, outcome }
    }

    fn good(at: u64) -> Envelope {
        answer(at, Ok(Sample::Load(LoadSample::default())))
    }

    #[test]
    fn a_pause_makes_nothing_stale() {
        let mut healths = Healths::default();
        let freshness = |h: &Healths, at| h.freshness(SourceId::Load, Stamp::at_seconds(at));
        healths.note(&good(10));
        healths.resumed(Stamp::at_seconds(11), Stamp::at_seconds(100));
        healths.resumed(Stamp::at_seconds(101), Stamp::at_seconds(200));
        assert_eq!(freshness(&healths, 201), Freshness::Live);
        assert_eq!(freshness(&healths, 203), Freshness::Stale(Duration::from_secs(5)));
        // What was under way when the pause began arrives after it.
        healths.note(&good(100));
        assert_eq!(freshness(&healths, 202), Freshness::Live);
        healths.note(&good(202));
        assert_eq!(freshness(&healths, 206), Freshness::Stale(Duration::from_secs(4)));
    }

    #[test]
    fn a_fault_keeps_its_awake_age() {
        let mut healths = Healths::default();
        healths.note(&answer(10, Err(Fault::Timeout)));
        healths.resumed(Stamp::at_seconds(15), Stamp::at_seconds(100));
        let stale = healths.freshness(SourceId::Load, Stamp::at_seconds(101));
        assert_eq!(stale, Freshness::Stale(Duration::from_secs(6)));
    }

    #[test]
    fn trouble_is_said_in_a_few_words() {
        let trouble = |fault: Option<Fault>, seen: bool| {
            let good_at = seen.then(|| Stamp::at_seconds(1));
            Health { fault, good_at, ..Health::default() }.trouble()
        };
        let absent = || Some(Fault::Absent("no /x".into()));
        assert_eq!(
            (trouble(absent(), false), trouble(absent(), true)),
            ("not found: no /x".into(), "gone: no /x".into())
        );
        assert_eq!(trouble(Some(Fault::Broken("odd".into())), true), "cannot be read: odd");
        let denied = Fault::Denied { what: "/x".into(), hint: "run as root".into() };
        assert_eq!(trouble(Some(denied), true), "permission denied: /x (run as root)");
        assert_eq!(
            (trouble(Some(Fault::Timeout), true), trouble(None, true)),
            ("no answer".into(), "no answer".into())
        );
    }
}
