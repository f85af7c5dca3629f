//! Every alert that is pending, fires or is gone, by its key, and what changed in each judgement. Serializable: it goes on
//! after a restart.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use serde::{Deserialize, Serialize};

use super::{
    phase::{Entry, Moment, Observation, Phase, step},
    rule::{Level, Rule},
};
use crate::{
    clock::Stamp,
    model::alert::{AlertKey, Labels},
};

/// One alert and the labels that it is shown with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Alert {
    /// Names and values of the newest figure.
    pub labels: Labels,
    /// Its state.
    pub entry: Entry,
}

/// A change that outsiders may want to know of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transition {
    /// When it was judged.
    pub at: Stamp,
    /// The key.
    pub key: AlertKey,
    /// The labels that it is shown with.
    pub labels: Labels,
    /// The phase that it left.
    pub from: Phase,
    /// The phase that it is in now: the same one, where a firing alert got worse.
    pub to: Phase,
    /// Its level now.
    pub level: Level,
    /// The newest value.
    pub value: f64,
}

/// The alerts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct AlertBook {
    alerts: BTreeMap<AlertKey, Alert>,
    /// Metrics that were judged at least once: what is over its limit at the first look may have been so for longer.
    known: BTreeSet<String>,
}

/// A book as it is written down: a key of several parts can be no key of a JSON object.
#[derive(Serialize, Deserialize)]
struct Written {
    alerts: Vec<(AlertKey, Alert)>,
    known: BTreeSet<String>,
}

impl From<Written> for AlertBook {
    fn from(written: Written) -> Self {
        AlertBook { alerts: written.alerts.into_iter().collect(), known: written.known }
    }
}

impl From<AlertBook> for Written {
    fn from(book: AlertBook) -> Self {
        Written { alerts: book.alerts.into_iter().collect(), known: book.known }
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

    /// Marks an alert as seen at its level of now, or no longer.
    pub fn acknowledge(&mut self, key: &AlertKey, seen: bool) {
        if let Some(alert) = self.alerts.get_mut(key) {
            alert.entry.acknowledged = seen.then_some(alert.entry.level);
        }
    }

    /// Nothing was judged from `from` to `to`: that time counts for no hold and no age.
    pub fn leave_out(&mut self, from: Stamp, to: Stamp) {
        self.alerts.values_mut().for_each(|alert| alert.entry.leave_out(from, to));
    }

    /// Begins a judgement; it is over with [`Judgement::end`].
    pub fn judge(&mut self) -> Judgement<'_> {
        Judgement { book: self, judged: BTreeSet::new(), transitions: Vec::new() }
    }
}

/// A judgement of all rules, under way.
pub struct Judgement<'a> {
    book: &'a mut AlertBook,
    judged: BTreeSet<AlertKey>,
    transitions: Vec<Transition>,
}

impl Judgement<'_> {
    /// True where the rule has alerts: a value that is fine matters to no other rule.
    #[must_use]
    pub fn has_alerts(&self, rule: &Rule) -> bool {
        of(&self.book.alerts, rule).next().is_some()
    }

    /// True when this metric is judged for the first time; it is known from here on.
    pub fn is_first(&mut self, metric: &str) -> bool {
        !self.book.known.contains(metric) && self.book.known.insert(metric.to_owned())
    }

    /// Judges a figure. `first`: its metric was never judged before.
    pub fn value(&mut self, rule: &Rule, key: AlertKey, labels: Labels, found: Observation, at: (Moment, bool)) {
        let (moment, first) = at;
        // What is fine and has no alert needs none.
        if matches!(found, Observation::Value { value, .. } if rule.level(value) < Level::Advice)
            && !self.book.alerts.contains_key(&key)
        {
            return;
        }
        let alert = self.book.alerts.entry(key.clone()).or_default();
        alert.labels = labels;
        let from = step(rule, &mut alert.entry, found, moment, first);
        self.transitions.extend(from.map(|from| transition(&key, alert, from, moment)));
        self.judged.insert(key);
    }

    /// Judges what gave no figure: all of this rule that were not judged yet.
    pub fn rest(&mut self, rule: &Rule, found: Observation, moment: Moment) {
        for (key, alert) in of_mut(&mut self.book.alerts, rule) {
            if !self.judged.insert(key.clone()) {
                continue;
            }
            let from = step(rule, &mut alert.entry, found, moment, false);
            self.transitions.extend(from.map(|from| transition(key, alert, from, moment)));
        }
    }

    /// Ends the judgement: what is over is forgotten, and what no rule asks for any more. Gives what changed.
    pub fn end(self) -> Vec<Transition> {
        self.book.alerts.retain(|key, alert| self.judged.contains(key) && !alert.entry.phase.is_over());
        self.transitions
    }
}

