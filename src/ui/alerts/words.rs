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
}
