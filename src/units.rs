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
}
