//! Figures, differences and moments of benchmarks in words. Rates are decimal, as makers of disks and networks give them.

use std::time::Duration;

use jiff::{Timestamp, ZonedDateTime, civil::Date};

use crate::{
    clock::local_zone,
    model::{figure::Figure, unit::Unit},
    target::Bound,
    units,
};

/// Three significant digits: `71.2`, `2.05`, `942`.
fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.2}"),
    }
}

/// With the greatest decimal prefix that leaves a digit before the point.
fn scaled(value: f64) -> (String, &'static str) {
    const PREFIXES: [&str; 5] = ["", "k", "M", "G", "T"];
    let mut value = value;
    let mut at = 0;
    while value.abs() >= 999.5 && at + 1 < PREFIXES.len() {
        value /= 1000.0;
        at += 1;
    }
    (digits(value), PREFIXES[at])
}

/// A span: `412 µs`, `3.1 ms`, `1.84 s`, `3m41s`.
fn seconds(value: f64) -> String {
    match value.abs() {
        v if v < 0.000_999_5 => format!("{} µs", digits(value * 1e6)),
        v if v < 0.999_5 => format!("{} ms", digits(value * 1e3)),
        v if v < 99.95 => format!("{} s", digits(value)),
        _ => units::countdown(Duration::from_secs_f64(value.max(0.0))),
    }
}

/// The unit beside the figure where the base unit says too little.
fn noun(id: &str) -> &'static str {
    if id.contains("iops") {
        " IOPS"
    } else if id.contains("tokens") {
        " tok/s"
    } else if id.ends_with("_ops") {
        " ops/s"
    } else {
        "/s"
    }
}

/// Networks are rated in bits.
fn is_in_bits(id: &str) -> bool {
    id.starts_with("network") || id.starts_with("subnet")
}

/// A value of this figure: `612 ms`, `2.05 GB/s`, `71.2k IOPS`, `942 Mb/s`, `2.1 %`, `3.02:1`.
#[must_use]
pub fn value(figure: &Figure, value: f64) -> String {
    match figure.unit {
        Unit::Seconds => seconds(value),
        Unit::BytesPerSecond if is_in_bits(&figure.id) => {
            let (number, prefix) = scaled(value * 8.0);
            format!("{number} {prefix}b/s")
        }
        Unit::BytesPerSecond => {
            let (number, prefix) = scaled(value);
            format!("{number} {prefix}B/s")
        }
        Unit::PerSecond => {
            let (number, prefix) = scaled(value);
            format!("{number}{prefix}{}", noun(&figure.id))
        }
        Unit::Ratio | Unit::Count if figure.id.contains("compress") => format!("{}:1", digits(value)),
        Unit::Ratio => format!("{} %", digits(value * 100.0)),
        Unit::Count if value >= 1000.0 => {
            let (number, prefix) = scaled(value);
            format!("{number}{prefix}")
        }
        Unit::Count if value.fract() == 0.0 => format!("{value:.0}"),
        Unit::Count => digits(value),
        unit => unit.show(value),
    }
}

/// A number without zeros at the end that say nothing.
fn trimmed(text: String) -> String {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    format!("{number}{unit}")
}

/// A target in few columns: `<30 s`, `≥2 GB/s`, `15 %–25 %`.
#[must_use]
pub fn target(figure: &Figure, bound: Bound) -> String {
    let of = |limit| trimmed(value(figure, limit));
    match bound {
        Bound::Below(limit) => format!("<{}", of(limit)),
        Bound::AtMost(limit) => format!("≤{}", of(limit)),
        Bound::AtLeast(limit) => format!("≥{}", of(limit)),
        Bound::Between(low, high) => format!("{}–{}", of(low), of(high)),
        Bound::About(middle) => format!("~{}", of(middle)),
    }
}

/// A value beside others of the same figure: without the noun.
#[must_use]
pub fn value_short(figure: &Figure, v: f64) -> String {
    let text = value(figure, v);
    text.split(" IOPS").next().unwrap_or(&text).to_owned()
}

/// A target in the list, where the result beside it has the unit: `30 s`, `2 GB/s`, `100k`.
#[must_use]
pub fn target_short(figure: &Figure, bound: Bound) -> String {
    let text = target(figure, bound);
    let text = text.trim_start_matches('≥');
    text.split(" IOPS").next().unwrap_or(text).to_owned()
}

/// A difference from what is normal: `+2 %`, `−26 %`. The sign is that of the figure, not of better or worse.
#[must_use]
pub fn difference(ratio: f64) -> String {
    let percent = ((ratio - 1.0) * 100.0).round();
    let sign = if percent < 0.0 { '−' } else { '+' };
    format!("{sign}{:.0} %", percent.abs())
}

