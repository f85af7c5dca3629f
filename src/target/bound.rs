//! The bound of a target, as people write it: `< 30s`, `>= 2GB/s`, `15%..25%`, `~ 500Mb/s`.

use crate::{model::unit::Unit, units::parse_quantity};

/// What a value must be to meet a target, in the base unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    Below(f64),
    AtMost(f64),
    AtLeast(f64),
    /// Both ends included.
    Between(f64, f64),
    /// Within a fifth of it.
    About(f64),
}

/// What is wrong with a bound that was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("is no bound")]
    Form,
    #[error("is no quantity of {}", .0.name())]
    Quantity(Unit),
    #[error("is empty: its ends are the wrong way round")]
    Empty,
    #[error("is one value, and this target is a range")]
    OneOfTwo,
}

/// How far a value may be from the one that it is to be about.
const ABOUT: f64 = 0.2;

impl Bound {
    /// Reads a bound of figures in `unit`. A value alone is on the side of `usual`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, unit: Unit, usual: Option<Bound>) -> Result<Bound, Fault> {
        let quantity = |text: &str| quantity(text.trim(), unit).ok_or(Fault::Quantity(unit));
        let text = text.trim();
        if let Some((low, high)) = text.split_once("..") {
            let (low, high) = (quantity(low)?, quantity(high)?);
            return if low < high { Ok(Bound::Between(low, high)) } else { Err(Fault::Empty) };
        }
        // Longer signs first.
        type Make = fn(f64) -> Bound;
        let signs: [(&str, Make); 4] =
            [("<=", Bound::AtMost), ("<", Bound::Below), (">=", Bound::AtLeast), ("~", Bound::About)];
        for (sign, make) in signs {
            if let Some(value) = text.strip_prefix(sign) {
                return quantity(value).map(make);
            }
        }
        match usual.ok_or(Fault::Form)? {
            Bound::Below(_) => quantity(text).map(Bound::Below),
            Bound::AtMost(_) => quantity(text).map(Bound::AtMost),
            Bound::AtLeast(_) => quantity(text).map(Bound::AtLeast),
            Bound::About(_) => quantity(text).map(Bound::About),
            Bound::Between(..) => quantity(text).and(Err(Fault::OneOfTwo)),
        }
    }

    /// The value meets it.
    #[must_use]
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Bound::Below(limit) => value < limit,
            Bound::AtMost(limit) => value <= limit,
            Bound::AtLeast(limit) => value >= limit,
            Bound::Between(low, high) => (low..=high).contains(&value),
            Bound::About(middle) => (value - middle).abs() <= ABOUT * middle.abs(),
        }
    }

    /// For people: `< 30 s`, `>= 2 GB/s`, `15 % to 25 %`, `about 62.5 MB/s`.
    #[must_use]
    pub fn show(self, unit: Unit) -> String {
        let of = |value| show(unit, value);
        match self {
            Bound::Below(limit) => format!("< {}", of(limit)),
            Bound::AtMost(limit) => format!("<= {}", of(limit)),
            Bound::AtLeast(limit) => format!(">= {}", of(limit)),
            Bound::Between(low, high) => format!("{} to {}", of(low), of(high)),
            Bound::About(middle) => format!("about {}", of(middle)),
        }
    }

    /// As the config writes it: with units where nothing is lost by rounding, else exactly.
    #[must_use]
    pub fn written(self, unit: Unit) -> String {
        let form = |of: &dyn Fn(f64) -> String| match self {
            Bound::Below(limit) => format!("< {}", of(limit)),
            Bound::AtMost(limit) => format!("<= {}", of(limit)),
            Bound::AtLeast(limit) => format!(">= {}", of(limit)),
            Bound::Between(low, high) => format!("{}..{}", of(low), of(high)),
            Bound::About(middle) => format!("~ {}", of(middle)),
        };
        let short = form(&|value| show(unit, value).replace(' ', ""));
        if Bound::parse(&short, unit, None) == Ok(self) { short } else { form(&|value| value.to_string()) }
    }
}

