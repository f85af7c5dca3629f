//! One alert as readers see it: in words, with its age, and with why it is not sent where it is not.

use std::time::Duration;

use serde::Serialize;

use super::rule::Level;
use crate::{
    clock::Stamp,
    model::alert::{AlertKey, Labels},
};

/// Why an alert is not sent, though it fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Muted {
    /// By the user, until then: milliseconds since 1970.
    Silenced { until_unix_ms: i64 },
    /// In the window of this name.
    Maintenance(String),
    /// Another alert is its cause.
    Because(AlertKey),
    /// It fires and clears all the time: that was sent.
    Flapping,
}

/// One alert as it is shown: it fires, or is pending.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Watch {
    /// The rule's id.
    pub rule: String,
    /// What names it for good, with the rule.
    pub identity: Labels,
    /// The metric's labels, name and value.
    pub labels: Labels,
    /// Level now.
    pub level: Level,
    /// True when it has been crossed for as long as its rule asks; until then it only has a colour.
    pub held: bool,
    /// What is left of the hold; zero when held.
    pub left: Duration,
    /// Of a rule that counts: how often so far, and how often until it fires.
    pub counted: Option<(u32, u32)>,
    /// It is clear, and ends when it stays so for this long.
    pub clears_in: Option<Duration>,
    /// Value now, base unit.
    pub value: f64,
    /// What is normal for it, where its rule compares with that.
    pub normal: Option<f64>,
    /// Since when the level has been this or worse.
    pub since: Stamp,
    /// When it fired: with its key that names this episode, over restarts too.
    pub fired: Option<Stamp>,
    /// It was so when its metric was first judged: it may have been so for longer.
    pub from_start: bool,
    /// Since when, as the object itself reports: milliseconds since 1970.
    pub began_unix_ms: Option<i64>,
    /// Since when its source gives no data: it may be over.
    pub unknown_since: Option<Stamp>,
    /// Since when what it is about is not there.
    pub gone_since: Option<Stamp>,
    /// The user has seen it: it is listed, and counts no longer until it is over or gets worse.
    pub acknowledged: bool,
    /// When that was, milliseconds since 1970.
    pub acknowledged_unix_ms: Option<i64>,
    /// What the user said of it.
    pub comment: String,
    /// Why it is not sent.
    pub muted: Option<Muted>,
    /// The sentence, ready to be shown.
    pub say: String,
}

impl Watch {
    /// What names it.
    #[must_use]
    pub fn key(&self) -> AlertKey {
        AlertKey { rule: self.rule.clone(), identity: self.identity.clone() }
    }

    /// How long it has been so, `3m`; `3m+` where it was so before anybody looked.
    #[must_use]
    pub fn age(&self, now: Stamp, show: fn(Duration) -> String) -> String {
        let more = if self.from_start && self.began_unix_ms.is_none() { "+" } else { "" };
        format!("{}{more}", show(self.lasts(now)))
    }

    /// How long it has been so.
    #[must_use]
    pub fn lasts(&self, now: Stamp) -> Duration {
        let reported = self.began_unix_ms.and_then(|began| u64::try_from(now.unix_ms - began).ok());
        reported.map_or_else(|| now.since(self.since), Duration::from_millis)
    }

    /// The alert that is its cause.
    #[must_use]
    pub fn because(&self) -> Option<&AlertKey> {
        match &self.muted {
            Some(Muted::Because(cause)) => Some(cause),
            _ => None,
        }
    }

    /// The end of its silence, milliseconds since 1970.
    #[must_use]
    pub fn silenced_until(&self) -> Option<i64> {
        match self.muted {
            Some(Muted::Silenced { until_unix_ms }) => Some(until_unix_ms),
            _ => None,
        }
    }

    /// True when the verdict counts it: it fires, the user has neither acknowledged nor silenced it, and no other alert
    /// is its cause.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.held && self.is_open()
    }

    /// True when the user has said nothing of it, and no other alert is its cause.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.acknowledged && !matches!(self.muted, Some(Muted::Silenced { .. } | Muted::Because(_)))
    }
}
