//! One limit of one figure: which side is bad, from where on, for how long, and what is said about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{model::metrics::MetricId, text::like};

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

impl Level {
    /// As it is written down: `warn`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Unknown => "unknown",
            Level::Ok => "ok",
            Level::Advice => "advice",
            Level::Warn => "warn",
            Level::Crit => "crit",
        }
    }

    /// The level of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Level> {
        [Level::Unknown, Level::Ok, Level::Advice, Level::Warn, Level::Crit].into_iter().find(|l| l.word() == word)
    }
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

    /// Those that are set with their levels, the mildest first.
    pub fn set(&self) -> impl Iterator<Item = (Level, f64)> {
        let all = [(Level::Advice, self.advice), (Level::Warn, self.warn), (Level::Crit, self.crit)];
        all.into_iter().filter_map(|(level, limit)| Some((level, limit?)))
    }

    /// Where alerts begin: the warning limit, else the critical one.
    #[must_use]
    pub fn alert_limit(&self) -> Option<f64> {
        self.warn.or(self.crit)
    }
}

/// A limit that is crossed so often within this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the struct's sentence names both")]
pub struct Times {
    pub count: u32,
    pub within: Duration,
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
    /// How many samples in a row must be over the limit.
    pub in_a_row: Option<u32>,
    /// How often the limit must be newly crossed, within this time.
    pub times: Option<Times>,
    /// Its limits are shares of what is normal for the figure, which counts as at least this.
    pub normal_floor: Option<f64>,
    /// Nothing is known in the first minutes after boot, and in the first one after a suspend: what it judges is starting.
    pub grace: bool,
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
            in_a_row: None,
            times: None,
            normal_floor: None,
            grace: false,
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

    /// It fires with the first value over its limit.
    #[must_use]
    pub fn is_at_once(&self) -> bool {
        self.hold.is_zero() && self.in_a_row.is_none_or(|count| count < 2) && self.times.is_none()
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

    #[test]
    fn a_rule_that_waits_for_nothing_fires_at_once() {
        let rule = Rule::new("r", metrics::LOAD1);
        let with = |hold, in_a_row, times: Option<Times>| {
            Rule { hold: Duration::from_secs(hold), in_a_row, times, ..rule.clone() }.is_at_once()
        };
        let times = Times { count: 3, within: Duration::from_secs(60) };
        assert!(with(0, None, None) && with(0, Some(1), None));
        assert!(!with(1, None, None) && !with(0, Some(2), None) && !with(0, Some(3), None));
        assert!(!with(0, None, Some(times)));
    }
}