/// A quantity with a suffix that figures in `unit` have.
fn quantity(text: &str, unit: Unit) -> Option<f64> {
    let suffix = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+')).trim();
    let suffixes: &[&str] = match unit {
        Unit::Seconds => &["s", "ms", "us", "µs", "m", "min", "h", "d"],
        Unit::Ratio => &["%", "x"],
        Unit::Bytes => &["B", "kB", "KB", "MB", "GB", "TB", "K", "KiB", "M", "MiB", "G", "GiB", "T", "TiB"],
        Unit::BytesPerSecond => {
            // Links are rated in bits.
            let bits = [("kb/s", 1e3), ("Mb/s", 1e6), ("Gb/s", 1e9)].into_iter().find(|(name, _)| *name == suffix);
            if let Some((name, factor)) = bits {
                let number: f64 = text.strip_suffix(name)?.trim().parse().ok()?;
                return number.is_finite().then_some(number * factor / 8.0);
            }
            return quantity(text.strip_suffix("/s").unwrap_or(text), Unit::Bytes);
        }
        Unit::Celsius => &["C", "°C"],
        Unit::Watts => &["W"],
        Unit::PerSecond => return quantity(text.strip_suffix("/s").unwrap_or(text), Unit::Count),
        Unit::Count => &["k"],
        Unit::Hertz | Unit::Joules => &[],
    };
    (suffix.is_empty() || suffixes.contains(&suffix)).then(|| parse_quantity(text))?
}

