//! Windows of the day in which nothing is sent: `[[maintenance]]` of the config. Alerts are judged as always. The zone's
//! rules are asked each time, so that a window keeps its hours over a change of daylight saving.

use jiff::{Timestamp, civil::Weekday, tz::TimeZone};

use crate::{model::alert::Labels, text::like};

/// One window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Window {
    /// As alerts name it.
    pub name: String,
    /// Minutes of the day: from, and to; `to` before `from` is on the next day.
    pub from: u16,
    pub to: u16,
    /// On these days, by the day on which it begins, Monday first; all of them where none is set.
    pub days: [bool; 7],
    /// Patterns of rules; none: all.
    pub rules: Vec<String>,
    /// Patterns of labels, any of which must match; none: all.
    pub only: Vec<(String, String)>,
}

impl Window {
    /// True when it holds at this moment for an alert of `rule` with `labels`.
    #[must_use]
    pub fn covers(&self, rule: &str, labels: &Labels, unix_ms: i64, zone: &TimeZone) -> bool {
        let of = self.rules.is_empty() || self.rules.iter().any(|pattern| like(pattern, rule));
        let has =
            |(name, pattern): &(String, String)| labels.iter().any(|(n, value)| n == name && like(pattern, value));
        of && (self.only.is_empty() || self.only.iter().any(has)) && self.is_open(unix_ms, zone)
    }

    /// True within its hours.
    #[must_use]
    pub fn is_open(&self, unix_ms: i64, zone: &TimeZone) -> bool {
        let Ok(at) = Timestamp::from_millisecond(unix_ms) else { return false };
        let at = at.to_zoned_datetime(zone.clone());
        let minute = u16::try_from(i32::from(at.hour()) * 60 + i32::from(at.minute())).unwrap_or(0);
        let on = |day: Weekday| {
            let any = self.days.iter().any(|on| *on);
            let at = usize::try_from(day.to_monday_zero_offset()).unwrap_or(0);
            !any || self.days.get(at).copied().unwrap_or(false)
        };
        let today = at.weekday();
        if self.from < self.to {
            return on(today) && (self.from..self.to).contains(&minute);
        }
        // Over midnight, or all day where both are the same.
        (on(today) && minute >= self.from) || (on(today.previous()) && minute < self.to)
    }
}

/// The first window that holds.
#[must_use]
pub fn covering<'a>(
    windows: &'a [Window],
    rule: &str,
    labels: &Labels,
    unix_ms: i64,
    zone: &TimeZone,
) -> Option<&'a Window> {
    windows.iter().find(|window| window.covers(rule, labels, unix_ms, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(zone: &TimeZone, text: &str) -> i64 {
        let civil: jiff::civil::DateTime = text.parse().expect("a time");
        civil.to_zoned_datetime(zone.clone()).expect("it exists").timestamp().as_millisecond()
    }

    fn window(from: u16, to: u16, days: &[usize]) -> Window {
        let mut window = Window { name: "backup".into(), from: from * 60, to: to * 60, ..Window::default() };
        days.iter().for_each(|day| window.days[*day] = true);
        window
    }

    #[test]
    fn hours_and_days() {
        let zone = TimeZone::UTC;
        // 2026-11-26 is a Thursday.
        let open = |window: &Window, text: &str| window.is_open(at(&zone, text), &zone);
        let day = window(2, 4, &[]);
        assert!(open(&day, "2026-11-26T02:00") && open(&day, "2026-11-26T03:59") && !open(&day, "2026-11-26T04:00"));
        let night = window(23, 5, &[3]);
        assert!(open(&night, "2026-11-26T23:30") && open(&night, "2026-11-27T04:00"), "it begins on Thursday");
        assert!(!open(&night, "2026-11-26T04:00") && !open(&night, "2026-11-27T23:30"));
        assert!(open(&window(0, 0, &[3]), "2026-11-26T12:00"));
    }

    #[test]
    fn daylight_saving_keeps_its_hours() {
        let Ok(zone) = TimeZone::get("Europe/Berlin") else { return };
        let window = window(2, 4, &[]);
        for day in ["2026-03-28", "2026-03-29", "2026-10-25", "2026-10-26"] {
            let open = |time: &str| window.is_open(at(&zone, &format!("{day}T{time}")), &zone);
            assert!(open("03:30") && !open("04:00") && !open("01:59"), "{day}");
        }
    }

    #[test]
    fn rules_and_labels_choose() {
        let zone = TimeZone::UTC;
        let window = Window {
            rules: vec!["container_*".into()],
            only: vec![("container".into(), "nightly-*".into())],
            ..window(0, 0, &[])
        };
        let covers =
            |rule: &str, container: &str| window.covers(rule, &vec![("container".into(), container.into())], 0, &zone);
        assert!(covers("container_restarts", "nightly-dump"));
        assert!(!covers("container_restarts", "web") && !covers("pool_full", "nightly-dump"));
    }
}
