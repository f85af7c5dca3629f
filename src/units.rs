//! Figures as people read them: fixed width so that nothing jitters, binary prefixes for bytes, `–` for what is absent.

use std::time::Duration;

/// What is shown where no figure is known. Never `0`: zero is a measured zero.
pub const ABSENT: &str = "–";

const PREFIXES: [&str; 7] = ["", "K", "M", "G", "T", "P", "E"];

/// Bytes in at most five columns: `0`, `812`, `7.1K`, `13.4G`, `181M`, `1023G`.
#[must_use]
pub fn bytes_short(value: f64) -> String {
    let (scaled, prefix) = scale(value);
    if prefix.is_empty() {
        format!("{scaled:.0}")
    } else if scaled < 99.95 {
        format!("{scaled:.1}{prefix}")
    } else {
        format!("{scaled:.0}{prefix}")
    }
}

/// Bytes with their unit: `11.7 GiB`, `512 B`.
#[must_use]
pub fn bytes_long(value: f64) -> String {
    let (scaled, prefix) = scale(value);
    if prefix.is_empty() { format!("{scaled:.0} B") } else { format!("{scaled:.1} {prefix}iB") }
}

/// `value` divided by the power of 1024 that leaves under 1000, so that no figure needs more than four digits.
fn scale(value: f64) -> (f64, &'static str) {
    let mut scaled = value.max(0.0);
    let mut step = 0;
    while scaled >= 999.5 && step + 1 < PREFIXES.len() {
        scaled /= 1024.0;
        step += 1;
    }
    (scaled, PREFIXES[step])
}

/// A count in at most five columns with decimal prefixes: `0.4`, `12`, `1.1k`, `50k`, `1.2M`.
#[must_use]
pub fn count_short(value: f64) -> String {
    let v = value.max(0.0);
    match v {
        v if v < 9.95 && v.fract() > 0.049 => format!("{v:.1}"),
        v if v < 999.5 => format!("{v:.0}"),
        v if v < 9_950.0 => format!("{:.1}k", v / 1e3),
        v if v < 999_500.0 => format!("{:.0}k", v / 1e3),
        v if v < 9_950_000.0 => format!("{:.1}M", v / 1e6),
        v if v < 999_500_000.0 => format!("{:.0}M", v / 1e6),
        v => format!("{:.1}G", v / 1e9),
    }
}

/// A share of one as whole per cents: `0.24` gives `24%`.
#[must_use]
pub fn percent(ratio: f64) -> String {
    format!("{:.0}%", ratio * 100.0)
}

/// A link speed: `1 Gb/s`, `2.5 Gb/s`, `100 Mb/s`.
#[must_use]
pub fn bits_per_second(bits: f64) -> String {
    let (v, u) = if bits >= 1e9 { (bits / 1e9, "Gb/s") } else { (bits / 1e6, "Mb/s") };
    if v.fract() < 0.05 { format!("{v:.0} {u}") } else { format!("{v:.1} {u}") }
}