/// A figure beside its target: in the units in which targets are given, which for bytes are powers of 1000.
#[must_use]
pub fn show(unit: Unit, value: f64) -> String {
    const SECONDS: [(f64, &str); 4] = [(1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns")];
    const BYTES: [(f64, &str); 5] = [(1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1.0, " B")];
    const COUNTS: [(f64, &str); 4] = [(1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, "")];
    match unit {
        // A compress ratio is no share.
        Unit::Ratio if value > 1.1 => format!("{} x", digits(value)),
        Unit::Ratio => format!("{} %", digits(value * 100.0)),
        Unit::Seconds if value >= 120.0 => format!("{} min", digits(value / 60.0)),
        Unit::Seconds => scaled(value, &SECONDS),
        Unit::Bytes => scaled(value, &BYTES),
        Unit::BytesPerSecond => format!("{}/s", scaled(value, &BYTES)),
        Unit::PerSecond => format!("{}/s", scaled(value, &COUNTS)),
        Unit::Count => digits(value),
        unit => unit.show(value),
    }
}

/// In the greatest unit that it has one of, else in the least.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    // What rounds to one of a unit is one of it.
    let fits = |(size, _): &&(f64, &str)| value.abs() >= size * 0.9995;
    let unit = if value == 0.0 {
        units.first().filter(|(size, _)| *size == 1.0).or(units.last())
    } else {
        units.iter().find(fits).or(units.last())
    };
    unit.map_or_else(|| digits(value), |(size, name)| format!("{}{name}", digits(value / size)))
}

/// Three digits that count, and no zeros behind them: `30`, `2.14`, `0.5`.
fn digits(value: f64) -> String {
    let whole = value.abs().max(1.0).log10().floor();
    let decimals = if whole >= 2.0 {
        0
    } else if whole >= 1.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_in_the_units_of_people() {
        for (text, unit, bound) in [
            ("< 30s", Unit::Seconds, Bound::Below(30.0)),
            ("<5min", Unit::Seconds, Bound::Below(300.0)),
            ("<= 0.5ms", Unit::Seconds, Bound::AtMost(0.0005)),
            (">= 2GB/s", Unit::BytesPerSecond, Bound::AtLeast(2e9)),
            (">= 1 Gb/s", Unit::BytesPerSecond, Bound::AtLeast(1.25e8)),
            ("~ 500Mb/s", Unit::BytesPerSecond, Bound::About(6.25e7)),
            ("15%..25%", Unit::Ratio, Bound::Between(0.15, 0.25)),
            (">= 2.5x", Unit::Ratio, Bound::AtLeast(2.5)),
            (">= 100k", Unit::PerSecond, Bound::AtLeast(1e5)),
            ("< 1GB", Unit::Bytes, Bound::Below(1e9)),
            ("< 80C", Unit::Celsius, Bound::Below(80.0)),
        ] {
            assert_eq!(Bound::parse(text, unit, None), Ok(bound), "{text}");
        }
    }

    #[test]
    fn a_bound_is_written_as_it_is_read() {
        for (bound, unit, text) in [
            (Bound::Below(30.0), Unit::Seconds, "< 30s"),
            (Bound::Below(0.0005), Unit::Seconds, "< 500µs"),
            (Bound::AtLeast(1.25e8), Unit::BytesPerSecond, ">= 125MB/s"),
            (Bound::AtLeast(1.234_567e8), Unit::BytesPerSecond, ">= 123456700"),
            (Bound::Between(0.15, 0.25), Unit::Ratio, "15%..25%"),
            (Bound::AtLeast(1e5), Unit::PerSecond, ">= 100k/s"),
            (Bound::About(0.375), Unit::Ratio, "~ 37.5%"),
            (Bound::Below(80.0), Unit::Celsius, "< 80°C"),
        ] {
            assert_eq!(bound.written(unit), text);
            assert_eq!(Bound::parse(text, unit, None), Ok(bound), "{text}");
        }
    }

    #[test]
    fn a_value_alone_keeps_the_side() {
        let of = |text, usual| Bound::parse(text, Unit::Seconds, Some(usual));
        assert_eq!(of("45s", Bound::Below(30.0)), Ok(Bound::Below(45.0)));
        assert_eq!(of("45", Bound::AtLeast(30.0)), Ok(Bound::AtLeast(45.0)));
        assert_eq!(of(">= 1s", Bound::Below(30.0)), Ok(Bound::AtLeast(1.0)));
        assert_eq!(of("1s", Bound::Between(0.0, 2.0)), Err(Fault::OneOfTwo));
    }

    #[test]
    fn what_is_no_bound_is_refused() {
        let of = |text| Bound::parse(text, Unit::Seconds, Some(Bound::Below(1.0)));
        assert_eq!(of("30GB"), Err(Fault::Quantity(Unit::Seconds)));
        assert_eq!(of("soon"), Err(Fault::Quantity(Unit::Seconds)));
        assert_eq!(of("5s..2s"), Err(Fault::Empty));
        assert_eq!(Bound::parse("5s", Unit::Seconds, None), Err(Fault::Form));
    }

    #[test]
    fn ends_are_met_as_they_are_written() {
        assert!(!Bound::Below(30.0).is_met(30.0) && Bound::AtMost(30.0).is_met(30.0));
        assert!(Bound::AtLeast(12.0).is_met(12.0) && !Bound::AtLeast(12.0).is_met(11.9));
        assert!(Bound::Between(0.15, 0.25).is_met(0.25) && !Bound::Between(0.15, 0.25).is_met(0.26));
        assert!(Bound::About(10.0).is_met(8.0) && Bound::About(10.0).is_met(12.0) && !Bound::About(10.0).is_met(7.9));
    }

    #[test]
    fn figures_are_shown_in_the_units_of_targets() {
        for (unit, value, text) in [
            (Unit::Seconds, 30.0, "30 s"),
            (Unit::Seconds, 0.0005, "500 µs"),
            (Unit::Seconds, 0.00123, "1.23 ms"),
            (Unit::Seconds, 0.0, "0 s"),
            (Unit::Seconds, 90.0, "90 s"),
            (Unit::Seconds, 300.0, "5 min"),
            (Unit::BytesPerSecond, 2.136e9, "2.14 GB/s"),
            (Unit::BytesPerSecond, 62.5e6, "62.5 MB/s"),
            (Unit::Bytes, 0.0, "0 B"),
            (Unit::Bytes, 16e9, "16 GB"),
            (Unit::Ratio, 0.375, "37.5 %"),
            (Unit::Ratio, 2.5, "2.5 x"),
            (Unit::PerSecond, 51_234.0, "51.2 k/s"),
            (Unit::PerSecond, 120.0, "120/s"),
            (Unit::Count, 12.0, "12"),
        ] {
            assert_eq!(show(unit, value), text, "{value}");
        }
        assert_eq!(Bound::Between(0.15, 0.25).show(Unit::Ratio), "15 % to 25 %");
    }

    #[test]
    fn three_digits_count_at_every_size() {
        for (value, text) in [
            (0.5, "0.5"),
            (0.126, "0.13"),
            (1.0, "1"),
            (9.99, "9.99"),
            (9.996, "10"),
            (10.0, "10"),
            (12.34, "12.3"),
            (99.94, "99.9"),
            (100.0, "100"),
            (123.4, "123"),
            (-12.34, "-12.3"),
        ] {
            assert_eq!(digits(value), text);
        }
        for (unit, value, text) in [
            (Unit::Ratio, 1.1, "110 %"),
            (Unit::Ratio, 1.11, "1.11 x"),
            (Unit::Seconds, 119.9, "120 s"),
            (Unit::Seconds, 120.0, "2 min"),
            (Unit::Seconds, 0.000_999_6, "1 ms"),
            (Unit::Seconds, 0.000_999_4, "999 µs"),
            (Unit::Seconds, 1e-10, "0.1 ns"),
            (Unit::Bytes, 999.5e3, "1 MB"),
            (Unit::Bytes, 999.4e3, "999 kB"),
            (Unit::Bytes, 2e12, "2 TB"),
            (Unit::PerSecond, 0.0, "0/s"),
            (Unit::PerSecond, 2e6, "2 M/s"),
            (Unit::PerSecond, 3e9, "3 G/s"),
        ] {
            assert_eq!(show(unit, value), text, "{value}");
        }
    }

    #[test]
    fn a_value_of_each_side_is_met_and_missed() {
        let met = |bound: Bound, values: [f64; 3]| values.map(|value| bound.is_met(value));
        assert_eq!(met(Bound::Below(30.0), [29.9, 30.0, 30.1]), [true, false, false]);
        assert_eq!(met(Bound::AtMost(30.0), [29.9, 30.0, 30.1]), [true, true, false]);
        assert_eq!(met(Bound::AtLeast(30.0), [29.9, 30.0, 30.1]), [false, true, true]);
        assert_eq!(met(Bound::Between(1.0, 2.0), [0.9, 1.0, 2.1]), [false, true, false]);
        assert_eq!(met(Bound::About(-10.0), [-12.1, -12.0, -7.9]), [false, true, false]);
        let shown = [Bound::Below(2.0), Bound::AtMost(2.0), Bound::AtLeast(2.0), Bound::About(2.0)];
        assert_eq!(shown.map(|bound| bound.show(Unit::Seconds)), ["< 2 s", "<= 2 s", ">= 2 s", "about 2 s"]);
        let written = [Bound::AtMost(2.0), Bound::About(2.0), Bound::AtMost(0.1 + 0.2)];
        assert_eq!(written.map(|bound| bound.written(Unit::Seconds)), ["<= 2s", "~ 2s", "<= 0.30000000000000004"]);
    }

    #[test]
    fn each_unit_has_its_own_suffixes() {
        let read = |unit, texts: &[&str]| texts.iter().map(|text| quantity(text, unit)).collect::<Vec<_>>();
        assert_eq!(
            read(Unit::Seconds, &["2", "2ms", "2min", "2B", "2%"]),
            [Some(2.0), Some(0.002), Some(120.0), None, None]
        );
        assert_eq!(read(Unit::Ratio, &["50%", "2x", "0.5", "2s"]), [Some(0.5), Some(2.0), Some(0.5), None]);
        assert_eq!(read(Unit::Bytes, &["2kB", "2KiB", "2GB/s", "2s"]), [Some(2e3), Some(2048.0), None, None]);
        assert_eq!(
            read(Unit::BytesPerSecond, &["8kb/s", "8 Mb/s", "8Gb/s", "2MB/s", "2MB", "xMb/s", "8s"]),
            [Some(1e3), Some(1e6), Some(1e9), Some(2e6), Some(2e6), None, None]
        );
        assert_eq!(read(Unit::Celsius, &["80C", "80°C", "80", "80W"]), [Some(80.0), Some(80.0), Some(80.0), None]);
        assert_eq!(read(Unit::Watts, &["80W", "80C"]), [Some(80.0), None]);
        assert_eq!(read(Unit::PerSecond, &["2k/s", "2/s", "2k", "2M"]), [Some(2e3), Some(2.0), Some(2e3), None]);
        assert_eq!(read(Unit::Count, &["2k", "2", "2/s"]), [Some(2e3), Some(2.0), None]);
        assert_eq!(read(Unit::Hertz, &["2", "2k"]), [Some(2.0), None]);
    }

    #[test]
    fn a_value_alone_is_on_any_side_that_is_usual() {
        let of = |usual| Bound::parse(" 2s ", Unit::Seconds, Some(usual));
        assert_eq!(of(Bound::AtMost(1.0)), Ok(Bound::AtMost(2.0)));
        assert_eq!(of(Bound::About(1.0)), Ok(Bound::About(2.0)));
        let range = |text| Bound::parse(text, Unit::Seconds, None);
        assert_eq!((range("1s..2s"), range("2s..2s")), (Ok(Bound::Between(1.0, 2.0)), Err(Fault::Empty)));
        assert_eq!(range("1s..x"), Err(Fault::Quantity(Unit::Seconds)));
    }
}
