//! Every alert that is pending, fires or is gone, by its key, and what changed in each judgement. Serializable: it goes on
//! after a restart.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use serde::{Deserialize, Serialize};

use super::{
    flap::Flap,
    normal::{KEPT, Normal},
    phase::{self, Acknowledged, Entry, Moment, Observation, Phase, step},
    rule::{Level, Rule},
    watch::Muted,
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

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Over its limit, not yet for long enough.
    Pending,
    /// It was pending, and is no longer.
    Cancelled,
    /// It fires.
    Fired,
    /// It fires and got worse than it ever was in this episode.
    Escalated,
    /// It fired and is clear.
    Resolved,
    /// It fires, and what it is about is no longer there.
    Gone,
    /// What it is about is there again: the same episode goes on.
    Returned,
    /// What it is about has not come back: the episode is over, and nobody saw it clear.
    Removed,
    /// It fires and clears all the time: from here on its turns are held back, but for a rise to critical.
    Flapping,
    /// It has stayed as it is now for long enough: its turns are sent again.
    Settled,
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
    /// What happened.
    pub turn: Turn,
    /// The phase that it left.
    pub from: Phase,
    /// The phase that it is in now: the same one, where a firing alert got worse.
    pub to: Phase,
    /// Its level now.
    pub level: Level,
    /// The newest value.
    pub value: f64,
    /// Since when it is so.
    pub since: Stamp,
    /// When it fired: with the key that names the episode. `None` where it did not.
    pub fired: Option<Stamp>,
    /// The sentence.
    pub say: String,
    /// Why it is not to be sent.
    pub muted: Option<Muted>,
}

