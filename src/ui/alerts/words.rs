//! A rule and a moment in plain words.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    alert::{Level, Rule, Side},
    clock::local_zone,
    model::metrics::Unit,
    units::countdown,
};

/// `5m`, `1m40s`: to the second, without those that are none.
#[must_use]
pub fn exact(span: Duration) -> String {
    let words = countdown(span);
    let short = words.strip_suffix("00s").filter(|short| !short.is_empty()).or_else(|| words.strip_suffix("00m"));
    short.filter(|short| short.ends_with(['m', 'h'])).map_or(words.clone(), str::to_owned)
}

/// `14:02` today, `14 Nov` before.
#[must_use]
pub fn moment(unix_ms: i64, now_ms: i64) -> String {
    let zone = local_zone();
    let local = |ms: i64| Timestamp::from_millisecond(ms).ok().map(|at| at.to_zoned_datetime(zone.clone()));
    let (Some(at), Some(now)) = (local(unix_ms), local(now_ms)) else { return "–".to_owned() };
    let form = if at.date() == now.date() { "%H:%M" } else { "%-d %b" };
    at.strftime(form).to_string()
}

/// `13:59:02`, with the day where that is another one.
#[must_use]
pub fn second(unix_ms: i64, now_ms: i64) -> String {
    let zone = local_zone();
    let local = |ms: i64| Timestamp::from_millisecond(ms).ok().map(|at| at.to_zoned_datetime(zone.clone()));
    let (Some(at), Some(now)) = (local(unix_ms), local(now_ms)) else { return "–".to_owned() };
    let form = if at.date() == now.date() { "%H:%M:%S" } else { "%-d %b %H:%M:%S" };
    at.strftime(form).to_string()
}

/// A level as a word for people.
#[must_use]
pub fn level(level: Level) -> &'static str {
    match level {
        Level::Crit => "critical",
        Level::Warn => "warning",
        Level::Advice => "advice",
        Level::Ok => "fine",
        Level::Unknown => "unknown",
    }
}

