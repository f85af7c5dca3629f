//! What one destination has been sent and is still to be sent. Pure: each look at what fires brings the two together, so
//! that a crash between a change and its notice loses nothing, and what was sent is not sent again. Fired and resolved
//! alternate; the newest state of an alert takes the place of an older one that was not sent.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{
    health::Health,
    notice::{Ended, Firing, Notice, What},
};
use crate::{alert::Level, model::alert::AlertKey};

/// Notices that wait at most.
const MOST: usize = 200;
/// An alert that was sent and is not among those that fire has ended while nobody looked. After a start the book is read
/// first: it may take so long.
const MISSING_MS: i64 = 30_000;
/// A critical alert that is not acknowledged is sent again after these.
const REMINDERS_MS: [i64; 3] = [3_600_000, 4 * 3_600_000, 24 * 3_600_000];
/// A notice that the destination itself refuses is given up after so many attempts: others wait behind it.
const REFUSALS: u32 = 5;

/// What was sent of one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sent {
    alert: Firing,
    at_unix_ms: i64,
    reminders: usize,
    /// Since when it is not among those that fire.
    #[serde(default)]
    missing_unix_ms: Option<i64>,
}

/// The ledger of one destination.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    #[serde(with = "pairs")]
    sent: BTreeMap<AlertKey, Sent>,
    queue: VecDeque<Notice>,
    /// How often the first one was refused.
    refusals: u32,
    pub health: Health,
}

/// A key of several parts can be no key of a JSON object.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{AlertKey, Sent};

    pub(super) fn serialize<S: Serializer>(map: &BTreeMap<AlertKey, Sent>, out: S) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<AlertKey, Sent>, D::Error> {
        Vec::<(AlertKey, Sent)>::deserialize(from).map(|pairs| pairs.into_iter().collect())
    }
}

impl Ledger {
    /// Brings it up to date with all that fires and what has ended; `least` is the mildest level that is sent. True: it
    /// has changed.
    pub fn update(&mut self, now_unix_ms: i64, firing: &[Firing], ended: &[Ended], least: Level) -> bool {
        let before = (self.sent.clone(), self.queue.len(), self.queue.back().cloned());
        for ended in ended {
            self.end(ended, least);
        }
        for alert in firing.iter().filter(|alert| alert.level >= least) {
            self.fire(alert, now_unix_ms);
        }
        self.look_for_missing(firing, now_unix_ms);
        before != (self.sent.clone(), self.queue.len(), self.queue.back().cloned())
    }

    /// The newest notice of this alert that waits.
    fn waiting(&mut self, key: &AlertKey) -> Option<&mut Notice> {
        self.queue.iter_mut().rev().find(|notice| notice.alert.key == *key)
    }

    fn fire(&mut self, alert: &Firing, now: i64) {
        if let Some(last) = self.sent.get_mut(&alert.key) {
            last.missing_unix_ms = None;
            if alert.flapping {
                return self.flap(&alert.key, now);
            }
            // It has settled, and fires: that was sent already.
            if last.alert.flapping {
                last.alert.clone_from(alert);
            }
        }
        let waits = self.waiting(&alert.key).map(|notice| (notice.what, notice.alert.is_episode_of(alert)));
        match waits {
            // It is not to be sent any more.
            Some((What::Fired, true)) if alert.muted => return self.withdraw(&alert.key),
            // It waits: what it says is the newest.
            Some((what, true)) if what.is_firing() => {
                if let Some(notice) = self.waiting(&alert.key) {
                    notice.alert.clone_from(alert);
                }
                return;
            }
            // One that is over by now, though nobody saw it end.
            Some((what, false)) if what.is_firing() => self.withdraw(&alert.key),
            _ => {}
        }
        if alert.muted {
            return;
        }
        // What ended before it is sent first.
        let is_over = self.queue.iter().any(|notice| notice.alert.key == alert.key);
        let Some(last) = self.sent.get(&alert.key).filter(|_| !is_over) else {
            return self.push(What::Fired, alert, now);
        };
        let due = REMINDERS_MS[last.reminders.min(REMINDERS_MS.len() - 1)];
        let reminds = alert.level == Level::Crit && !alert.acknowledged && now - last.at_unix_ms >= due;
        match () {
            () if !last.alert.is_episode_of(alert) => {
                let was = last.alert.clone();
                self.push(What::Resolved, &was, alert.fired_unix_ms);
                self.push(What::Fired, alert, now);
            }
            () if alert.level > last.alert.level => self.push(What::Escalated, alert, now),
            () if reminds => self.push(What::Reminder, alert, now),
            () => {}
        }
    }

    /// Takes back that it fires, which was not sent yet.
    fn withdraw(&mut self, key: &AlertKey) {
        self.queue.retain(|notice| notice.alert.key != *key || !notice.what.is_firing());
    }

