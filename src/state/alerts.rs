//! What is made of the alerts once they are judged: their words, why some are not sent, what other programs know of them,
//! and what users say.

use std::time::Duration;

use super::{
    State,
    alarms::Alarms,
    cause,
    judge::{self, Machine},
};
use crate::{
    alert::{
        Level, Muted, Watch, maintenance,
        saved::{Boot, Saved},
        transition::{Transition, Turn},
    },
    clock::Stamp,
    model::{
        alert::{AlertKey, AlertMark, AlertNews, AlertSays, Episode, Labels, Scope, Silence},
        health::Freshness,
        series::Series,
        source::SourceId,
    },
};

/// Within so much time after boot, and after a suspend, services and containers are starting.
const BOOT_SECONDS: f64 = 300.0;
const WOKE_SECONDS: u64 = 60;
/// Alerts with a graph, its steps, and how long one is.
const TRACED: usize = 200;
const TRACE_STEPS: usize = 300;
const EVERY: Duration = Duration::from_secs(1);
/// Another program takes in what was said here within this time.
const SAID_MS: i64 = 60_000;

impl State {
    /// Takes in what other programs know, or this one did before its start.
    pub(super) fn recall_alerts(&mut self, news: AlertNews) {
        let AlertNews { at, boot_id, boot_lasts, book, episodes, marks, owned } = news;
        let boot = Boot { id: boot_id, lasts: boot_lasts };
        let saved: Option<Saved> = book.and_then(|text| serde_json::from_str(&text).ok());
        let written = saved.as_ref().map_or(0, |saved| saved.at.unix_ms);
        self.alarms.written_unix_ms = self.alarms.written_unix_ms.max(written);
        let first = !std::mem::replace(&mut self.alarms.recalled, true);
        let other = saved.map(|saved| saved.resume(at, &boot));
        match other {
            Some(before) if first => self.alerts = std::mem::take(&mut self.alerts).going_on_with(before),
            Some(theirs) if !self.alarms.owned => {
                self.alerts.agree(theirs);
                let said: Vec<AlertMark> =
                    self.alarms.said.iter().filter(|mark| mark.at.unix_ms > written).cloned().collect();
                said.iter().for_each(|mark| self.alerts.mark(mark));
            }
            _ => {}
        }
        self.alarms.recall(episodes, at);
        for mark in marks.iter().filter(|mark| mark.at.unix_ms > written) {
            self.alerts.mark(mark);
        }
        if let Some(owned) = owned {
            (self.alarms.owned, self.alarms.settled) = (owned, true);
        }
        if self.alarms.owned {
            self.note_firing();
        }
        self.judge();
    }

    /// Keeps an episode of each alert that fired while this program did not keep the book.
    fn note_firing(&mut self) {
        for watch in self.muted(judge::watches(&self.alerts, &self.host, &self.rules, false)) {
            let Some(fired) = watch.fired else { continue };
            let key = watch.key();
            if self.alarms.episodes.iter().any(|e| e.fired_unix_ms == fired.unix_ms && e.key == key) {
                continue;
            }
            let episode = Episode {
                key,
                labels: watch.labels,
                level: watch.level.word().to_owned(),
                fired_unix_ms: fired.unix_ms,
                ended_unix_ms: None,
                end: None,
                value: watch.value,
                say: watch.say,
            };
            self.alarms.put(episode.clone());
            self.alarms.changed.push(episode);
        }
    }

    /// A benchmark runs on this machine, of this program or another one.
    fn is_measured(&self) -> bool {
        let known = self.host.health.freshness(SourceId::Load, self.host.now) == Freshness::Live;
        self.runs.under_way() || known && self.host.load.raw.benchmarks_by.is_some()
    }

