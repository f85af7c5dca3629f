//! Silences of an Alertmanager, both ways: one that was made there holds here, and what is acknowledged or silenced here is
//! silenced there. Nothing is kept of what was posted: those of ours are known by their author, so that one that was
//! made before a crash is found again, and goes when it is not wanted any more.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Posts, labels_of, time};
use crate::{notify::notice::Firing, text::clean};

/// An alert that is acknowledged has no end in sight: its silence is made for so long, and again when half of it is over.
/// It ends by itself when this host dies.
const KNOWN_MS: i64 = 4 * 3_600_000;
/// Ends that are less than this apart are one.
const SAME_MS: i64 = 2_000;

/// A silence that was made there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Silence {
    #[serde(default)]
    pub id: String,
    matchers: Vec<Matcher>,
    #[serde(rename = "endsAt")]
    ends_at: String,
    #[serde(rename = "createdBy", default)]
    pub created_by: String,
    #[serde(default)]
    pub comment: String,
    status: Status,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Status {
    state: String,
}

/// One label of the alerts that it silences.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Matcher {
    name: String,
    value: String,
    #[serde(rename = "isRegex")]
    is_regex: bool,
    #[serde(rename = "isEqual", default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

/// The silences of an answer.
///
/// # Errors
/// When it is no list of them.
pub fn read(body: &[u8]) -> Result<Vec<Silence>, String> {
    serde_json::from_slice(body).map_err(|error| format!("its silences are not understood: {error}"))
}

impl Silence {
    /// Until when this alert is silenced by it, milliseconds since 1970. One of ours says nothing that is not known here.
    #[must_use]
    pub fn covers(&self, alert: &Firing, host: &str) -> Option<i64> {
        if self.status.state != "active" || self.matchers.is_empty() || self.created_by == author(host) {
            return None;
        }
        let labels = labels_of(alert, host);
        let matches = |matcher: &Matcher| {
            let value = labels.get(&matcher.name).and_then(Value::as_str).unwrap_or_default();
            let is = match matcher.is_regex {
                // Anchored, as its own are.
                true => {
                    regex_lite::Regex::new(&format!("^(?:{})$", matcher.value)).is_ok_and(|regex| regex.is_match(value))
                }
                false => value == matcher.value,
            };
            is == matcher.is_equal
        };
        let until = self.ends_at.parse::<jiff::Timestamp>().ok()?.as_millisecond();
        self.matchers.iter().all(matches).then_some(until)
    }
}

/// A silence as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    labels: BTreeMap<String, String>,
    until_unix_ms: Option<i64>,
    comment: String,
}

/// What is to be asked of the Alertmanager.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// This is posted: a new one, or one that takes the place of an older one.
    Post(Value),
    /// The one with this id ends.
    End(String),
}

/// Who makes those of ours.
fn author(host: &str) -> String {
    format!("benchtop on {}", clean(host))
}

/// What is to be silenced there: alerts that were posted and fire, and of which the user wants to hear no more.
#[must_use]
pub fn wanted(posts: &Posts, firing: &[Firing], host: &str) -> Vec<Wanted> {
    let of = |alert: &Firing| {
        let dismissal = alert.dismissal.as_ref()?;
        let is_posted = posts.posted.iter().any(|posted| {
            posted.ended_unix_ms.is_none() && posted.alert.is_episode_of(alert) && posted.alert.level == alert.level
        });
        let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
        let said = match dismissal.until_unix_ms {
            None => "acknowledged in benchtop",
            Some(_) => "silenced in benchtop",
        };
        is_posted.then(|| Wanted {
            labels: labels_of(alert, host).into_iter().map(|(name, value)| (name, text(value))).collect(),
            until_unix_ms: dismissal.until_unix_ms,
            // One without a comment is refused.
            comment: if dismissal.comment.trim().is_empty() {
                said.to_owned()
            } else {
                clean(&dismissal.comment).into_owned()
            },
        })
    };
    firing.iter().filter_map(of).collect()
}