fn transition(key: &AlertKey, alert: &Alert, from: Phase, moment: Moment) -> Transition {
    let Entry { phase, level, value, .. } = alert.entry;
    Transition { at: moment.now, key: key.clone(), labels: alert.labels.clone(), from, to: phase, level, value }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{alert::Limits, model::metrics};

    fn rule(id: &str) -> Rule {
        let limits = Limits { warn: Some(4.0), ..Limits::default() };
        Rule { limits, ..Rule::new(id, metrics::LOAD1) }
    }

    fn key(rule: &str, name: &str) -> AlertKey {
        AlertKey { rule: rule.into(), identity: vec![("name".into(), name.into())] }
    }

    /// Judges `values` by name under `rules` at `second`; what changed.
    fn judge(book: &mut AlertBook, rules: &[Rule], second: u64, values: &[(&str, f64)]) -> Vec<(AlertKey, Phase)> {
        let now = Stamp::at_seconds(second);
        let moment = Moment { now, interval: Duration::from_secs(1) };
        let mut judgement = book.judge();
        for rule in rules {
            for (name, value) in values {
                let found = Observation::value(*value, now);
                judgement.value(rule, key(&rule.id, name), Labels::new(), found, (moment, false));
            }
            judgement.rest(rule, Observation::Missing, moment);
        }
        judgement.end().into_iter().map(|change| (change.key, change.to)).collect()
    }

    #[test]
    fn one_alert_for_each_rule_and_identity() {
        let rules = [rule("a"), rule("ab")];
        let mut book = AlertBook::default();
        let changed = judge(&mut book, &rules, 1, &[("x", 5.0), ("y", 5.0), ("z", 1.0)]);
        let fired = [("a", "x"), ("a", "y"), ("ab", "x"), ("ab", "y")].map(|(r, n)| (key(r, n), Phase::Firing));
        assert_eq!(changed, fired);
        assert_eq!(book.iter().count(), 4);
        assert_eq!(judge(&mut book, &rules, 2, &[("x", 5.0), ("y", 1.0)]), []);
        let changed = judge(&mut book, &rules, 3, &[("x", 5.0), ("y", 1.0)]);
        assert_eq!(changed, [("a", "y"), ("ab", "y")].map(|(r, n)| (key(r, n), Phase::Resolved)));
        assert_eq!(book.iter().count(), 2, "what is over is forgotten");
    }

    #[test]
    fn what_no_rule_asks_for_is_forgotten() {
        let mut book = AlertBook::default();
        judge(&mut book, &[rule("a")], 1, &[("x", 5.0)]);
        assert_eq!(judge(&mut book, &[rule("b")], 2, &[]), []);
        assert_eq!(book.iter().count(), 0);
    }

    #[test]
    fn an_acknowledgement_lasts_while_it_is_missing() {
        let mut book = AlertBook::default();
        let rules = [rule("a")];
        judge(&mut book, &rules, 1, &[("x", 5.0)]);
        book.acknowledge(&key("a", "x"), true);
        for second in 2..600 {
            judge(&mut book, &rules, second, &[]);
        }
        assert_eq!(judge(&mut book, &rules, 600, &[("x", 6.0)]), [(key("a", "x"), Phase::Firing)]);
        assert_eq!(book.get(&key("a", "x")).map(|a| a.entry.acknowledged), Some(Some(Level::Warn)));
    }

    #[test]
    fn a_book_is_written_and_read_back() {
        let mut book = AlertBook::default();
        judge(&mut book, &[rule("a"), rule("b")], 1, &[("x", 5.0), ("y", 6.0)]);
        assert!(book.judge().is_first("load1"));
        book.acknowledge(&key("b", "y"), true);
        let text = serde_json::to_string(&book).expect("it is written");
        let mut read: AlertBook = serde_json::from_str(&text).expect("it is read");
        assert_eq!(read, book);
        assert!(read.iter().count() == 4 && !read.judge().is_first("load1"));
    }
}
