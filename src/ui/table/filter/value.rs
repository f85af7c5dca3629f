//! The figure on the right of a comparison, in the unit of its column.

use super::super::column::Kind;
use crate::units;

/// Reads `text` as a figure of a `kind` column, in base units: `50` and `50%` of a share are 0.5, `1g` of bytes is 1 GiB.
///
/// # Errors
/// What such a column takes.
pub(super) fn figure(kind: Kind, text: &str) -> Result<f64, &'static str> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim().trim_end_matches("/s"));
    let unit = unit.to_ascii_lowercase();
    let (unit, takes) = match kind {
        Kind::Text => (None, "words"),
        Kind::Count => (only(&unit, &[("", ""), ("k", "k")]), "a number"),
        Kind::Share => (only(&unit, &[("", "%"), ("%", "%")]), "per cent, such as 50 or 50%"),
        Kind::Seconds => (
            only(&unit, &[("", "s"), ("ms", "ms"), ("s", "s"), ("m", "m"), ("min", "min"), ("h", "h"), ("d", "d")]),
            "a time, such as 90s, 5m or 1h",
        ),
        Kind::Bytes => (only(&unit, BYTES), "bytes, such as 512, 100M or 1.5G"),
    };
    unit.and_then(|unit| units::parse_quantity(&format!("{number}{unit}"))).ok_or(takes)
}

/// People write `1g` and mean the same as `1G`; case is free where no two units differ by it alone.
const BYTES: &[(&str, &str)] = &[
    ("", ""),
    ("b", "B"),
    ("k", "K"),
    ("m", "M"),
    ("g", "G"),
    ("t", "T"),
    ("kb", "kB"),
    ("mb", "MB"),
    ("gb", "GB"),
    ("tb", "TB"),
    ("kib", "KiB"),
    ("mib", "MiB"),
    ("gib", "GiB"),
    ("tib", "TiB"),
];

fn only<'a>(unit: &str, known: &[(&str, &'a str)]) -> Option<&'a str> {
    known.iter().find(|(typed, _)| *typed == unit).map(|(_, unit)| *unit)
}

/// How far apart two figures may be that count as equal: what is shown is rounded, and `=` compares what is seen.
pub(super) fn slack(kind: Kind, value: f64) -> f64 {
    match kind {
        Kind::Text | Kind::Count => 0.0,
        Kind::Share => 0.0005,
        Kind::Seconds => 0.5,
        Kind::Bytes => value.abs() * 0.005,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_takes_the_units_of_its_column_and_no_other() {
        for (kind, text, value) in [
            (Kind::Share, "50", Some(0.5)),
            (Kind::Share, "50%", Some(0.5)),
            (Kind::Share, "1G", None),
            (Kind::Bytes, "1g", Some(1_073_741_824.0)),
            (Kind::Bytes, "1GB", Some(1e9)),
            (Kind::Bytes, "2M/s", Some(2_097_152.0)),
            (Kind::Bytes, "5h", None),
            (Kind::Seconds, "1h", Some(3600.0)),
            (Kind::Seconds, "1.5m", Some(90.0)),
            (Kind::Seconds, "50%", None),
            (Kind::Count, "1k", Some(1000.0)),
            (Kind::Count, "12", Some(12.0)),
            (Kind::Count, "root", None),
            (Kind::Count, "", None),
        ] {
            assert_eq!(figure(kind, text).ok(), value, "{kind:?} {text}");
        }
    }
}