/// What makes of all that are there those that are wanted; silences of others stay as they are.
#[must_use]
pub fn changes(all: &[Silence], wanted: &[Wanted], host: &str, now_unix_ms: i64) -> Vec<Change> {
    let is_ours = |silence: &&Silence| silence.created_by == author(host) && silence.status.state != "expired";
    let ours: Vec<&Silence> = all.iter().filter(is_ours).collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut changes = Vec::new();
    for wanted in wanted {
        let there = ours.iter().find(|silence| silence.is_of(&wanted.labels) && !kept.contains(&silence.id.as_str()));
        kept.extend(there.map(|silence| silence.id.as_str()));
        let ends = there.and_then(|silence| silence.ends());
        let fits = ends.is_some_and(|ends| match wanted.until_unix_ms {
            Some(until) => (ends - until).abs() < SAME_MS,
            None => ends - now_unix_ms >= KNOWN_MS / 2,
        });
        if fits && there.is_some_and(|silence| silence.comment == wanted.comment) {
            continue;
        }
        let until = wanted.until_unix_ms.unwrap_or(now_unix_ms + KNOWN_MS);
        if until <= now_unix_ms {
            continue;
        }
        changes.push(Change::Post(wanted.body(there.map(|silence| silence.id.as_str()), until, host, now_unix_ms)));
    }
    let over = ours.iter().filter(|silence| !kept.contains(&silence.id.as_str()));
    // It becomes a part of an address.
    let over = over.filter(|silence| silence.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    changes.extend(over.map(|silence| Change::End(silence.id.clone())));
    changes
}

impl Wanted {
    fn body(&self, id: Option<&str>, until_unix_ms: i64, host: &str, now_unix_ms: i64) -> Value {
        let matcher = |(name, value): (&String, &String)| json!({"name": name, "value": value, "isRegex": false, "isEqual": true});
        let mut body = json!({
            "matchers": self.labels.iter().map(matcher).collect::<Vec<_>>(),
            "startsAt": time(now_unix_ms),
            "endsAt": time(until_unix_ms),
            "createdBy": author(host),
            "comment": self.comment,
        });
        if let (Some(id), Some(body)) = (id, body.as_object_mut()) {
            body.insert("id".to_owned(), id.into());
        }
        body
    }
}

impl Silence {
    fn ends(&self) -> Option<i64> {
        self.ends_at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
    }

    /// It silences the alert with exactly these labels.
    fn is_of(&self, labels: &BTreeMap<String, String>) -> bool {
        let plain = |matcher: &Matcher| {
            matcher.is_equal && !matcher.is_regex && labels.get(&matcher.name).is_some_and(|of| *of == matcher.value)
        };
        self.matchers.len() == labels.len() && self.matchers.iter().all(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{alert::Level, model::alert::AlertKey, notify::notice::Dismissal};

    const T: i64 = 1_700_000_000_000;
    const HOUR: i64 = 3_600_000;

    fn alert(name: &str, dismissal: Option<Dismissal>) -> Firing {
        Firing {
            key: AlertKey { rule: name.into(), identity: vec![] },
            labels: vec![("service".into(), "web".into())],
            level: Level::Warn,
            value: 3.0,
            say: "web is down".into(),
            since_unix_ms: T,
            fired_unix_ms: T,
            muted: dismissal.is_some(),
            acknowledged: dismissal.is_some(),
            flapping: false,
            dismissal,
        }
    }

    fn known(comment: &str) -> Option<Dismissal> {
        Some(Dismissal { until_unix_ms: None, comment: comment.into() })
    }

    /// Both fired, and were posted; then the first was acknowledged.
    fn posted() -> (Posts, Vec<Firing>) {
        let mut posts = Posts::default();
        posts.update(T, &[alert("service_down", None), alert("service_slow", None)], &[], Level::Warn);
        let firing = vec![alert("service_down", known("a new \u{202e}disk comes")), alert("service_slow", None)];
        posts.update(T + 1000, &firing, &[], Level::Warn);
        (posts, firing)
    }

    /// As the Alertmanager gives back what was posted.
    fn there(body: &Value, id: &str) -> Value {
        let mut body = body.clone();
        body["id"] = id.into();
        body["status"] = json!({"state": "active"});
        body
    }

    fn all(of: &[Value]) -> Vec<Silence> {
        read(Value::from(of.to_vec()).to_string().as_bytes()).expect("silences")
    }

    #[test]
    fn acknowledged_here_is_silenced_there() {
        let (posts, firing) = posted();
        let wanted = |firing: &[Firing]| wanted(&posts, firing, "atlas");
        let made = changes(&[], &wanted(&firing), "atlas", T);
        let [Change::Post(body)] = &made[..] else { panic!("{made:?}") };
        assert_eq!((&body["createdBy"], &body["comment"]), (&json!("benchtop on atlas"), &json!("a new ?disk comes")));
        assert_eq!(body["matchers"].as_array().map(Vec::len), Some(4), "the labels of one alert: {body}");
        assert_eq!(body["endsAt"], "2023-11-15T02:13:20Z", "four hours");
        let found = all(&[there(body, "7")]);
        assert_eq!(changes(&found, &wanted(&firing), "atlas", T + HOUR), []);
        assert_eq!(found[0].covers(&firing[0], "atlas"), None, "one of ours is not read back");
        let again = changes(&found, &wanted(&firing), "atlas", T + 3 * HOUR);
        assert!(matches!(&again[..], [Change::Post(body)] if body["id"] == "7"), "made longer: {again:?}");
        let open = [alert("service_down", None)];
        assert_eq!(changes(&found, &wanted(&open), "atlas", T + HOUR), [Change::End("7".into())]);
    }

    #[test]
    fn a_silence_keeps_its_end() {
        let (posts, _) = posted();
        let dismissal = |until| Some(Dismissal { until_unix_ms: Some(until), comment: String::new() });
        let made = changes(&[], &wanted(&posts, &[alert("service_down", dismissal(T + HOUR))], "atlas"), "atlas", T);
        let [Change::Post(body)] = &made[..] else { panic!("{made:?}") };
        assert_eq!(
            (&body["endsAt"], &body["comment"]),
            (&json!("2023-11-14T23:13:20Z"), &json!("silenced in benchtop"))
        );
        let found = all(&[there(body, "7")]);
        let longer = wanted(&posts, &[alert("service_down", dismissal(T + 2 * HOUR))], "atlas");
        assert!(matches!(&changes(&found, &longer, "atlas", T)[..], [Change::Post(body)] if body["id"] == "7"));
        assert_eq!(wanted(&posts, &[alert("disk_busy", dismissal(T + HOUR))], "atlas"), [], "it fired silenced");
    }

    #[test]
    fn silences_of_others_stay_and_what_a_crash_left_goes() {
        let (posts, firing) = posted();
        let wanted = wanted(&posts, &firing, "atlas");
        let Change::Post(body) = changes(&[], &wanted, "atlas", T).swap_remove(0) else { panic!("one") };
        let mut others = there(&body, "1");
        others["createdBy"] = "ada".into();
        let mut over = there(&body, "4");
        over["status"]["state"] = "expired".into();
        // It was posted, and nobody knows of it: what is there is what counts.
        let found = all(&[others, there(&body, "2"), there(&body, "3"), over]);
        assert_eq!(changes(&found, &wanted, "atlas", T), [Change::End("3".into())]);
        assert_eq!(changes(&found, &wanted, "other", T).len(), 1, "another host has its own");
    }

    #[test]
    fn silences_are_read_back() {
        let text = br#"[{"id":"1","status":{"state":"active"},"matchers":[
            {"name":"alertname","value":"service_.*","isRegex":true,"isEqual":true},
            {"name":"host","value":"other","isRegex":false,"isEqual":false}],
            "startsAt":"2023-11-14T22:00:00.000Z","endsAt":"2023-11-14T22:13:20.000Z","createdBy":"ada","comment":"known"},
            {"id":"2","status":{"state":"expired"},"matchers":[{"name":"host","value":"atlas","isRegex":false}],
            "endsAt":"2023-11-14T22:13:20.000Z"}]"#;
        let all = read(text).expect("silences");
        let web = alert("service_down", None);
        assert_eq!(all[0].covers(&web, "atlas"), Some(T));
        assert_eq!((all[0].covers(&web, "other"), all[1].covers(&web, "atlas")), (None, None));
        assert_eq!((all[0].created_by.as_str(), all[0].comment.as_str()), ("ada", "known"));
        assert!(read(b"<html>").is_err());
    }
}
