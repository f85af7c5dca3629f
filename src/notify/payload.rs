//! What each kind of destination gets: JSON, a command's environment. Names and sentences come from outside: they are
//! cleaned, and written by what knows the quotes of its format, never put together by hand.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::notice::{Notice, What, level_word};
use crate::{alert::Level, text::clean};

/// The form of what a webhook gets.
const SCHEMA: u32 = 1;

/// A notice for a program: what a webhook is sent.
#[derive(Serialize)]
struct Message<'a> {
    schema: u32,
    id: String,
    host: String,
    what: &'static str,
    /// It fires after this.
    firing: bool,
    level: Level,
    rule: &'a str,
    labels: BTreeMap<String, String>,
    value: f64,
    title: String,
    message: String,
    since_unix_milliseconds: i64,
    fired_unix_milliseconds: i64,
    at_unix_milliseconds: i64,
}

/// Labels without characters that no receiver can show.
#[must_use]
pub(super) fn labels(labels: &[(String, String)]) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (clean(name).into_owned(), clean(value).into_owned())).collect()
}

/// For a webhook.
#[must_use]
pub fn json(notice: &Notice, host: &str) -> Value {
    let alert = &notice.alert;
    let message = Message {
        schema: SCHEMA,
        id: notice.id(),
        host: clean(host).into_owned(),
        what: notice.what.name(),
        firing: notice.what.is_firing(),
        level: alert.level,
        rule: &alert.key.rule,
        labels: labels(&alert.labels),
        value: alert.value,
        title: notice.title(host),
        message: notice.text(),
        since_unix_milliseconds: alert.since_unix_ms,
        fired_unix_milliseconds: alert.fired_unix_ms,
        at_unix_milliseconds: notice.at_unix_ms,
    };
    serde_json::to_value(message).unwrap_or(Value::Null)
}

/// For ntfy: its JSON form, as a header could not hold every sentence.
#[must_use]
pub fn ntfy(notice: &Notice, host: &str, topic: &str) -> Value {
    let (priority, tag) = match (notice.what, notice.alert.level) {
        (What::Resolved | What::Removed | What::Brief, _) => (2, "white_check_mark"),
        (_, Level::Crit) => (5, "rotating_light"),
        (_, Level::Warn) => (4, "warning"),
        _ => (3, "information_source"),
    };
    json!({
        "topic": topic,
        "title": notice.title(host),
        "message": notice.text(),
        "priority": priority,
        "tags": [tag, notice.alert.key.rule],
    })
}

/// For a command: variables. A value holds no NUL, which no variable can hold: cleaning takes it out.
#[must_use]
pub fn variables(notice: &Notice, host: &str) -> Vec<(String, String)> {
    let alert = &notice.alert;
    let own = [
        ("ID", notice.id()),
        ("WHAT", notice.what.name().to_owned()),
        ("LEVEL", level_word(alert.level).to_lowercase()),
        ("RULE", clean(&alert.key.rule).into_owned()),
        ("HOST", clean(host).into_owned()),
        ("TITLE", notice.title(host)),
        ("MESSAGE", notice.text()),
        ("VALUE", alert.value.to_string()),
    ];
    let own = own.into_iter().map(|(name, value)| (format!("BENCHTOP_{name}"), value));
    let labels = labels(&alert.labels).into_iter().map(|(name, value)| {
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        (format!("BENCHTOP_LABEL_{name}"), value)
    });
    own.chain(labels).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::alert::AlertKey, notify::notice::Firing};

    const HOSTILE: &str = "a\"b\\c\nd\u{1b}]0;x\u{7}\u{202e}e'$(rm)`;|\0";

    fn notice(what: What) -> Notice {
        let key = AlertKey { rule: "service_down".into(), identity: vec![] };
        let alert = Firing {
            key,
            labels: vec![("service".into(), HOSTILE.into())],
            level: Level::Crit,
            value: 3.0,
            say: format!("{HOSTILE} is down"),
            since_unix_ms: 0,
            fired_unix_ms: 5000,
            muted: false,
            acknowledged: false,
            flapping: false,
            dismissal: None,
        };
        Notice { what, alert, at_unix_ms: 65_000 }
    }

    fn is_clean(text: &str) -> bool {
        !text.chars().any(crate::text::is_hostile)
    }

    #[test]
    fn hostile_names_are_clean_and_whole_at_every_destination() {
        let shown = "a\"b\\c?d?]0;x??e'$(rm)`;|?";
        for what in
            [What::Fired, What::Escalated, What::Reminder, What::Flapping, What::Resolved, What::Removed, What::Brief]
        {
            let notice = notice(what);
            for value in [json(&notice, HOSTILE), ntfy(&notice, HOSTILE, "lab")] {
                let text = value.to_string();
                assert!(is_clean(&text), "{text}");
                let back: Value = serde_json::from_str(&text).expect("JSON");
                assert!(
                    back["message"].as_str().is_some_and(|message| message.starts_with(&format!("{shown} is down")))
                );
            }
            for (name, value) in variables(&notice, HOSTILE) {
                assert!(is_clean(&value) && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{name}");
            }
        }
        assert_eq!(json(&notice(What::Fired), "atlas")["labels"]["service"], shown);
    }

    #[test]
    fn notices_read_as_sentences() {
        let of = |what| {
            let mut notice = notice(what);
            notice.alert.say = "web is down".into();
            (notice.title("atlas"), notice.text())
        };
        for (what, title, text) in [
            (What::Fired, "CRITICAL atlas", "web is down"),
            (What::Reminder, "still CRITICAL atlas", "web is down, for 1m now"),
            (What::Resolved, "resolved atlas", "web is down: over after 1m"),
            (What::Removed, "removed atlas", "web is down: it is no longer there"),
            (What::Brief, "over atlas", "web is down: it was so for 1m"),
        ] {
            assert_eq!(of(what), (title.to_owned(), text.to_owned()));
        }
        assert_eq!(notice(What::Fired).id(), notice(What::Fired).id(), "the same news has one id");
        assert_ne!(notice(What::Fired).id(), notice(What::Resolved).id());
    }
}
