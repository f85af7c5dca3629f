//! Prometheus' Alertmanager, its API v2: all that fires is posted again each minute and at once after a change. An alert has
//! the same labels as long as it lasts; what changes is in its annotations. Until the next post it is said to fire, so
//! that it ends by itself when this host dies; what has resolved is repeated with its true end.

pub mod silences;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    notice::{Ended, Firing},
    payload::labels,
};
use crate::{alert::Level, text::clean};

/// Between two posts of the same.
pub const AGAIN_MS: i64 = 60_000;
/// Without another post an alert ends after this.
const LASTS_MS: i64 = 4 * AGAIN_MS;
/// After an orderly stop: as long as a restart of the machine may take.
const RESTART_MS: i64 = 15 * 60_000;
/// What has resolved is repeated for so long.
const REPEATED_MS: i64 = 15 * 60_000;

/// What was posted of one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Posted {
    alert: Firing,
    /// Its true end, once it has one: milliseconds since 1970.
    ended_unix_ms: Option<i64>,
}

/// What the Alertmanager has been sent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Posts {
    posted: Vec<Posted>,
    /// The last that arrived.
    pub at_unix_ms: Option<i64>,
    /// Something has changed since.
    pub changed: bool,
}

impl Posts {
    /// Brings it up to date. An alert that gets worse has other labels: the milder one ends.
    pub fn update(&mut self, now_unix_ms: i64, firing: &[Firing], ended: &[Ended], least: Level) {
        let sent: Vec<&Firing> = firing.iter().filter(|alert| !alert.muted && alert.level >= least).collect();
        for posted in self.posted.iter_mut().filter(|posted| posted.ended_unix_ms.is_none()) {
            let end = ended.iter().find(|ended| ended.alert.is_episode_of(&posted.alert)).map(|ended| ended.at_unix_ms);
            // What is muted by now goes on until it is over: it has not ended.
            let goes_on = |alert: &&Firing| alert.is_episode_of(&posted.alert) && alert.level == posted.alert.level;
            let goes_on = firing.iter().find(goes_on);
            match (end, goes_on) {
                // Another value alone is no reason to post before the minute is over.
                (None, Some(_)) => {}
                (end, _) => {
                    posted.ended_unix_ms = Some(end.unwrap_or(now_unix_ms));
                    self.changed = true;
                }
            }
        }
        for alert in sent {
            let is_known = |posted: &Posted| {
                posted.ended_unix_ms.is_none() && posted.alert.is_episode_of(alert) && posted.alert.level == alert.level
            };
            if !self.posted.iter().any(is_known) {
                self.posted.push(Posted { alert: alert.clone(), ended_unix_ms: None });
                self.changed = true;
            }
        }
        self.posted.retain(|posted| posted.ended_unix_ms.is_none_or(|end| now_unix_ms - end < REPEATED_MS));
    }

    /// True when it is time to post.
    #[must_use]
    pub fn is_due(&self, now_unix_ms: i64) -> bool {
        let again = self.at_unix_ms.is_none_or(|at| now_unix_ms - at >= AGAIN_MS);
        self.changed || again && !self.posted.is_empty()
    }

    /// It has arrived.
    pub fn arrived(&mut self, now_unix_ms: i64) {
        (self.at_unix_ms, self.changed) = (Some(now_unix_ms), false);
    }

    /// What is posted, with the sentences of now; `stops`: this program ends in good order, and goes on after a restart.
    #[must_use]
    pub fn body(&self, now_unix_ms: i64, firing: &[Firing], host: &str, stops: bool) -> Value {
        let lasts = if stops { RESTART_MS } else { LASTS_MS };
        let alert = |posted: &Posted| {
            let Posted { alert: was, ended_unix_ms } = posted;
            let alert = firing.iter().find(|alert| alert.is_episode_of(was) && alert.level == was.level).unwrap_or(was);
            let ends = ended_unix_ms.unwrap_or(now_unix_ms + lasts);
            json!({
                "labels": labels_of(alert, host),
                "annotations": { "summary": clean(&alert.say), "value": alert.value.to_string() },
                "startsAt": time(alert.since_unix_ms),
                // What ends as it begins is refused.
                "endsAt": time(ends.max(alert.since_unix_ms + 1)),
            })
        };
        Value::Array(self.posted.iter().map(alert).collect())
    }
}

/// The labels that name an alert as long as it lasts.
fn labels_of(alert: &Firing, host: &str) -> serde_json::Map<String, Value> {
    let mut all = serde_json::Map::new();
    for (name, value) in labels(&alert.labels) {
        // A label without a value is none.
        if !value.is_empty() {
            all.insert(name, value.into());
        }
    }
    let own =
        [("alertname", clean(&alert.key.rule)), ("severity", severity(alert.level).into()), ("host", clean(host))];
    all.extend(own.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value.into_owned()))));
    all
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Crit => "critical",
        Level::Warn => "warning",
        Level::Advice | Level::Ok | Level::Unknown => "info",
    }
}