/// `fires above 90 % for 5m, critical above 98 %` and `clears at 80 % or less for 1m40s`.
#[must_use]
pub fn rule(rule: &Rule) -> [String; 2] {
    let unit = if rule.normal_floor.is_some() { Unit::Ratio } else { rule.metric.def().unit };
    let of = if rule.normal_floor.is_some() { " of normal" } else { "" };
    let side = if rule.side == Side::Above { "above" } else { "below" };
    let mut set = rule.limits.set();
    let first = set.next().map_or_else(String::new, |(_, limit)| format!("{side} {}{of}", unit.show(limit)));
    let more: String = set.map(|(worse, limit)| format!(", {} {side} {}", level(worse), unit.show(limit))).collect();
    let when = match (rule.in_a_row.filter(|count| *count > 1), rule.times) {
        (Some(count), _) => format!(" {count} times in a row"),
        (_, Some(times)) => format!(" {}× within {}", times.count, exact(times.within)),
        _ if rule.hold.is_zero() => ", at once".to_owned(),
        _ => format!(" for {}", exact(rule.hold)),
    };
    let clear = rule.clear.or(rule.limits.mildest()).map_or_else(String::new, |clear| unit.show(clear));
    let better = if rule.side == Side::Above { "or less" } else { "or more" };
    let least = rule.clear_hold.unwrap_or((rule.hold / 3).min(Duration::from_secs(300)));
    let long = match (rule.clear_hold, least.as_secs()) {
        (Some(_), 0) => String::new(),
        (None, 0) => ", twice".to_owned(),
        _ => format!(" for {}", exact(least)),
    };
    [format!("fires {first}{when}{more}"), format!("clears at {clear}{of} {better}{long}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_plain_words() {
        let of = |id: &str| crate::alert::shipped().into_iter().find(|r| r.id == id).map(|r| rule(&r)).expect("a rule");
        assert_eq!(
            of("cpu_busy"),
            ["fires above 90% for 5m, critical above 98%".to_owned(), "clears at 80% or less for 1m40s".to_owned()]
        );
        assert_eq!(of("pool_healthy"), ["fires below 1, at once".to_owned(), "clears at 1 or more, twice".to_owned()]);
    }
    #[test]
    fn a_rule_says_when_it_fires_and_when_it_ends() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let of = |change: &dyn Fn(&mut Rule)| {
            let mut of = Rule::new("busy", crate::model::metrics::LOAD1);
            of.limits.warn = Some(4.0);
            change(&mut of);
            rule(&of)
        };
        let fires = |change: &dyn Fn(&mut Rule)| of(change)[0].clone();
        assert_eq!(fires(&|_| ()), "fires above 4, at once");
        assert_eq!(fires(&|rule| rule.hold = minutes(90)), "fires above 4 for 1h30m");
        assert_eq!(fires(&|rule| rule.in_a_row = Some(3)), "fires above 4 3 times in a row");
        assert_eq!(fires(&|rule| rule.in_a_row = Some(2)), "fires above 4 2 times in a row");
        assert_eq!(fires(&|rule| rule.in_a_row = Some(1)), "fires above 4, at once");
        let times = crate::alert::Times { count: 5, within: minutes(60) };
        assert_eq!(fires(&|rule| rule.times = Some(times)), "fires above 4 5× within 1h");
        assert_eq!(
            fires(&|rule| (rule.side, rule.limits.crit) = (Side::Below, Some(2.0))),
            "fires below 4, at once, critical below 2"
        );
        let of_normal = |rule: &mut Rule| (rule.normal_floor, rule.limits.warn) = (Some(1.0), Some(1.5));
        assert_eq!(of(&of_normal), ["fires above 150% of normal, at once", "clears at 150% of normal or less, twice"]);
        let clears = |change: &dyn Fn(&mut Rule)| of(change)[1].clone();
        assert_eq!(clears(&|rule| rule.clear = Some(3.0)), "clears at 3 or less, twice");
        assert_eq!(clears(&|rule| rule.side = Side::Below), "clears at 4 or more, twice");
        assert_eq!(clears(&|rule| rule.hold = minutes(3)), "clears at 4 or less for 1m");
        assert_eq!(clears(&|rule| rule.hold = minutes(60)), "clears at 4 or less for 5m", "no longer");
        assert_eq!(clears(&|rule| rule.clear_hold = Some(Duration::ZERO)), "clears at 4 or less");
        assert_eq!(clears(&|rule| rule.clear_hold = Some(minutes(20))), "clears at 4 or less for 20m");
    }

    #[test]
    fn spans_and_moments_are_as_short_as_they_can_be() {
        let spans = [0, 59, 60, 61, 600, 3600, 3660, 5400, 72_000].map(|seconds| exact(Duration::from_secs(seconds)));
        assert_eq!(spans, ["0s", "59s", "1m", "1m01s", "10m", "1h", "1h01m", "1h30m", "20h"]);
        let at = |text: &str| {
            let at: jiff::civil::DateTime = text.parse().expect("a moment");
            local_zone().to_timestamp(at).expect("it is there").as_millisecond()
        };
        let (now, before) = (at("2026-11-21T14:02:09"), at("2026-11-04T14:02:09"));
        assert_eq!((moment(now, now), moment(before, now)), ("14:02".into(), "4 Nov".to_owned()));
        assert_eq!((second(now, now), second(before, now)), ("14:02:09".into(), "4 Nov 14:02:09".to_owned()));
        assert_eq!((moment(i64::MAX, now), second(now, i64::MAX)), ("–".into(), "–".to_owned()));
        let levels = [Level::Crit, Level::Warn, Level::Advice, Level::Ok, Level::Unknown].map(level);
        assert_eq!(levels, ["critical", "warning", "advice", "fine", "unknown"]);
    }
}
