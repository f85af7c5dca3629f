//! A change of one alert, for whoever keeps, shows or sends it.

use serde::{Deserialize, Serialize};

use super::{
    book::Alert,
    phase::{Entry, Moment, Phase},
    rule::Level,
    watch::Muted,
};
use crate::{
    clock::Stamp,
    model::alert::{AlertKey, Labels},
};

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

impl Transition {
    /// What happened to `alert`, which was in phase `from` before this judgement.
    pub(super) fn of(key: &AlertKey, alert: &Alert, from: Phase, moment: Moment) -> Transition {
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
}
