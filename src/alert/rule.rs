//! One limit of one figure: which side is bad, from where on, for how long, and what is said about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Stamp,
    model::{
        alert::{AlertKey, Labels},
        metrics::MetricId,
    },
    text::like,
};

/// How bad a value is, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Not known: no data, or data too old.
    #[default]
    Unknown,
    /// Nothing to say.
    Ok,
    /// Worth knowing.
    Advice,
    /// Crossed the warning limit.
    Warn,
    /// Crossed the critical limit.
    Crit,
}

/// Which side of a limit is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    #[default]
    Above,
    Below,
}

impl Side {
    /// True when `value` lies on the bad side of `limit`; on the limit itself it does not.
    #[must_use]
    pub fn crossed(self, value: f64, limit: f64) -> bool {
        match self {
            Side::Above => value > limit,
            Side::Below => value < limit,
        }
    }
}

/// Limits in the metric's base unit, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    pub advice: Option<f64>,
    pub warn: Option<f64>,
    pub crit: Option<f64>,
}

impl Limits {
    /// The mildest limit there is.
    #[must_use]
    pub fn mildest(&self) -> Option<f64> {
        self.advice.or(self.warn).or(self.crit)
    }

    /// Where alerts begin: the warning limit, else the critical one.
    #[must_use]
    pub fn alert_limit(&self) -> Option<f64> {
        self.warn.or(self.crit)
    }
}

/// Patterns by label name.
pub(super) type Patterns = Vec<(String, Vec<String>)>;

/// One rule of `assets/rules.toml`, or of the config: limits of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// `cpu_busy`, unique.
    pub id: String,
    /// The metric it judges.
    pub metric: MetricId,
    /// Which side is bad.
    pub side: Side,
    /// From where on.
    pub limits: Limits,
    /// The value at which a held alert ends; the mildest limit when absent.
    pub clear: Option<f64>,
    /// How long the limit must be crossed before it is said. Colour does not wait.
    pub hold: Duration,
    /// How long an alert must be clear before it ends; two samples and a third of `hold` when absent.
    pub clear_hold: Option<Duration>,
    /// Labels that must match one of these patterns.
    pub only: Patterns,
    /// Labels that must match none of these patterns.
    pub except: Patterns,
    /// The sentence, with `{value}`, `{limit}` and label names in braces: `{mount} is {value} full`.
    pub say: String,
    /// It neither fires nor clears while a benchmark of ours saturates the machine.
    pub quiet_during_runs: bool,
    /// Switched on.
    pub enabled: bool,
}

impl Rule {
    /// A rule without limits.
    #[must_use]
    pub fn new(id: impl Into<String>, metric: MetricId) -> Self {
        Rule {
            id: id.into(),
            metric,
            side: Side::Above,
            limits: Limits::default(),
            clear: None,
            hold: Duration::ZERO,
            clear_hold: None,
            quiet_during_runs: false,
            only: Patterns::new(),
            except: Patterns::new(),
            say: String::new(),
            enabled: true,
        }
    }

    /// The level of `value`.
    #[must_use]
    pub fn level(&self, value: f64) -> Level {
        if value.is_nan() {
            return Level::Unknown;
        }
        let over = |limit: Option<f64>| limit.is_some_and(|l| self.side.crossed(value, l));
        match () {
            () if !self.enabled => Level::Ok,
            () if over(self.limits.crit) => Level::Crit,
            () if over(self.limits.warn) => Level::Warn,
            () if over(self.limits.advice) => Level::Advice,
            () => Level::Ok,
        }
    }

    /// The limit that makes a value this bad.
    #[must_use]
    pub fn limit(&self, level: Level) -> Option<f64> {
        match level {
            Level::Crit => self.limits.crit,
            Level::Warn => self.limits.warn,
            Level::Advice => self.limits.advice,
            Level::Ok | Level::Unknown => None,
        }
    }

    /// True when a held alert ends at `value`.
    #[must_use]
    pub fn clears(&self, value: f64) -> bool {
        self.clear.or(self.limits.mildest()).is_none_or(|limit| !self.side.crossed(value, limit))
    }

    /// True when this rule matches these labels: `names` of the metric, `values` of the figure.
    #[must_use]
    pub fn concerns(&self, names: &[&str], values: &[&str]) -> bool {
        let value = |name: &str| names.iter().position(|n| *n == name).and_then(|i| values.get(i)).copied();
        let hit = |(name, patterns): &(String, Vec<String>)| {
            value(name).is_some_and(|value| patterns.iter().any(|p| like(p, value)))
        };
        self.only.iter().all(hit) && !self.except.iter().any(hit)
    }
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
    /// It is clear, and ends when it stays so for this long.
    pub clears_in: Option<Duration>,
    /// Value now, base unit.
    pub value: f64,
    /// Since when the level has been this or worse.
    pub since: Stamp,
    /// It was so when its metric was first judged: it may have been so for longer.
    pub from_start: bool,
    /// Since when, as the object itself reports: milliseconds since 1970.
    pub began_unix_ms: Option<i64>,
    /// Since when its source gives no data: it may be over.
    pub unknown_since: Option<Stamp>,
    /// The user has seen it: it is listed, and counts no longer until it is over or gets worse.
    pub acknowledged: bool,
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
        if let Some(ms) = self.began_unix_ms.and_then(|began| u64::try_from(now.unix_ms - began).ok()) {
            return show(Duration::from_millis(ms));
        }
        let more = if self.from_start { "+" } else { "" };
        format!("{}{more}", show(now.since(self.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metrics;

    fn rule(side: Side, warn: f64, crit: f64) -> Rule {
        let limits = Limits { warn: Some(warn), crit: Some(crit), advice: None };
        Rule { side, limits, ..Rule::new("r", metrics::LOAD1) }
    }

    #[test]
    fn a_value_on_its_limit_is_still_fine_and_no_value_is_unknown() {
        let rule = rule(Side::Above, 0.9, 0.98);
        assert_eq!(rule.level(0.9), Level::Ok);
        assert_eq!(rule.level(0.901), Level::Warn);
        assert_eq!(rule.level(1.0), Level::Crit);
        assert_eq!(rule.level(f64::NAN), Level::Unknown);
        assert_eq!(Rule { enabled: false, ..rule }.level(1.0), Level::Ok);
    }

    #[test]
    fn below_turns_the_limits_around() {
        let rule = rule(Side::Below, 8.0, 2.0);
        assert_eq!([9.0, 7.0, 1.0].map(|v| rule.level(v)), [Level::Ok, Level::Warn, Level::Crit]);
        assert!(rule.clears(8.0) && !rule.clears(7.9));
    }

    #[test]
    fn patterns_choose_by_label() {
        let rule = Rule {
            only: vec![("mount".into(), vec!["/srv/*".into()])],
            except: vec![("mount".into(), vec!["/srv/tmp".into()])],
            ..Rule::new("r", metrics::FILESYSTEM_USED_RATIO)
        };
        let concerns = |mount| rule.concerns(&["mount"], &[mount]);
        assert!(concerns("/srv/a"));
        assert!(!concerns("/srv/tmp"));
        assert!(!concerns("/"));
    }
}