/// `2026-11-26T23:47:47.000Z`.
fn time(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms).map_or_else(|_| String::new(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::AlertKey;

    const T: i64 = 1_700_000_000_000;

    fn alert(level: Level, say: &str) -> Firing {
        Firing {
            key: AlertKey { rule: "service_down".into(), identity: vec![] },
            labels: vec![("service".into(), "web\u{202e}\n\"x\"".into()), ("empty".into(), String::new())],
            level,
            value: 3.0,
            say: say.into(),
            since_unix_ms: T,
            fired_unix_ms: T + 1000,
            muted: false,
            acknowledged: false,
            flapping: false,
            dismissal: None,
        }
    }

    #[test]
    fn labels_stay_and_annotations_change() {
        let mut posts = Posts::default();
        posts.update(T + 2000, &[alert(Level::Warn, "web is down: 3")], &[], Level::Warn);
        assert!(posts.is_due(T + 2000));
        let first = posts.body(T + 2000, &[], "atlas", false);
        posts.arrived(T + 2000);
        posts.update(T + 3000, &[alert(Level::Warn, "web is down: 4")], &[], Level::Warn);
        assert!(!posts.is_due(T + 3000) && posts.is_due(T + 62_000), "each minute");
        let next = posts.body(T + 62_000, &[alert(Level::Warn, "web is down: 4")], "atlas", false);
        assert_eq!(first[0]["labels"], next[0]["labels"]);
        assert_eq!(
            first[0]["labels"],
            json!({"alertname": "service_down", "severity": "warning", "host": "atlas", "service": "web??\"x\""})
        );
        assert_eq!(
            (&first[0]["annotations"]["summary"], &next[0]["annotations"]["summary"]),
            (&json!("web is down: 3"), &json!("web is down: 4"))
        );
        assert_eq!(next[0]["startsAt"], "2023-11-14T22:13:20Z");
        assert_eq!(next[0]["endsAt"], "2023-11-14T22:18:22Z", "four minutes on");
        assert_eq!(
            posts.body(T, &[], "atlas", true)[0]["endsAt"],
            "2023-11-14T22:28:20Z",
            "a restart may take as long"
        );
    }

    #[test]
    fn what_has_resolved_is_repeated_with_its_end() {
        let mut posts = Posts::default();
        let web = alert(Level::Warn, "web is down");
        posts.update(T + 2000, std::slice::from_ref(&web), &[], Level::Warn);
        posts.arrived(T + 2000);
        let over = Ended { alert: web.clone(), at_unix_ms: T + 9000, removed: false };
        posts.update(T + 10_000, &[], &[over], Level::Warn);
        assert!(posts.is_due(T + 10_000));
        for later in [10_000, 100_000, 800_000] {
            posts.update(T + later, &[], &[], Level::Warn);
            assert_eq!(posts.body(T + later, &[], "atlas", false)[0]["endsAt"], "2023-11-14T22:13:29Z");
            posts.arrived(T + later);
        }
        posts.update(T + 9000 + REPEATED_MS, &[], &[], Level::Warn);
        assert_eq!(posts.body(T, &[], "atlas", false), json!([]));
    }

    #[test]
    fn one_that_gets_worse_ends_as_the_milder_one() {
        let mut posts = Posts::default();
        posts.update(T + 2000, &[alert(Level::Warn, "web")], &[], Level::Warn);
        posts.update(T + 5000, &[alert(Level::Crit, "web")], &[], Level::Warn);
        let body = posts.body(T + 5000, &[], "atlas", false);
        let of = |at: usize| (body[at]["labels"]["severity"].clone(), body[at]["endsAt"].clone());
        assert_eq!(of(0), (json!("warning"), json!("2023-11-14T22:13:25Z")));
        assert_eq!(of(1), (json!("critical"), json!("2023-11-14T22:17:25Z")));
    }

    #[test]
    fn what_is_muted_meanwhile_goes_on_and_a_muted_one_is_not_begun() {
        let mut posts = Posts::default();
        let quiet = Firing { muted: true, ..alert(Level::Warn, "web") };
        posts.update(T + 2000, std::slice::from_ref(&quiet), &[], Level::Warn);
        assert_eq!(posts.body(T, &[], "atlas", false), json!([]));
        posts.update(T + 3000, &[alert(Level::Warn, "web")], &[], Level::Warn);
        posts.update(T + 4000, &[quiet], &[], Level::Warn);
        assert_eq!(posts.body(T + 4000, &[], "atlas", false)[0]["endsAt"], "2023-11-14T22:17:24Z");
    }
}
