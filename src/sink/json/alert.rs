//! An alert as JSON: the same object in `once --json` and `check --json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    alert::{AlertKey, Level, Muted, Watch},
    clock::Stamp,
    state::State,
};

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Alert<'a> {
    rule: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
    level: Level,
    phase: &'static str,
    /// True when the limit has been crossed for as long as the rule asks; false while that time still runs.
    held: bool,
    /// How long it has been at this level or a worse one; as its subject reports, where that does.
    age_seconds: f64,
    value: f64,
    since_unix_milliseconds: i64,
    /// It was so already when benchtop began: it may have been so for longer.
    from_start: bool,
    message: &'a str,
    /// The alert that is its cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<Cause<'a>>,
    /// Seconds until it fires, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    fires_in_seconds: Option<f64>,
    /// Its source gives no data for so long: it may be over.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_seconds: Option<f64>,
    acknowledged: bool,
    /// The end of its silence.
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced_until_unix_milliseconds: Option<i64>,
    /// The maintenance window that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    maintenance: Option<&'a str>,
    /// What the user said of it.
    #[serde(skip_serializing_if = "str::is_empty")]
    comment: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Cause<'a> {
    rule: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
}

/// All of them, as they are listed.
#[must_use]
pub fn all(state: &State) -> Vec<Alert<'_>> {
    state.watches.iter().map(|watch| alert(watch, state)).collect()
}

fn alert<'a>(watch: &'a Watch, state: &'a State) -> Alert<'a> {
    let now: Stamp = state.host.now;
    Alert {
        rule: &watch.rule,
        labels: labels(&watch.labels),
        level: watch.level,
        phase: if watch.held { "firing" } else { "pending" },
        held: watch.held,
        age_seconds: watch.lasts(now).as_secs_f64(),
        value: watch.value,
        since_unix_milliseconds: watch.since.unix_ms,
        from_start: watch.from_start,
        message: &watch.say,
        because: watch.because().map(|key| cause(key, state)),
        fires_in_seconds: (!watch.held && watch.counted.is_none()).then_some(watch.left.as_secs_f64()),
        unknown_seconds: watch.unknown_since.map(|since| now.since(since).as_secs_f64()),
        acknowledged: watch.acknowledged,
        silenced_until_unix_milliseconds: watch.silenced_until(),
        maintenance: match &watch.muted {
            Some(Muted::Maintenance(name)) => Some(name),
            _ => None,
        },
        comment: &watch.comment,
    }
}

fn cause<'a>(key: &'a AlertKey, state: &'a State) -> Cause<'a> {
    let shown = state.watches.iter().find(|watch| watch.rule == key.rule && watch.identity == key.identity);
    Cause { rule: &key.rule, labels: labels(shown.map_or(&key.identity, |watch| &watch.labels)) }
}

fn labels(labels: &crate::model::alert::Labels) -> BTreeMap<&str, &str> {
    labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