/// The alerts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct AlertBook {
    alerts: BTreeMap<AlertKey, Alert>,
    /// Metrics that were judged at least once: what is over its limit at the first look may have been so for longer.
    known: BTreeSet<String>,
    /// How often alerts fired and cleared lately.
    flaps: BTreeMap<AlertKey, Flap>,
    /// What is normal, for rules that compare with that.
    normals: BTreeMap<AlertKey, Normal>,
    silences: Vec<Silence>,
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

    /// Replaces the silences that were made elsewhere, by this name: an Alertmanager's.
    pub fn silences_by(&mut self, name: &str, silences: impl IntoIterator<Item = Silence>) {
        self.silences.retain(|silence| silence.by.as_deref() != Some(name));
        self.silences.extend(silences.into_iter().map(|silence| Silence { by: Some(name.to_owned()), ..silence }));
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

    /// True when it holds something that should outlast the program.
    #[must_use]
    pub fn is_worth_keeping(&self) -> bool {
        let lists = self.alerts.is_empty() && self.flaps.is_empty() && self.normals.is_empty();
        !lists || !self.silences.is_empty() || self.seen_unix_ms > 0
    }

    /// Takes over from `other`, which judges the same machine, since when things are so, and what only that one knows.
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
            let change = transition(&key, alert, from, moment);
            self.turned(rule, change, moment);
        }
        self.judged.insert(key);
    }

    /// Judges what gave no figure: all of this rule that were not judged yet.
    pub fn rest(&mut self, rule: &Rule, found: Observation, moment: Moment) {
        let mut changes = Vec::new();
        for (key, alert) in of_mut(&mut self.book.alerts, rule) {
            if !self.judged.insert(key.clone()) {
                continue;
            }
            let from = step(rule, &mut alert.entry, found, moment, false);
            changes.extend(from.map(|from| transition(key, alert, from, moment)));
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
                let moment = Moment { now, interval: std::time::Duration::ZERO };
                let alert = alerts.get(&key).cloned().unwrap_or_default();
                let phase = alert.entry.phase;
                self.transitions.push(Transition { turn: Turn::Settled, ..transition(&key, &alert, phase, moment) });
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

fn transition(key: &AlertKey, alert: &Alert, from: Phase, moment: Moment) -> Transition {
    let Entry { phase, level, value, fired, .. } = alert.entry;
    let turn = match (from, phase) {
        (Phase::Firing, Phase::Firing) => Turn::Escalated,
        (Phase::Gone, Phase::Firing) => Turn::Returned,
        (_, Phase::Firing) => Turn::Fired,
        (_, Phase::Pending) => Turn::Pending,
        (_, Phase::Ok) => Turn::Cancelled,
        (_, Phase::Resolved) => Turn::Resolved,
        (_, Phase::Gone) => Turn::Gone,
        (_, Phase::Removed) => Turn::Removed,
    };
    Transition {
        at: moment.now,
        key: key.clone(),
        labels: alert.labels.clone(),
        turn,
        from,
        to: phase,
        level,
        value,
        since: alert.entry.since(),
        fired,
        say: String::new(),
        muted: None,
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
        judgement.end(now).into_iter().map(|change| (change.key, change.to)).collect()
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

    fn said(at: u64, says: AlertSays) -> AlertMark {
        AlertMark { at: Stamp::at_seconds(at), says }
    }

    fn acknowledge(book: &mut AlertBook, key: AlertKey) {
        book.mark(&said(1, AlertSays::Acknowledge { key, comment: "known".into() }));
    }

    #[test]
    fn an_acknowledgement_lasts_while_it_is_missing() {
        let mut book = AlertBook::default();
        let rules = [rule("a")];
        judge(&mut book, &rules, 1, &[("x", 5.0)]);
        acknowledge(&mut book, key("a", "x"));
        for second in 2..600 {
            judge(&mut book, &rules, second, &[]);
        }
        assert_eq!(judge(&mut book, &rules, 600, &[("x", 6.0)]), [(key("a", "x"), Phase::Firing)]);
        let given = book.get(&key("a", "x")).and_then(|alert| alert.entry.acknowledged.clone());
        assert_eq!(given.map(|given| (given.level, given.comment)), Some((Level::Warn, "known".into())));
    }

    #[test]
    fn silences_cover_one_a_rule_or_all_and_end() {
        use crate::model::alert::Scope;
        let mut book = AlertBook::default();
        let (now, later) = (Stamp::at_seconds(1), Stamp::at_seconds(100));
        let until = |second| Stamp::at_seconds(second).unix_ms;
        let silence = |scope, second| Silence { scope, until_unix_ms: until(second), comment: String::new(), by: None };
        book.mark(&said(1, AlertSays::Silence(silence(Scope::Rule("a".into()), 50))));
        assert_eq!(book.silenced(&key("a", "x"), now), Some(until(50)));
        assert_eq!((book.silenced(&key("b", "x"), now), book.silenced(&key("a", "x"), later)), (None, None));
        book.mark(&said(1, AlertSays::Silence(silence(Scope::Rule("a".into()), 200))));
        assert_eq!((book.silences(now).count(), book.silenced(&key("a", "x"), later)), (1, Some(until(200))));
        book.silences_by("alertmanager", [silence(Scope::All, 300)]);
        book.mark(&said(2, AlertSays::Unsilence(Scope::Rule("a".into()))));
        assert_eq!(book.silenced(&key("b", "x"), now), Some(until(300)), "what was made elsewhere is taken back there");
        book.silences_by("alertmanager", []);
        assert_eq!(book.silences(now).count(), 0);
    }

    #[test]
    fn three_pairs_are_one_message_and_a_rise_is_another() {
        let limits = Limits { warn: Some(4.0), crit: Some(8.0), ..Limits::default() };
        let rules = [Rule { limits, clear_hold: Some(Duration::ZERO), ..rule("a") }];
        let mut book = AlertBook::default();
        let mut turns = Vec::new();
        let mut second = |book: &mut AlertBook, at: u64, value: f64| {
            let now = Stamp::at_seconds(at);
            let moment = Moment { now, interval: Duration::from_secs(1) };
            let mut judgement = book.judge();
            let found = Observation::value(value, now);
            judgement.value(&rules[0], key("a", "x"), Labels::new(), found, (moment, false));
            judgement.settle(&rules[0], now);
            turns.extend(judgement.end(now).into_iter().map(|t| (at, t.turn, t.muted.is_some())));
        };
        for pair in 0..4 {
            second(&mut book, pair * 10 + 1, 5.0);
            second(&mut book, pair * 10 + 2, 1.0);
        }
        second(&mut book, 50, 9.0);
        second(&mut book, 51, 1.0);
        second(&mut book, 52, 9.0);
        for at in (60..4000).step_by(10) {
            second(&mut book, at, 9.0);
        }
        use Turn::{Fired, Flapping, Resolved, Settled};
        let first =
            [(1, Fired, false), (2, Resolved, false), (11, Fired, false), (12, Resolved, false), (21, Fired, false)];
        assert_eq!(turns[..5], first);
        assert_eq!(turns[5..9], [(22, Resolved, true), (22, Flapping, false), (31, Fired, true), (32, Resolved, true)]);
        assert_eq!(turns[9..12], [(50, Fired, false), (51, Resolved, true), (52, Fired, true)], "critical once");
        assert_eq!(turns[12..], [(3660, Settled, false)], "an hour after it last changed");
    }

    #[test]
    fn another_judge_of_the_same_machine_has_the_same_ages() {
        let rules = [rule("a")];
        let (mut theirs, mut ours) = (AlertBook::default(), AlertBook::default());
        judge(&mut theirs, &rules, 1, &[("x", 5.0), ("gone", 5.0)]);
        acknowledge(&mut theirs, key("a", "x"));
        judge(&mut ours, &rules, 9, &[("x", 6.0), ("own", 6.0)]);
        ours.agree(theirs);
        let since = |name: &str| ours.get(&key("a", name)).map(|alert| alert.entry.since());
        assert_eq!((since("x"), since("own")), (Some(Stamp::at_seconds(1)), Some(Stamp::at_seconds(9))));
        assert_eq!(since("gone"), Some(Stamp::at_seconds(1)), "what the other one has seen is not lost");
        assert!(ours.get(&key("a", "x")).is_some_and(|alert| alert.entry.acknowledged.is_some()));
    }

    #[test]
    fn a_book_is_written_and_read_back() {
        let mut book = AlertBook::default();
        judge(&mut book, &[rule("a"), rule("b")], 1, &[("x", 5.0), ("y", 6.0)]);
        assert!(book.judge().is_first("load1"));
        acknowledge(&mut book, key("b", "y"));
        let text = serde_json::to_string(&book).expect("it is written");
        let mut read: AlertBook = serde_json::from_str(&text).expect("it is read");
        assert_eq!(read, book);
        assert!(read.iter().count() == 4 && !read.judge().is_first("load1"));
    }
}