    /// What is judged now.
    pub(super) fn machine(&self) -> Machine<'_> {
        let uptime = self.host.load.raw.uptime_seconds;
        let woke = self.alarms.woke.is_some_and(|woke| self.host.now.since(woke).as_secs() < WOKE_SECONDS);
        Machine {
            host: &self.host,
            saturated: self.is_measured(),
            starting: woke || (uptime > 0.0 && uptime < BOOT_SECONDS),
        }
    }

    /// Judges the machine for good: alerts go on, fire and end.
    pub fn commit(&mut self, now: Stamp) {
        let mut book = std::mem::take(&mut self.alerts);
        let changes = judge::judge(&mut book, self.machine(), &self.rules, &self.by_metric, now);
        self.alerts = book;
        self.trace(now);
        if changes.is_empty() {
            return;
        }
        let muted = self.muted(judge::watches(&self.alerts, &self.host, &self.rules, false));
        for mut change in changes {
            change.say = self.words_of(&change);
            let starts =
                matches!(change.turn, Turn::Fired | Turn::Escalated | Turn::Flapping | Turn::Gone | Turn::Returned);
            if starts && change.muted.is_none() {
                let of =
                    muted.iter().find(|watch| watch.rule == change.key.rule && watch.identity == change.key.identity);
                let muted = of.and_then(|watch| watch.muted.clone());
                change.muted = muted.or_else(|| self.muted_by_user(&change.key, &change.labels));
            }
            self.alarms.note(&change);
            self.transitions.push(change);
        }
        self.alarms.forget(now);
    }

    /// Notes the values of what is pending or fires, for their graphs: of the first ones, where there are many.
    fn trace(&mut self, now: Stamp) {
        let State { alerts, alarms, .. } = self;
        if !alarms.traces.is_empty() {
            alarms.traces.retain(|key, _| alerts.get(key).is_some());
        }
        for (key, alert) in alerts.iter().take(TRACED) {
            let known = alert.entry.unknown.is_none() && alert.entry.missing.is_none();
            let value = known.then_some(alert.entry.value);
            match alarms.traces.get_mut(key) {
                Some(trace) => trace.push(now, EVERY, value),
                None => {
                    let mut trace = Series::new(TRACE_STEPS);
                    trace.push(now, EVERY, value);
                    alarms.traces.insert(key.clone(), trace);
                }
            }
        }
    }

    /// A change in words: of what fires as it is now, of what is over as it was.
    fn words_of(&self, change: &Transition) -> String {
        let rule = self.rules.iter().find(|rule| rule.id == change.key.rule);
        let now = || {
            let alert = self.alerts.get(&change.key)?;
            Some(judge::watch(rule?, &change.key, alert, &self.host).say).filter(|say| !say.is_empty())
        };
        match change.turn {
            Turn::Fired | Turn::Escalated | Turn::Pending => now(),
            _ => self.alarms.words(&change.key, change.fired).map(str::to_owned).or_else(now),
        }
        .unwrap_or_else(|| change.key.to_string())
    }

    /// Notes why each of them is not sent.
    pub(super) fn muted(&self, mut watches: Vec<Watch>) -> Vec<Watch> {
        let causes = cause::causes(&watches, &self.rules, &self.host);
        for (watch, cause) in watches.iter_mut().zip(causes) {
            let key = watch.key();
            let flaps = self.alerts.flaps(&key).is_some_and(|(flapping, _)| flapping);
            if watch.say.is_empty() {
                // What it is about is not there now: in the words of then.
                let words = self.alarms.words(&key, watch.fired).map(str::to_owned);
                watch.say = words.unwrap_or_else(|| key.to_string());
            }
            watch.muted = cause.map(Muted::Because);
            if watch.muted.is_none() {
                watch.muted = self.muted_by_user(&key, &watch.labels);
            }
            if watch.muted.is_none() && flaps && watch.level < Level::Crit {
                watch.muted = Some(Muted::Flapping);
            }
        }
        watches
    }

    fn muted_by_user(&self, key: &AlertKey, labels: &Labels) -> Option<Muted> {
        let Alarms { windows, zone, .. } = &self.alarms;
        let now = self.host.now;
        let silenced = self.alerts.silenced(key, now).map(|until_unix_ms| Muted::Silenced { until_unix_ms });
        silenced.or_else(|| {
            let window = maintenance::covering(windows, &key.rule, labels, now.unix_ms, zone)?;
            Some(Muted::Maintenance(window.name.clone()))
        })
    }

    /// The book as another program can take it up.
    #[must_use]
    pub fn saved(&self, boot: Boot) -> Saved {
        let run = self.header.as_ref().map_or_else(String::new, |header| header.run.clone());
        Saved { at: self.host.now, boot, run, book: self.alerts.clone() }
    }

    /// Episodes that ended since the user last looked, newest first.
    pub fn unseen(&self) -> impl Iterator<Item = &Episode> {
        let seen = self.alerts.seen_unix_ms;
        let ended = move |e: &&Episode| e.ended_unix_ms.is_some_and(|ended| ended > seen) && e.level != "advice";
        self.alarms.episodes.iter().rev().filter(ended)
    }

    /// The user's answer to an alert: seen, or no longer.
    #[must_use]
    pub fn answer(&self, key: AlertKey, comment: String, at: Stamp) -> AlertMark {
        let seen = self.watches.iter().chain(&self.alarms.gone).any(|watch| watch.acknowledged && watch.key() == key);
        let says = if seen && comment.is_empty() {
            AlertSays::Unacknowledge(key)
        } else {
            AlertSays::Acknowledge { key, comment }
        };
        AlertMark { at, says }
    }

    /// A silence of `scope` for `span`, or its end where it is silenced and `span` is zero.
    #[must_use]
    pub fn silence(scope: Scope, span: Duration, comment: String, at: Stamp) -> AlertMark {
        let says = if span.is_zero() {
            AlertSays::Unsilence(scope)
        } else {
            AlertSays::Silence(Silence { scope, until_unix_ms: at.plus(span).unix_ms, comment, by: None })
        };
        AlertMark { at, says }
    }

    /// Folds a user's mark in. What was shown before a whole second judged it is judged for the mark.
    pub(super) fn mark(&mut self, mark: &AlertMark) {
        if let AlertSays::Acknowledge { key, .. } = &mark.says
            && self.alerts.get(key).is_none()
        {
            self.commit(self.host.now);
        }
        self.alerts.mark(mark);
        let said = &mut self.alarms.said;
        said.retain(|old| mark.at.unix_ms - old.at.unix_ms < SAID_MS);
        said.push(mark.clone());
    }
}
