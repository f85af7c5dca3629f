//! Alerts of every kind, for the tests of this folder.

use std::time::Duration;

use crate::{
    alert::{Level, Muted, Rule, Watch},
    clock::Stamp,
    model::{
        alert::{AlertKey, Episode},
        metrics,
    },
    state::State,
};

/// A moment, noon and a bit.
pub const NOW: i64 = 1_780_056_000_000;
pub const MINUTE: i64 = 60_000;
pub const DAY: i64 = 24 * 60 * MINUTE;

pub fn now() -> Stamp {
    Stamp { unix_ms: NOW, ..Stamp::at_seconds(1_000_000) }
}

/// So many minutes before.
pub fn ago(minutes: u64) -> Stamp {
    now().back(Duration::from_secs(minutes * 60))
}

/// The load is judged by three rules.
pub fn state(watches: &[Watch]) -> State {
    let rule = |id: &str| {
        let mut rule = Rule::new(id, metrics::LOAD1);
        (rule.limits.warn, rule.limits.crit, rule.hold) = (Some(4.0), Some(8.0), Duration::from_secs(300));
        rule
    };
    let mut state = State::new(["busy", "slow", "late"].map(rule).into());
    state.host.now = now();
    state.watches = watches.to_vec();
    state
}

/// It has fired for five minutes.
pub fn fires(rule: &str, level: Level) -> Watch {
    Watch {
        rule: rule.into(),
        level,
        held: true,
        since: ago(5),
        say: format!("it is {rule}"),
        value: 5.0,
        ..Watch::default()
    }
}

/// It fires in four minutes.
pub fn pends(rule: &str, level: Level) -> Watch {
    Watch { held: false, left: Duration::from_secs(240), ..fires(rule, level) }
}

/// It follows from the alert of this rule.
pub fn follows(rule: &str, from: &str) -> Watch {
    Watch { muted: Some(Muted::Because(key(from))), ..fires(rule, Level::Warn) }
}

pub fn key(rule: &str) -> AlertKey {
    AlertKey { rule: rule.into(), identity: Default::default() }
}

/// It fired so many minutes ago, for so many minutes; without: it still does.
pub fn episode(rule: &str, level: Level, ago: i64, lasted: Option<i64>) -> Episode {
    Episode {
        key: key(rule),
        labels: Default::default(),
        level: level.word().to_owned(),
        fired_unix_ms: NOW - ago * MINUTE,
        ended_unix_ms: lasted.map(|lasted| NOW - (ago - lasted) * MINUTE),
        end: None,
        value: 5.0,
        say: format!("it was {rule}"),
    }
}