/// A spread: `±2.1 %`.
#[must_use]
pub fn spread(share: f64) -> String {
    format!("±{} %", if share < 0.1 { format!("{:.1}", share * 100.0) } else { format!("{:.0}", share * 100.0) })
}

/// A probability as a reader of statistics expects it: `0.004`, `< 0.001`.
#[must_use]
pub fn probability(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".to_owned()
    } else {
        format!("= {}", format!("{p:.3}").trim_end_matches('0').trim_end_matches('.'))
    }
}

/// `third`, of runs in a row.
#[must_use]
pub fn ordinal(n: usize) -> String {
    match n {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        4 => "fourth".to_owned(),
        5 => "fifth".to_owned(),
        n => {
            let ending = match (n % 10, n % 100) {
                (_, 11..=13) => "th",
                (1, _) => "st",
                (2, _) => "nd",
                (3, _) => "rd",
                _ => "th",
            };
            format!("{n}{ending}")
        }
    }
}

fn local(unix_ms: i64) -> Option<ZonedDateTime> {
    Some(Timestamp::from_millisecond(unix_ms).ok()?.to_zoned_datetime(local_zone()))
}

/// A day seen from `now`: `today`, `3 Sep`, `3 Sep 2025`.
#[must_use]
pub fn day(unix_ms: i64, now_ms: i64) -> String {
    let (Some(at), Some(now)) = (local(unix_ms), local(now_ms)) else { return String::new() };
    let (date, today): (Date, Date) = (at.date(), now.date());
    if date == today {
        "today".to_owned()
    } else if date.year() == today.year() {
        at.strftime("%-d %b").to_string()
    } else {
        at.strftime("%-d %b %Y").to_string()
    }
}

/// A moment seen from `now`: `today 03:10`, `Sat 21 Nov 03:10`.
#[must_use]
pub fn moment(unix_ms: i64, now_ms: i64) -> String {
    let Some(at) = local(unix_ms) else { return String::new() };
    let clock = at.strftime("%H:%M");
    match day(unix_ms, now_ms).as_str() {
        "today" => format!("today {clock}"),
        day => format!("{} {day} {clock}", at.strftime("%a")),
    }
}

/// The same in fewer columns: `21 Nov 03:10`.
#[must_use]
pub fn moment_short(unix_ms: i64, now_ms: i64) -> String {
    let Some(at) = local(unix_ms) else { return String::new() };
    format!("{} {}", day(unix_ms, now_ms), at.strftime("%H:%M"))
}

