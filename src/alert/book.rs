//! Every alert that is pending, fires or is gone, by its key, with what users said of it. Serializable: it goes on after a
//! restart.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    flap::Flap,
    normal::Normal,
    phase::{Acknowledged, Entry, Phase},
};
use crate::{
    clock::Stamp,
    model::alert::{AlertKey, AlertMark, AlertSays, Labels, Silence},
};

/// One alert and the labels that it is shown with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Alert {
    /// Names and values of the newest figure.
    pub labels: Labels,
    /// Its state.
    pub entry: Entry,
}

/// The alerts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct AlertBook {
    pub(super) alerts: BTreeMap<AlertKey, Alert>,
    /// Metrics that were judged at least once: what is over its limit at the first look may have been so for longer.
    pub(super) known: BTreeSet<String>,
    /// How often alerts fired and cleared lately.
    pub(super) flaps: BTreeMap<AlertKey, Flap>,
    /// What is normal, for rules that compare with that.
    pub(super) normals: BTreeMap<AlertKey, Normal>,
    pub(super) silences: Vec<Silence>,
    /// What ended up to here was looked at: milliseconds since 1970.
    pub seen_unix_ms: i64,
}

/// A book as it is written down: a key of several parts can be no key of a JSON object.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Written {
    alerts: Vec<(AlertKey, Alert)>,
    known: BTreeSet<String>,
    flaps: Vec<(AlertKey, Flap)>,
    normals: Vec<(AlertKey, Normal)>,
    silences: Vec<Silence>,
    seen_unix_ms: i64,
}

impl From<Written> for AlertBook {
    fn from(written: Written) -> Self {
        let Written { alerts, known, flaps, normals, silences, seen_unix_ms } = written;
        let (alerts, flaps) = (alerts.into_iter().collect(), flaps.into_iter().collect());
        AlertBook { alerts, known, flaps, normals: normals.into_iter().collect(), silences, seen_unix_ms }
    }
}

impl From<AlertBook> for Written {
    fn from(book: AlertBook) -> Self {
        let AlertBook { alerts, known, flaps, normals, silences, seen_unix_ms } = book;
        let (alerts, flaps) = (alerts.into_iter().collect(), flaps.into_iter().collect());
        Written { alerts, known, flaps, normals: normals.into_iter().collect(), silences, seen_unix_ms }
    }
}

impl AlertBook {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&AlertKey, &Alert)> {
        self.alerts.iter()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, key: &AlertKey) -> Option<&Alert> {
        self.alerts.get(key)
    }

    /// Takes in what the user said.
    pub fn mark(&mut self, mark: &AlertMark) {
        match &mark.says {
            AlertSays::Acknowledge { key, comment } => {
                if let Some(alert) = self.alerts.get_mut(key) {
                    let (level, at_unix_ms) = (alert.entry.level, mark.at.unix_ms);
                    alert.entry.acknowledged = Some(Acknowledged { level, at_unix_ms, comment: comment.clone() });
                }
            }
            AlertSays::Unacknowledge(key) => {
                if let Some(alert) = self.alerts.get_mut(key) {
                    alert.entry.acknowledged = None;
                }
            }
            AlertSays::Silence(silence) => {
                self.silences.retain(|other| other.scope != silence.scope || other.by != silence.by);
                self.silences.push(silence.clone());
            }
            AlertSays::Unsilence(scope) => {
                self.silences.retain(|silence| silence.scope != *scope || silence.by.is_some())
            }
            AlertSays::SilencedElsewhere(silences) => {
                self.silences.retain(|silence| silence.by.is_none());
                self.silences.extend(silences.iter().cloned());
            }
            AlertSays::Seen { until_unix_ms } => self.seen_unix_ms = self.seen_unix_ms.max(*until_unix_ms),
        }
    }

    /// The silences that are not over.
    pub fn silences(&self, now: Stamp) -> impl Iterator<Item = &Silence> {
        self.silences.iter().filter(move |silence| silence.until_unix_ms > now.unix_ms)
    }

    /// Until when this alert is silenced.
    #[must_use]
    pub fn silenced(&self, key: &AlertKey, now: Stamp) -> Option<i64> {
        self.silences(now).filter(|silence| silence.scope.covers(key)).map(|silence| silence.until_unix_ms).max()
    }

    /// True while it fires and clears all the time; how often it cleared lately.
    #[must_use]
    pub fn flaps(&self, key: &AlertKey) -> Option<(bool, usize)> {
        self.flaps.get(key).map(|flap| (flap.flapping, flap.pairs()))
    }

    /// What is normal for a figure, of a rule that compares with that.
    #[must_use]
    pub fn normal(&self, key: &AlertKey) -> Option<f64> {
        self.normals.get(key).and_then(Normal::get)
    }

    /// Nothing was judged from `from` to `to`: that time counts for no hold and no age.
    pub fn leave_out(&mut self, from: Stamp, to: Stamp) {
        self.stamps(|stamp| *stamp = stamp.leaving_out(to.since(from.max(*stamp))));
    }

    /// Changes every stamp.
    pub(super) fn stamps(&mut self, mut change: impl FnMut(&mut Stamp)) {
        self.alerts.values_mut().flat_map(|alert| alert.entry.stamps()).for_each(&mut change);
        self.flaps.values_mut().flat_map(Flap::stamps).for_each(&mut change);
        self.normals.values_mut().map(|normal| &mut normal.seen).for_each(change);
    }

    /// What was pending starts again.
    pub(super) fn restart_pending(&mut self) {
        self.alerts.retain(|_, alert| alert.entry.phase != Phase::Pending);
    }

    /// Goes on with `before`, the book of an earlier program; what was judged since then and is not in it stays.
    #[must_use]
    pub fn going_on_with(self, mut before: AlertBook) -> AlertBook {
        for (key, alert) in self.alerts {
            before.alerts.entry(key).or_insert(alert);
        }
        before.known.extend(self.known);
        before.silences.extend(self.silences);
        before.seen_unix_ms = before.seen_unix_ms.max(self.seen_unix_ms);
        before
    }

    /// True while a hold of one of them runs.
    #[must_use]
    pub fn is_any_timed(&self) -> bool {
        self.alerts.values().any(|alert| alert.entry.is_timed())
    }

    /// True when it holds something that should outlast the program.
    #[must_use]
    pub fn is_worth_keeping(&self) -> bool {
        let lists = self.alerts.is_empty() && self.flaps.is_empty() && self.normals.is_empty();
        !lists || !self.silences.is_empty() || self.seen_unix_ms > 0
    }

    /// Takes over from `other`, which judges the same machine, how long each has been so, and what only that one knows.
    pub fn agree(&mut self, other: AlertBook) {
        for (key, theirs) in other.alerts {
            match self.alerts.get_mut(&key) {
                Some(ours) if ours.entry.phase == theirs.entry.phase => ours.entry.agree(&theirs.entry),
                Some(_) => {}
                None if theirs.entry.phase == Phase::Pending => {}
                None => drop(self.alerts.insert(key, theirs)),
            }
        }
        (self.flaps, self.silences) = (other.flaps, other.silences);
        self.seen_unix_ms = self.seen_unix_ms.max(other.seen_unix_ms);
        for (key, normal) in other.normals {
            self.normals.entry(key).or_insert(normal);
        }
    }
}

#[cfg(test)]
mod tests;