    fn end(&mut self, ended: &Ended, least: Level) {
        let Ended { alert, at_unix_ms, removed } = ended;
        let what = if *removed { What::Removed } else { What::Resolved };
        if alert.flapping && self.sent.contains_key(&alert.key) {
            return self.flap(&alert.key, *at_unix_ms);
        }
        // One that flapped and has settled is ended as it was sent.
        let settled = self.sent.get(&alert.key).filter(|last| last.alert.flapping);
        let settled = settled.map(|last| Firing { flapping: false, ..last.alert.clone() });
        let alert = settled.as_ref().unwrap_or(alert);
        let is_sent = self.sent.get(&alert.key).is_some_and(|last| last.alert.is_episode_of(alert));
        let waits = self.queue.iter().any(|notice| notice.alert.is_episode_of(alert) && notice.what.is_firing());
        self.queue.retain(|notice| !(notice.alert.is_episode_of(alert) && notice.what.is_firing()));
        let is_over = self.queue.iter().any(|notice| notice.alert.is_episode_of(alert));
        match () {
            () if is_over => {}
            () if is_sent => self.push(what, alert, *at_unix_ms),
            () if waits || (!alert.muted && alert.level >= least) => {
                let ends = self.queue.iter().any(|notice| notice.alert.key == alert.key);
                if let Some(was) = self.sent.get(&alert.key).filter(|_| !ends).map(|last| last.alert.clone()) {
                    self.push(What::Resolved, &was, alert.fired_unix_ms);
                }
                self.push(What::Brief, alert, *at_unix_ms);
            }
            () => {}
        }
    }

    /// It fires and clears all the time: that is said once.
    fn flap(&mut self, key: &AlertKey, now: i64) {
        let Some(last) = self.sent.get_mut(key).filter(|last| !last.alert.flapping) else { return };
        last.alert.flapping = true;
        let alert = last.alert.clone();
        self.queue.retain(|notice| notice.alert.key != *key);
        self.push(What::Flapping, &alert, now);
    }

    /// What was sent, and neither fires nor was seen to end: it ended while this program did not run.
    fn look_for_missing(&mut self, firing: &[Firing], now: i64) {
        let mut over = Vec::new();
        for (key, last) in &mut self.sent {
            let fires = firing.iter().any(|alert| alert.key == *key);
            let is_over = self.queue.iter().any(|notice| notice.alert.key == *key && !notice.what.is_firing());
            if fires || is_over || last.alert.flapping {
                last.missing_unix_ms = None;
                continue;
            }
            let since = *last.missing_unix_ms.get_or_insert(now);
            if now - since >= MISSING_MS {
                over.push(last.alert.clone());
            }
        }
        for alert in over {
            self.queue.retain(|notice| notice.alert.key != alert.key);
            self.push(What::Resolved, &alert, now);
        }
    }

    /// Puts a notice at the end. Where too many wait a milder one gives way, or this one is left for later: what fires
    /// then is found again.
    fn push(&mut self, what: What, alert: &Firing, at_unix_ms: i64) {
        if self.queue.len() >= MOST {
            let milder = (0..self.queue.len()).filter(|at| self.queue[*at].alert.level < alert.level);
            let Some(at) = milder.min_by_key(|at| self.queue[*at].alert.level) else { return };
            self.queue.remove(at);
        }
        self.queue.push_back(Notice { what, alert: alert.clone(), at_unix_ms });
    }

    /// The notice that is sent next, if it is time.
    #[must_use]
    pub fn next(&self, now_unix_ms: i64) -> Option<&Notice> {
        self.queue.front().filter(|_| now_unix_ms >= self.health.next_unix_ms)
    }

    /// Notices that wait.
    #[must_use]
    pub fn waits(&self) -> usize {
        self.queue.len()
    }

    /// This one has arrived: the first, though what it says may be newer by now.
    pub fn arrived(&mut self, sent: &Notice, now_unix_ms: i64) {
        if self.queue.front().is_some_and(|front| front.what == sent.what && front.alert.is_episode_of(&sent.alert)) {
            self.queue.pop_front();
        }
        let reminders = match (sent.what, self.sent.get(&sent.alert.key)) {
            (What::Reminder, Some(last)) => last.reminders + 1,
            _ => 0,
        };
        match sent.what.is_firing() {
            true => {
                let last =
                    Sent { alert: sent.alert.clone(), at_unix_ms: now_unix_ms, reminders, missing_unix_ms: None };
                self.sent.insert(sent.alert.key.clone(), last);
            }
            false => drop(self.sent.remove(&sent.alert.key)),
        }
        self.refusals = 0;
        self.health.well(now_unix_ms);
    }

    /// The destination refused the first notice for what is in it; given back where it is given up.
    pub fn refused(&mut self, now_unix_ms: i64) -> Option<Notice> {
        self.refusals += 1;
        if self.refusals < REFUSALS {
            return None;
        }
        self.refusals = 0;
        self.health.next_unix_ms = now_unix_ms;
        self.queue.pop_front()
    }
}

#[cfg(test)]
mod tests;
