//! One judgement of all rules: each figure against its alert in the book, what gave no figure, what flaps and what has
//! settled. What changed comes out at its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    time::Duration,
};

use super::{
    book::{Alert, AlertBook},
    normal::KEPT,
    phase::{self, Moment, Observation, Phase, step},
    rule::{Level, Rule},
    transition::{Transition, Turn},
    watch::Muted,
};
use crate::{
    clock::Stamp,
    model::alert::{AlertKey, Labels},
};

/// A judgement of all rules, under way.
pub struct Judgement<'a> {
    book: &'a mut AlertBook,
    judged: BTreeSet<AlertKey>,
    transitions: Vec<Transition>,
}

impl<'a> Judgement<'a> {
    /// Begins; it is over with [`Judgement::end`].
    pub fn new(book: &'a mut AlertBook) -> Self {
        Judgement { book, judged: BTreeSet::new(), transitions: Vec::new() }
    }
}

impl Judgement<'_> {
    /// The alerts of the rule: a value that is fine matters to no other one.
    pub fn alerts_of<'b>(&'b self, rule: &'b Rule) -> impl Iterator<Item = (&'b AlertKey, &'b Alert)> {
        of(&self.book.alerts, rule)
    }

    /// True where an alert of the rule was not judged yet, and was before; or, with `again`, whether it was or not.
    #[must_use]
    pub fn misses(&self, rule: &Rule, again: bool) -> bool {
        let counts = |alert: &Alert| again || alert.entry.missing.is_none();
        of(&self.book.alerts, rule).any(|(key, alert)| counts(alert) && !self.judged.contains(key))
    }

    /// True when this metric is judged for the first time; it is known from here on.
    pub fn is_first(&mut self, metric: &str) -> bool {
        !self.book.known.contains(metric) && self.book.known.insert(metric.to_owned())
    }

    /// Judges a figure. `first`: its metric was never judged before.
    pub fn value(&mut self, rule: &Rule, key: AlertKey, labels: Labels, found: Observation, at: (Moment, bool)) {
        let (moment, first) = at;
        let normal = rule.normal_floor.and_then(|_| self.book.normal(&key));
        if let Observation::Value { value, at, .. } = found
            && rule.level(phase::judged(rule, value, normal)) < Level::Advice
        {
            if rule.normal_floor.is_some() {
                self.book.normals.entry(key.clone()).or_default().learn(value, at);
            }
            // What is fine and has no alert needs none.
            if !self.book.alerts.contains_key(&key) {
                return;
            }
        }
        let alert = self.book.alerts.entry(key.clone()).or_default();
        alert.labels = labels;
        // What was normal when it began is what it is compared with.
        if alert.entry.phase == Phase::Ok {
            alert.entry.normal = normal;
        }
        let from = step(rule, &mut alert.entry, found, moment, first);
        if let Some(from) = from {
            let change = Transition::of(&key, alert, from, moment);
            self.turned(rule, change, moment);
        }
        self.judged.insert(key);
    }

    /// Judges what gave no figure: all of this rule that were not judged yet.
    pub fn rest(&mut self, rule: &Rule, found: Observation, moment: Moment) {
        self.rest_where(rule, found, moment, |_| true);
    }

    /// The same of those whose labels are so.
    pub fn rest_where(&mut self, rule: &Rule, found: Observation, moment: Moment, which: impl Fn(&Labels) -> bool) {
        let mut changes = Vec::new();
        for (key, alert) in of_mut(&mut self.book.alerts, rule) {
            if !which(&alert.labels) || !self.judged.insert(key.clone()) {
                continue;
            }
            let from = step(rule, &mut alert.entry, found, moment, false);
            changes.extend(from.map(|from| Transition::of(key, alert, from, moment)));
        }
        changes.into_iter().for_each(|change| self.turned(rule, change, moment));
    }

    /// Notes a change, and what it says of flapping.
    fn turned(&mut self, rule: &Rule, mut change: Transition, moment: Moment) {
        let flaps = &mut self.book.flaps;
        match change.turn {
            Turn::Fired => {
                let flap = flaps.entry(change.key.clone()).or_default();
                flap.fired(moment.now);
                let rises = change.level == Level::Crit && !flap.escalated;
                change.muted = (flap.flapping && !rises).then_some(Muted::Flapping);
                flap.escalated |= flap.flapping && rises;
                self.transitions.push(change);
            }
            Turn::Escalated => {
                if let Some(flap) = flaps.get_mut(&change.key) {
                    let rises = change.level == Level::Crit && !flap.escalated;
                    change.muted = (flap.flapping && !rises).then_some(Muted::Flapping);
                    flap.escalated |= flap.flapping && rises;
                }
                self.transitions.push(change);
            }
            Turn::Resolved => {
                let flap = flaps.entry(change.key.clone()).or_default();
                let begins = flap.cleared(rule, moment.now);
                change.muted = flap.flapping.then_some(Muted::Flapping);
                let flapping = begins.then(|| Transition { turn: Turn::Flapping, muted: None, ..change.clone() });
                self.transitions.push(change);
                self.transitions.extend(flapping);
            }
            _ => self.transitions.push(change),
        }
    }

    /// Whether alerts of this rule have settled that fired and cleared all the time.
    pub fn settle(&mut self, rule: &Rule, now: Stamp) {
        let AlertBook { flaps, alerts, .. } = &mut *self.book;
        let range = flaps.range((first(rule), Bound::Unbounded)).take_while(|(key, _)| key.rule == rule.id);
        let settled: Vec<AlertKey> =
            range.filter(|(_, flap)| flap.is_settled(rule, now)).map(|(key, _)| key.clone()).collect();
        for key in settled {
            if flaps.remove(&key).is_some_and(|flap| flap.flapping) {
                let moment = Moment { now, interval: Duration::ZERO };
                let alert = alerts.get(&key).cloned().unwrap_or_default();
                let phase = alert.entry.phase;
                self.transitions
                    .push(Transition { turn: Turn::Settled, ..Transition::of(&key, &alert, phase, moment) });
            }
        }
    }

    /// Ends the judgement: what is over is forgotten, and what no rule asks for any more. Gives what changed.
    pub fn end(self, now: Stamp) -> Vec<Transition> {
        let AlertBook { alerts, normals, silences, .. } = self.book;
        alerts.retain(|key, alert| self.judged.contains(key) && !alert.entry.phase.is_over());
        if normals.values().any(|normal| now.since(normal.seen) > KEPT) {
            normals.retain(|_, normal| now.since(normal.seen) <= KEPT);
        }
        silences.retain(|silence| silence.until_unix_ms > now.unix_ms);
        self.transitions
    }
}

/// The first key that an alert of this rule may have.
fn first(rule: &Rule) -> Bound<AlertKey> {
    Bound::Included(AlertKey { rule: rule.id.clone(), identity: Labels::new() })
}

fn of<'a>(alerts: &'a BTreeMap<AlertKey, Alert>, rule: &'a Rule) -> impl Iterator<Item = (&'a AlertKey, &'a Alert)> {
    alerts.range((first(rule), Bound::Unbounded)).take_while(|(key, _)| key.rule == rule.id)
}

fn of_mut<'a>(
    alerts: &'a mut BTreeMap<AlertKey, Alert>,
    rule: &'a Rule,
) -> impl Iterator<Item = (&'a AlertKey, &'a mut Alert)> {
    alerts.range_mut((first(rule), Bound::Unbounded)).take_while(|(key, _)| key.rule == rule.id)
}
