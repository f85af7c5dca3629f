//! A notice: what one destination is sent of one alert, in words that no receiver can mistake for anything else.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    alert::Level,
    model::alert::{AlertKey, Labels},
    text::clean,
    units::span,
};

/// Letters of a sentence that are sent.
const LONGEST: usize = 500;

/// An alert that fires, as destinations get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Firing {
    pub key: AlertKey,
    /// What it is shown with.
    pub labels: Labels,
    pub level: Level,
    pub value: f64,
    /// The sentence.
    pub say: String,
    /// Since when it is so; and when it fired, which names the episode: milliseconds since 1970.
    pub since_unix_ms: i64,
    pub fired_unix_ms: i64,
    /// It is not sent: silenced, in a maintenance window, caused by another one, or flapping.
    pub muted: bool,
    /// The user has seen it: nobody is reminded.
    pub acknowledged: bool,
    /// It fires and clears all the time: that is said once, and then nothing until it stays as it is.
    #[serde(default)]
    pub flapping: bool,
    /// What the user said of it here.
    #[serde(default)]
    pub dismissal: Option<Dismissal>,
}

/// The user acknowledged or silenced it here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dismissal {
    /// Until then, milliseconds since 1970; `None`: acknowledged, until it is over or gets worse.
    pub until_unix_ms: Option<i64>,
    /// Why, in the user's words; may be empty.
    pub comment: String,
}

impl Firing {
    /// The same alert, fired at the same time.
    #[must_use]
    pub fn is_episode_of(&self, other: &Firing) -> bool {
        self.key == other.key && self.fired_unix_ms == other.fired_unix_ms
    }
}

/// An alert that fired and is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// As it was.
    pub alert: Firing,
    /// When, milliseconds since 1970.
    pub at_unix_ms: i64,
    /// What it was about is gone: nobody saw it clear.
    pub removed: bool,
}

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Fired,
    /// It got worse.
    Escalated,
    /// It still fires.
    Reminder,
    /// It fires and clears all the time.
    Flapping,
    Resolved,
    /// What it was about is gone.
    Removed,
    /// It fired and cleared before it could be sent.
    Brief,
}

impl What {
    /// As programs read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            What::Fired => "fired",
            What::Escalated => "escalated",
            What::Reminder => "reminder",
            What::Flapping => "flapping",
            What::Resolved => "resolved",
            What::Removed => "removed",
            What::Brief => "brief",
        }
    }

    /// The alert fires after it.
    #[must_use]
    pub fn is_firing(self) -> bool {
        matches!(self, What::Fired | What::Escalated | What::Reminder | What::Flapping)
    }
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub what: What,
    pub alert: Firing,
    /// When it came up, milliseconds since 1970.
    pub at_unix_ms: i64,
}

impl Notice {
    /// The same for the same news, however often it is sent: a receiver that has it already may drop it.
    #[must_use]
    pub fn id(&self) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        (&self.alert.key, self.alert.fired_unix_ms, self.what.name(), level_word(self.alert.level)).hash(&mut hasher);
        let repeats = if self.what == What::Reminder { self.at_unix_ms } else { 0 };
        format!("{:016x}-{:x}-{repeats:x}", hasher.finish(), self.alert.fired_unix_ms)
    }

    /// `CRITICAL atlas`, `resolved atlas`.
    #[must_use]
    pub fn title(&self, host: &str) -> String {
        let word = match self.what {
            What::Fired | What::Escalated => level_word(self.alert.level).to_owned(),
            What::Reminder => format!("still {}", level_word(self.alert.level)),
            What::Flapping => "flapping".to_owned(),
            What::Resolved => "resolved".to_owned(),
            What::Removed => "removed".to_owned(),
            What::Brief => "over".to_owned(),
        };
        clean(&format!("{word} {host}")).into_owned()
    }

    /// The sentence: one line, cleaned.
    #[must_use]
    pub fn text(&self) -> String {
        let say = clean(&self.alert.say);
        let lasted = || span(between(self.alert.since_unix_ms, self.at_unix_ms));
        let text = match self.what {
            What::Fired | What::Escalated => say.into_owned(),
            What::Reminder => format!("{say}, for {} now", lasted()),
            What::Flapping => {
                format!("{say}: it fires and clears all the time, and nothing more is sent until it settles")
            }
            What::Resolved => format!("{say}: over after {}", lasted()),
            What::Removed => format!("{say}: it is no longer there"),
            What::Brief => format!("{say}: it was so for {}", lasted()),
        };
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

fn between(from_unix_ms: i64, to_unix_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(to_unix_ms.saturating_sub(from_unix_ms)).unwrap_or(0))
}

/// `CRITICAL`, `warning`.
#[must_use]
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Crit => "CRITICAL",
        Level::Warn => "warning",
        Level::Advice => "advice",
        Level::Ok => "ok",
        Level::Unknown => "unknown",
    }
}
