//! What is made of the alerts once they are judged: their words, why some are not sent, and each time that one fired.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{
    State, cause,
    judge::{self, Machine},
};
use crate::{
    alert::{
        Level, Muted, Watch,
        book::{Transition, Turn},
        maintenance::{self, Window},
        saved::{Boot, Saved},
    },
    clock::Stamp,
    model::alert::{AlertKey, AlertMark, AlertSays, Episode, EpisodeEnd, Scope, Silence},
};

/// Within so much time after boot, and after a suspend, services and containers are starting.
const BOOT_SECONDS: f64 = 300.0;
const WOKE_SECONDS: u64 = 60;
/// Episodes are listed for so long, and so many of them.
const LISTED_MS: i64 = 30 * 86_400_000;
const MOST: usize = 2_000;

/// What is known of alerts beside their book.
#[derive(Debug, Clone)]
pub struct Alarms {
    /// Windows of the day in which nothing is sent, in the zone of the machine's owner.
    pub windows: Arc<[Window]>,
    pub zone: TimeZone,
    /// This process keeps the book and sends; false where another one does, which this one follows.
    pub owned: bool,
    /// Each time that an alert fired in the last 30 days, in order of time.
    pub episodes: Vec<Episode>,
    /// Of these, what changed with the newest event: to be kept.
    pub changed: Vec<Episode>,
    /// Alerts about what is no longer there.
    pub gone: Vec<Watch>,
    /// When the machine last woke from a suspend.
    pub woke: Option<Stamp>,
}

impl Default for Alarms {
    fn default() -> Self {
        Alarms {
            windows: Arc::default(),
            zone: TimeZone::UTC,
            owned: true,
            episodes: Vec::new(),
            changed: Vec::new(),
            gone: Vec::new(),
            woke: None,
        }
    }
}

impl Alarms {
    /// Takes in what another process has kept, or this one before its start.
    pub fn recall(&mut self, episodes: Vec<Episode>, now: Stamp) {
        for episode in episodes {
            self.put(episode);
        }
        self.episodes.sort_by_key(|episode| episode.fired_unix_ms);
        self.forget(now);
    }

    fn put(&mut self, episode: Episode) {
        let same = |other: &&mut Episode| other.fired_unix_ms == episode.fired_unix_ms && other.key == episode.key;
        match self.episodes.iter_mut().rev().find(same) {
            Some(known) => *known = episode,
            None => self.episodes.push(episode),
        }
    }

    fn forget(&mut self, now: Stamp) {
        let old =
            |episode: &Episode| episode.ended_unix_ms.is_some() && now.unix_ms - episode.fired_unix_ms > LISTED_MS;
        self.episodes.retain(|episode| !old(episode));
        let more = self.episodes.len().saturating_sub(MOST);
        self.episodes.drain(..more);
    }

    /// Notes what a transition says of an episode.
    fn note(&mut self, change: &Transition) {
        let Some(fired) = change.fired else { return };
        let end = match change.turn {
            Turn::Fired | Turn::Escalated => None,
            Turn::Resolved => Some(EpisodeEnd::Resolved),
            Turn::Removed => Some(EpisodeEnd::Removed),
            _ => return,
        };
        let known = self.episodes.iter().rev().find(|e| e.fired_unix_ms == fired.unix_ms && e.key == change.key);
        let mut episode = known.cloned().unwrap_or_else(|| Episode {
            key: change.key.clone(),
            labels: change.labels.clone(),
            level: String::new(),
            fired_unix_ms: fired.unix_ms,
            ended_unix_ms: None,
            end: None,
            value: change.value,
            say: change.say.clone(),
        });
        match end {
            None => {
                episode.level = change.level.word().to_owned();
                (episode.value, episode.say) = (change.value, change.say.clone());
            }
            Some(_) => (episode.end, episode.ended_unix_ms) = (end, Some(change.at.unix_ms)),
        }
        if episode.level.is_empty() {
            episode.level = change.level.word().to_owned();
        }
        self.put(episode.clone());
        self.changed.push(episode);
    }

    /// The sentence with which this episode fired.
    fn said(&self, change: &Transition) -> Option<&str> {
        let fired = change.fired?;
        let of = |e: &&Episode| e.fired_unix_ms == fired.unix_ms && e.key == change.key;
        self.episodes.iter().rev().find(of).map(|episode| episode.say.as_str())
    }
}

impl State {
    /// What is judged now.
    pub(super) fn machine(&self) -> Machine<'_> {
        let uptime = self.host.load.raw.uptime_seconds;
        let woke = self.alarms.woke.is_some_and(|woke| self.host.now.since(woke).as_secs() < WOKE_SECONDS);
        Machine {
            host: &self.host,
            saturated: self.runs.under_way(),
            starting: woke || (uptime > 0.0 && uptime < BOOT_SECONDS),
        }
    }

    /// Judges the machine for good: alerts go on, fire and end.
    pub(super) fn commit(&mut self, now: Stamp) {
        let mut book = std::mem::take(&mut self.alerts);
        let changes = judge::judge(&mut book, self.machine(), &self.rules, &self.by_metric, now);
        self.alerts = book;
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

    /// A change in words: of what fires as it is now, of what is over as it was.
    fn words_of(&self, change: &Transition) -> String {
        let rule = self.rules.iter().find(|rule| rule.id == change.key.rule);
        let now = || {
            let alert = self.alerts.get(&change.key)?;
            Some(judge::watch(rule?, &change.key, alert, &self.host).say)
        };
        match change.turn {
            Turn::Fired | Turn::Escalated | Turn::Pending => now(),
            _ => self.alarms.said(change).map(str::to_owned).or_else(now),
        }
        .unwrap_or_else(|| change.key.rule.clone())
    }

    /// Notes why each of them is not sent.
    pub(super) fn muted(&self, mut watches: Vec<Watch>) -> Vec<Watch> {
        let causes = cause::causes(&watches, &self.rules, &self.host);
        for (watch, cause) in watches.iter_mut().zip(causes) {
            let key = watch.key();
            let flaps = self.alerts.flaps(&key).is_some_and(|(flapping, _)| flapping);
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

    fn muted_by_user(&self, key: &AlertKey, labels: &crate::model::alert::Labels) -> Option<Muted> {
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
    pub fn silence(scope: Scope, span: std::time::Duration, comment: String, at: Stamp) -> AlertMark {
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
    }
}
