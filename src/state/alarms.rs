//! What is known of alerts beside their book: windows in which nothing is sent, each time that one fired, and what users
//! said lately.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;

use crate::{
    alert::{
        Watch,
        maintenance::Window,
        transition::{Transition, Turn},
    },
    clock::Stamp,
    model::{
        alert::{AlertKey, AlertMark, Episode, EpisodeEnd},
        series::Series,
    },
};

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
    /// It is known which one.
    pub settled: bool,
    /// Each time that an alert fired in the last 30 days, in order of time.
    pub episodes: Vec<Episode>,
    /// Of these, what changed with the newest event: to be kept.
    pub changed: Vec<Episode>,
    /// The newest past of what is pending or fires, while it does.
    pub traces: BTreeMap<AlertKey, Series>,
    /// Alerts about what is no longer there.
    pub gone: Vec<Watch>,
    /// When the machine last woke from a suspend.
    pub woke: Option<Stamp>,
    /// When the book that was last read was written, milliseconds since 1970; 0: none was.
    pub written_unix_ms: i64,
    /// What was kept before was read.
    pub recalled: bool,
    /// What the user said here lately: the book of another program may not have it yet.
    pub(super) said: Vec<AlertMark>,
}

impl Default for Alarms {
    fn default() -> Self {
        Alarms {
            windows: Arc::default(),
            zone: TimeZone::UTC,
            owned: true,
            settled: true,
            episodes: Vec::new(),
            changed: Vec::new(),
            traces: BTreeMap::new(),
            gone: Vec::new(),
            woke: None,
            written_unix_ms: 0,
            recalled: false,
            said: Vec::new(),
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

    pub(super) fn put(&mut self, episode: Episode) {
        let same = |other: &&mut Episode| other.fired_unix_ms == episode.fired_unix_ms && other.key == episode.key;
        match self.episodes.iter_mut().rev().find(same) {
            Some(known) => *known = episode,
            None => self.episodes.push(episode),
        }
    }

    pub(super) fn forget(&mut self, now: Stamp) {
        let old =
            |episode: &Episode| episode.ended_unix_ms.is_some() && now.unix_ms - episode.fired_unix_ms > LISTED_MS;
        self.episodes.retain(|episode| !old(episode));
        let more = self.episodes.len().saturating_sub(MOST);
        self.episodes.drain(..more);
    }

    /// Notes what a transition says of an episode.
    pub(super) fn note(&mut self, change: &Transition) {
        // Another program keeps them, and its own are read.
        let Some(fired) = change.fired.filter(|_| self.owned) else { return };
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
    pub(super) fn words(&self, key: &AlertKey, fired: Option<Stamp>) -> Option<&str> {
        let fired = fired?;
        let of = |e: &&Episode| e.fired_unix_ms == fired.unix_ms && e.key == *key;
        self.episodes.iter().rev().find(of).map(|episode| episode.say.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_kept_is_put_between_our_own_by_time() {
        let episode = |rule: &str, fired_unix_ms: i64, say: &str| Episode {
            key: AlertKey { rule: rule.into(), identity: Vec::new() },
            labels: Default::default(),
            level: "warn".into(),
            fired_unix_ms,
            ended_unix_ms: Some(fired_unix_ms + 1),
            end: Some(EpisodeEnd::Resolved),
            value: 1.0,
            say: say.into(),
        };
        let mut alarms = Alarms::default();
        alarms.put(episode("a", 40, "ours"));
        let kept = vec![episode("b", 50, "theirs"), episode("a", 40, "the same"), episode("b", 20, "theirs")];
        alarms.recall(kept, Stamp::default());
        let all: Vec<_> = alarms.episodes.iter().map(|e| (e.fired_unix_ms, e.say.as_str())).collect();
        assert_eq!(all, [(20, "theirs"), (40, "the same"), (50, "theirs")]);
    }

    #[test]
    fn an_episode_ends_as_its_alert_does() {
        let mut alarms = Alarms { owned: true, ..Alarms::default() };
        let key = |rule: &str| AlertKey { rule: rule.into(), identity: Vec::new() };
        let mut note = |rule: &str, turn: Turn, second: u64| {
            let (phase, at) = (crate::alert::phase::Phase::Firing, Stamp::at_seconds(second));
            let change = Transition {
                at,
                key: key(rule),
                labels: Default::default(),
                turn,
                from: phase,
                to: phase,
                level: crate::alert::Level::Warn,
                value: 1.0,
                since: Stamp::at_seconds(1),
                fired: Some(Stamp::at_seconds(1)),
                say: String::new(),
                muted: None,
            };
            alarms.note(&change);
            let found = alarms.episodes.iter().find(|episode| episode.key.rule == rule)?;
            Some((found.end, found.ended_unix_ms == Some(Stamp::at_seconds(second).unix_ms)))
        };
        for (rule, turn, end) in
            [("a", Turn::Resolved, EpisodeEnd::Resolved), ("b", Turn::Removed, EpisodeEnd::Removed)]
        {
            assert_eq!(note(rule, Turn::Gone, 1), None, "that is no end");
            assert_eq!(note(rule, Turn::Fired, 2), Some((None, false)));
            assert_eq!(note(rule, turn, 3), Some((Some(end), true)));
        }
    }
}
