//! What names an alert for good, and what a user says of it: facts that are recorded as readings are.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;

/// Label names with their values.
pub type Labels = Vec<(String, String)>;

/// One alert as long as it lasts, over restarts too: its rule and what the rule judges.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct AlertKey {
    /// The rule's id.
    pub rule: String,
    /// Labels that never change for the same object: ids, where the metric's labels are names.
    pub identity: Labels,
}

/// `engine_up unix:///run/docker.sock`: where no sentence is known.
impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)?;
        self.identity.iter().try_for_each(|(_, value)| write!(f, " {value}"))
    }
}

/// What is silenced.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This alert.
    One(AlertKey),
    /// All of a rule.
    Rule(String),
    /// Everything.
    All,
}

impl Scope {
    /// True when it covers this alert.
    #[must_use]
    pub fn covers(&self, key: &AlertKey) -> bool {
        match self {
            Scope::One(one) => one == key,
            Scope::Rule(rule) => *rule == key.rule,
            Scope::All => true,
        }
    }
}

/// Alerts that count nowhere and are not sent until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub scope: Scope,
    /// Its end, milliseconds since 1970: a silence always has one.
    pub until_unix_ms: i64,
    /// Why, in the user's words; may be empty.
    #[serde(default)]
    pub comment: String,
    /// It was made elsewhere, by this name: it is taken back there.
    #[serde(default)]
    pub by: Option<String>,
}

/// What a user says of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSays {
    /// It counts no longer until it is over or gets worse; why, in the user's words.
    Acknowledge { key: AlertKey, comment: String },
    /// It counts again.
    Unacknowledge(AlertKey),
    /// Another silence of the same scope replaces it.
    Silence(Silence),
    /// The silence of this scope is over.
    Unsilence(Scope),
    /// What is silenced elsewhere by now, in place of all that was before.
    SilencedElsewhere(Vec<Silence>),
    /// What ended up to this time was looked at: milliseconds since 1970.
    Seen { until_unix_ms: i64 },
}

/// What a user decided about alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertMark {
    /// When.
    pub at: Stamp,
    /// What.
    pub says: AlertSays,
}

/// How an alert that fired came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeEnd {
    /// It was seen to be clear.
    Resolved,
    /// What it was about did not come back.
    Removed,
}

/// One time that an alert fired: a row of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    pub key: AlertKey,
    /// What it was shown with.
    pub labels: Labels,
    /// `advice`, `warn`, `crit`: the worst that it was.
    pub level: String,
    /// Milliseconds since 1970.
    pub fired_unix_ms: i64,
    /// `None` while it fires.
    pub ended_unix_ms: Option<i64>,
    pub end: Option<EpisodeEnd>,
    /// The value as it fired, or got worse.
    pub value: f64,
    /// The sentence of then.
    pub say: String,
}

/// What other programs that share the history know of alerts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AlertNews {
    /// When it was read.
    pub at: Stamp,
    /// Which boot of the machine it was then, and how long it had lasted.
    pub boot_id: Option<String>,
    pub boot_lasts: Duration,
    /// The book that one of them has written, as JSON.
    pub book: Option<String>,
    pub episodes: Vec<Episode>,
    /// What users said there.
    pub marks: Vec<AlertMark>,
    /// True: this program keeps the book from now on. False: another one does.
    pub owned: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_one_alert_those_of_a_rule_or_all() {
        let key = |rule: &str, name: &str| AlertKey { rule: rule.into(), identity: vec![("name".into(), name.into())] };
        let covered = |scope: Scope| [key("a", "x"), key("a", "y"), key("b", "x")].map(|key| scope.covers(&key));
        assert_eq!(covered(Scope::One(key("a", "x"))), [true, false, false]);
        assert_eq!(covered(Scope::Rule("a".into())), [true, true, false]);
        assert_eq!(covered(Scope::All), [true; 3]);
    }
}