/// How long ago: `now` within a minute, then `12m`, `3h`, `7d`.
#[must_use]
pub fn age(unix_ms: i64, now_ms: i64) -> String {
    let ago = Duration::from_millis(u64::try_from(now_ms - unix_ms).unwrap_or(0));
    if ago < Duration::from_secs(60) { "now".to_owned() } else { units::span_short(ago) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::figure::Better;

    fn figure(id: &str, unit: Unit, better: Better) -> Figure {
        Figure { id: id.into(), title: String::new(), unit, better }
    }

    #[test]
    fn figures_have_three_digits_and_the_unit_of_their_field() {
        let shown = |id: &str, unit, v| value(&figure(id, unit, Better::Higher), v);
        assert_eq!(shown("container_start_seconds", Unit::Seconds, 0.6123), "612 ms");
        assert_eq!(shown("engine_api_seconds", Unit::Seconds, 0.0031), "3.10 ms");
        assert_eq!(shown("x_seconds", Unit::Seconds, 0.000_412), "412 µs");
        assert_eq!(shown("x_seconds", Unit::Seconds, 1.836), "1.84 s");
        assert_eq!(shown("model_load_seconds", Unit::Seconds, 221.4), "3m41s");
        assert_eq!(shown("storage_read_bytes_per_second", Unit::BytesPerSecond, 2.05e9), "2.05 GB/s");
        assert_eq!(shown("network_internal_bytes_per_second", Unit::BytesPerSecond, 117.75e6), "942 Mb/s");
        assert_eq!(shown("storage_random_iops", Unit::PerSecond, 71_200.0), "71.2k IOPS");
        assert_eq!(shown("model_tokens_per_second", Unit::PerSecond, 41.34), "41.3 tok/s");
        assert_eq!(shown("engine_overhead_ratio", Unit::Ratio, 0.021), "2.10 %");
        assert_eq!(shown("storage_compress_ratio", Unit::Ratio, 3.02), "3.02:1");
        assert_eq!(shown("container_density", Unit::Count, 50.0), "50");
    }

    #[test]
    fn targets_are_short_and_say_their_direction() {
        let shown = |id: &str, unit, bound| target(&figure(id, unit, Better::Lower), bound);
        assert_eq!(shown("container_start_seconds", Unit::Seconds, Bound::Below(30.0)), "<30 s");
        assert_eq!(shown("x", Unit::BytesPerSecond, Bound::AtLeast(2e9)), "≥2 GB/s");
        assert_eq!(shown("x_iops", Unit::PerSecond, Bound::AtLeast(1e5)), "≥100k IOPS");
        assert_eq!(shown("x", Unit::Seconds, Bound::AtMost(0.001)), "≤1 ms");
        assert_eq!(shown("x", Unit::Ratio, Bound::Between(0.05, 0.2)), "5 %–20 %");
        let short = target_short(&figure("x_iops", Unit::PerSecond, Better::Higher), Bound::AtLeast(1e5));
        assert_eq!(short, "100k");
    }

    #[test]
    fn differences_have_the_sign_of_the_figure() {
        let shown = [0.74, 1.02, 1.0, 0.999, 0.94].map(difference);
        assert_eq!(shown, ["−26 %", "+2 %", "+0 %", "+0 %", "−6 %"]);
        assert_eq!([probability(0.004), probability(0.000_02)], ["= 0.004", "< 0.001"]);
        assert_eq!([spread(0.021), spread(0.31)], ["±2.1 %", "±31 %"]);
    }

    #[test]
    fn digits_are_three_wherever_a_value_lies() {
        for (value, text) in [
            (0.0, "0"),
            (9.994, "9.99"),
            (9.996, "10.0"),
            (99.94, "99.9"),
            (99.96, "100"),
            (-9.994, "-9.99"),
            (-120.0, "-120"),
        ] {
            assert_eq!(digits(value), text);
        }
        for (value, text, prefix) in
            [(999.4, "999", ""), (999.6, "1.00", "k"), (999_600.0, "1.00", "M"), (1e18, "1000000", "T")]
        {
            assert_eq!(scaled(value), (text.to_owned(), prefix));
        }
        for (value, text) in [
            (0.000_999, "999 µs"),
            (0.001, "1.00 ms"),
            (0.9994, "999 ms"),
            (0.9996, "1.00 s"),
            (99.94, "99.9 s"),
            (100.0, "1m40s"),
        ] {
            assert_eq!(seconds(value), text);
        }
    }

    #[test]
    fn each_figure_has_the_noun_of_its_kind() {
        let of = |id: &str, unit, v| value(&figure(id, unit, Better::Higher), v);
        assert_eq!(of("cpu_hash_ops", Unit::PerSecond, 5e3), "5.00k ops/s");
        assert_eq!(of("requests", Unit::PerSecond, 5.0), "5.00/s");
        assert_eq!(of("subnet_allocation", Unit::BytesPerSecond, 125.0), "1.00 kb/s");
        assert_eq!((of("n", Unit::Count, 999.0), of("n", Unit::Count, 1000.0)), ("999".into(), "1.00k".to_owned()));
        assert_eq!(
            (of("n", Unit::Count, 2.5), of("compress_count", Unit::Count, 2.5)),
            ("2.50".into(), "2.50:1".to_owned())
        );
        assert_eq!(value_short(&figure("x_iops", Unit::PerSecond, Better::Higher), 71_200.0), "71.2k");
    }

    #[test]
    fn limits_of_words_are_where_they_are_said_to_be() {
        assert_eq!([0.0999, 0.1].map(spread), ["±10.0 %", "±10 %"]);
        assert_eq!([0.000_99, 0.001, 0.05].map(probability), ["< 0.001", "= 0.001", "= 0.05"]);
        assert_eq!([1, 2, 3, 4, 5, 6].map(ordinal), ["first", "second", "third", "fourth", "fifth", "6th"]);
        let later = [10, 11, 12, 13, 14, 21, 22, 23, 24, 101, 111, 112, 113].map(ordinal);
        let endings = [
            "10th", "11th", "12th", "13th", "14th", "21st", "22nd", "23rd", "24th", "101st", "111th", "112th", "113th",
        ];
        assert_eq!(later, endings);
        assert_eq!((age(0, 59_999), age(0, 60_000), age(5, 0)), ("now".into(), "1m".into(), "now".to_owned()));
    }

    #[test]
    fn a_day_is_named_as_shortly_as_it_can_be() {
        let noon = |text: &str| {
            let at: jiff::civil::DateTime = format!("{text}T12:00").parse().expect("a moment");
            local_zone().to_timestamp(at).expect("it is there").as_millisecond()
        };
        let now = noon("2026-11-21");
        assert_eq!(day(now - 3_600_000, now), "today");
        assert_eq!(
            (day(noon("2026-09-03"), now), day(noon("2025-11-21"), now)),
            ("3 Sep".into(), "21 Nov 2025".to_owned())
        );
        assert_eq!((moment(now, now), moment_short(now, now)), ("today 12:00".into(), "today 12:00".to_owned()));
        assert_eq!(moment(noon("2026-09-03"), now), "Thu 3 Sep 12:00");
        assert_eq!(moment_short(noon("2026-09-03"), now), "3 Sep 12:00");
    }
}