/// A latency in as few columns as it needs, six at most below 1,000 s: `2.3 ms`, `41 ms`, `1.2 s`.
#[must_use]
pub fn latency(seconds: f64) -> String {
    match seconds {
        s if s < 0.009_95 => format!("{:.1} ms", s * 1e3),
        s if s < 0.999_5 => format!("{:.0} ms", s * 1e3),
        s if s < 99.95 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

/// A latency with three digits: `84.2 µs`, `1.31 ms`, `2.00 s`.
#[must_use]
pub fn latency_fine(seconds: f64) -> String {
    // What is rounded up to the next unit, or to one digit more, is shown as that.
    let (value, unit) = match seconds {
        s if s < 999.5e-6 => (s * 1e6, "µs"),
        s if s < 0.9995 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    match value {
        v if v < 9.995 => format!("{v:.2} {unit}"),
        v if v < 99.95 => format!("{v:.1} {unit}"),
        v => format!("{v:.0} {unit}"),
    }
}

/// A span in its two greatest units at most: `12s`, `3m`, `5h 12m`, `41d 6h`.
#[must_use]
pub fn span(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m", s / 60),
        3600..86_400 => format!("{}h {}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d {}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// A span in its greatest unit alone: `12s`, `3m`, `5h`, `41d`.
#[must_use]
pub fn span_short(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m", s / 60),
        3600..86_400 => format!("{}h", s / 3600),
        _ => format!("{}d", s / 86_400),
    }
}

/// A span in whole days: `3 days`, `1 day`, `less than a day`.
#[must_use]
pub fn days(duration: Duration) -> String {
    match duration.as_secs() / 86_400 {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// A span that runs down, to the second below an hour: `12s`, `4m10s`, `2h05m`.
#[must_use]
pub fn countdown(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        _ => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
    }
}

/// Reads a span as people write it: `500ms`, `2s`, `1.5`, `5m`, `1h`, `2d`. A bare number is seconds.
#[must_use]
pub fn parse_span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let value: f64 = text[..split].trim().parse().ok()?;
    let unit = match text[split..].trim() {
        "" | "s" | "sec" | "seconds" => 1.0,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    (value.is_finite() && value >= 0.0).then(|| Duration::try_from_secs_f64(value * unit).ok()).flatten()
}

/// Reads a quantity into base units: `90%` is 0.9, `8GB` and `8GiB` are bytes, `85C` degrees, `500ms` seconds, `12` is 12.
///
/// `K M G T` alone and with `iB` are powers of 1024, with `B` powers of 1000, as storage makers and memory makers use them.
#[must_use]
pub fn parse_quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    let value: f64 = text[..split].parse().ok()?;
    let unit = text[split..].trim().trim_end_matches("/s");
    if unit == "%" {
        // Divided, not multiplied: 95% is 0.95 to the last bit.
        return value.is_finite().then_some(value / 100.0);
    }
    let factor = match unit {
        "" | "C" | "°C" | "W" | "B" | "s" | "x" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" => 1e-6,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "k" => 1e3,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "K" | "KiB" => 1024.0,
        "M" | "MiB" => 1_048_576.0,
        "G" | "GiB" => 1_073_741_824.0,
        "T" | "TiB" => 1_099_511_627_776.0,
        _ => return None,
    };
    value.is_finite().then_some(value * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fine_latency_has_three_digits() {
        let cases =
            [(0.0, "0.00 µs"), (4.2e-7, "0.42 µs"), (9.994e-6, "9.99 µs"), (12.34e-6, "12.3 µs"), (999e-6, "999 µs")];
        for (seconds, words) in
            cases.into_iter().chain([(1e-3, "1.00 ms"), (0.1234, "123 ms"), (1.0, "1.00 s"), (61.0, "61.0 s")])
        {
            assert_eq!(latency_fine(seconds), words, "{seconds}");
        }
        assert_eq!(
            (latency_fine(999.9e-6), latency_fine(9.999e-3)),
            ("1.00 ms".into(), "10.0 ms".into()),
            "rounded up"
        );
    }

    #[test]
    fn byte_figures_never_need_more_than_five_columns() {
        for exponent in 0..62 {
            for offset in [-1.0, 0.0, 1.0] {
                let text = bytes_short(2f64.powi(exponent) + offset);
                assert!(text.len() <= 5, "{text} for 2^{exponent}");
            }
        }
        assert_eq!(bytes_short(14_388_000_000.0), "13.4G");
        assert_eq!(bytes_long(512.0), "512 B");
    }

    #[test]
    fn quantities_are_read_into_base_units() {
        for (text, value) in
            [("90%", 0.9), ("8GiB", 8_589_934_592.0), ("2GB/s", 2e9), ("85C", 85.0), ("500ms", 0.5), ("12", 12.0)]
        {
            assert_eq!(parse_quantity(text), Some(value), "{text}");
        }
        assert_eq!(parse_quantity("8 bananas"), None);
        assert_eq!(parse_span("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(parse_span("5m"), Some(Duration::from_secs(300)));
        assert_eq!(parse_span("-1"), None);
    }

    #[test]
    fn spans_keep_their_greatest_units() {
        assert_eq!(span(Duration::from_secs(41 * 86_400 + 6 * 3600 + 59)), "41d 6h");
        assert_eq!(span_short(Duration::from_secs(7200)), "2h");
    }

    #[test]
    fn bytes_take_the_next_prefix_before_they_need_four_digits() {
        let k = 1024.0_f64;
        for (bytes, short, long) in [
            (0.0, "0", "0 B"),
            (-5.0, "0", "0 B"),
            (999.0, "999", "999 B"),
            (999.6, "1.0K", "1.0 KiB"),
            (99.9 * k, "99.9K", "99.9 KiB"),
            (99.96 * k, "100K", "100.0 KiB"),
            (1.5 * k * k, "1.5M", "1.5 MiB"),
            (2.0 * k.powi(6), "2.0E", "2.0 EiB"),
            (5000.0 * k.powi(6), "5000E", "5000.0 EiB"),
        ] {
            assert_eq!((bytes_short(bytes).as_str(), bytes_long(bytes).as_str()), (short, long), "{bytes}");
        }
    }

    #[test]
    fn counts_have_at_most_five_columns() {
        for (count, text) in [
            (-1.0, "0"),
            (0.0, "0"),
            (0.04, "0"),
            (0.4, "0.4"),
            (3.0, "3"),
            (9.9, "9.9"),
            (9.96, "10"),
            (12.4, "12"),
            (999.4, "999"),
            (999.6, "1.0k"),
            (9_940.0, "9.9k"),
            (9_960.0, "10k"),
            (50_400.0, "50k"),
            (999_400.0, "999k"),
            (999_600.0, "1.0M"),
            (9_940_000.0, "9.9M"),
            (9_960_000.0, "10M"),
            (999_400_000.0, "999M"),
            (999_600_000.0, "1.0G"),
            (2.5e9, "2.5G"),
        ] {
            assert_eq!(count_short(count), text, "{count}");
        }
    }

    #[test]
    fn links_are_rated_in_bits() {
        for (bits, text) in [
            (1e9, "1 Gb/s"),
            (2.5e9, "2.5 Gb/s"),
            (25e9, "25 Gb/s"),
            (1e8, "100 Mb/s"),
            (999e6, "999 Mb/s"),
            (5.5e6, "5.5 Mb/s"),
        ] {
            assert_eq!(bits_per_second(bits), text);
        }
    }

    #[test]
    fn latencies_have_two_digits_or_a_second_s_tenth() {
        for (seconds, text) in [
            (0.0, "0.0 ms"),
            (0.0023, "2.3 ms"),
            (0.009_94, "9.9 ms"),
            (0.009_96, "10 ms"),
            (0.041, "41 ms"),
            (0.999, "999 ms"),
            (0.9996, "1.0 s"),
            (99.94, "99.9 s"),
            (99.96, "100 s"),
        ] {
            assert_eq!(latency(seconds), text);
        }
    }

    #[test]
    fn a_fine_latency_loses_a_digit_after_the_point_as_it_grows() {
        for (seconds, text) in
            [(9.996e-3, "10.0 ms"), (99.94e-3, "99.9 ms"), (99.96e-3, "100 ms"), (0.9994, "999 ms"), (0.9996, "1.00 s")]
        {
            assert_eq!(latency_fine(seconds), text);
        }
    }

    #[test]
    fn spans_change_their_unit_on_the_minute_the_hour_and_the_day() {
        let of = |seconds| {
            let span = Duration::from_secs(seconds);
            (self::span(span), span_short(span), countdown(span))
        };
        let said = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(of(59), said("59s", "59s", "59s"));
        assert_eq!(of(60), said("1m", "1m", "1m00s"));
        assert_eq!(of(250), said("4m", "4m", "4m10s"));
        assert_eq!(of(3599), said("59m", "59m", "59m59s"));
        assert_eq!(of(3600), said("1h 0m", "1h", "1h00m"));
        assert_eq!(of(7559), said("2h 5m", "2h", "2h05m"));
        assert_eq!(of(86_399), said("23h 59m", "23h", "23h59m"));
        assert_eq!(of(86_400), said("1d 0h", "1d", "24h00m"));
        assert_eq!(of(2 * 86_400 + 5 * 3600 + 3599), said("2d 5h", "2d", "53h59m"));
    }

    #[test]
    fn every_unit_of_a_span_is_read() {
        for (text, ms) in [
            ("250ms", 250),
            (" 2 s ", 2000),
            ("2sec", 2000),
            ("3 seconds", 3000),
            ("1.5", 1500),
            ("0", 0),
            ("2m", 120_000),
            ("2min", 120_000),
            ("2h", 7_200_000),
            ("2d", 172_800_000),
        ] {
            assert_eq!(parse_span(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "1w", "-1s", "1e300d", "nan"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }

    #[test]
    fn every_unit_of_a_quantity_is_read() {
        let k = 1024.0_f64;
        for (text, value) in [
            ("-5%", -0.05),
            ("+3", 3.0),
            ("21.5°C", 21.5),
            ("90W", 90.0),
            ("7B", 7.0),
            ("7 B/s", 7.0),
            ("2s", 2.0),
            ("3x", 3.0),
            ("10us", 1e-5),
            ("10µs", 1e-5),
            ("2m", 120.0),
            ("2min", 120.0),
            ("2h", 7200.0),
            ("2d", 172_800.0),
            ("2k", 2e3),
            ("2kB", 2e3),
            ("2KB", 2e3),
            ("2MB", 2e6),
            ("2GB", 2e9),
            ("2TB", 2e12),
            ("2K", 2.0 * k),
            ("2KiB", 2.0 * k),
            ("2M", 2.0 * k.powi(2)),
            ("2MiB", 2.0 * k.powi(2)),
            ("2G", 2.0 * k.powi(3)),
            ("2GiB/s", 2.0 * k.powi(3)),
            ("2T", 2.0 * k.powi(4)),
            ("2TiB", 2.0 * k.powi(4)),
        ] {
            let read = parse_quantity(text).unwrap_or_else(|| panic!("{text}"));
            assert!((read - value).abs() <= value.abs() * 1e-12, "{text}: {read}");
        }
        for text in ["", "%", "1.2.3", "5 PB"] {
            assert_eq!(parse_quantity(text), None, "{text}");
        }
    }

    #[test]
    fn a_figure_exactly_at_its_limit_takes_the_next_form() {
        let k = 1024.0_f64;
        assert_eq!((bytes_short(99.95 * k), bytes_short(999.5)), ("100K".to_owned(), "1.0K".to_owned()));
        for (count, text) in [
            (0.049, "0"),
            (9.95, "10"),
            (999.5, "1.0k"),
            (9_950.0, "10k"),
            (999_500.0, "1.0M"),
            (9_950_000.0, "10M"),
            (999_500_000.0, "1.0G"),
        ] {
            assert_eq!(count_short(count), text, "{count}");
        }
        assert_eq!((bits_per_second(5e4), bits_per_second(4e4)), ("0.1 Mb/s".to_owned(), "0 Mb/s".to_owned()));
        for (seconds, text) in [(0.009_95, "10 ms"), (0.999_5, "1.0 s"), (99.95, "100 s")] {
            assert_eq!(latency(seconds), text, "{seconds}");
        }
        for (seconds, text) in [(999.5e-6, "1.00 ms"), (0.9995, "1.00 s"), (9.995, "10.0 s"), (99.95, "100 s")] {
            assert_eq!(latency_fine(seconds), text, "{seconds}");
        }
        assert_eq!((percent(0.24), percent(1.0), percent(0.0)), ("24%".into(), "100%".into(), "0%".to_owned()));
    }

    #[test]
    fn days_are_whole_ones() {
        let of = |seconds: u64| days(Duration::from_secs(seconds));
        let words = [0, 86_399, 86_400, 172_799, 172_800, 259_200].map(of);
        assert_eq!(words, ["less than a day", "less than a day", "1 day", "1 day", "2 days", "3 days"]);
    }
}
