//! Base units of metrics and benchmarks, as programs and as people read them.

use serde::{Deserialize, Serialize};

use crate::units;

/// The base unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Ratio,
    Bytes,
    BytesPerSecond,
    Seconds,
    Celsius,
    Hertz,
    Watts,
    Joules,
    Count,
    PerSecond,
}

impl Unit {
    /// As `once --json` writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unit::Ratio => "ratio",
            Unit::Bytes => "bytes",
            Unit::BytesPerSecond => "bytes_per_second",
            Unit::Seconds => "seconds",
            Unit::Celsius => "celsius",
            Unit::Hertz => "hertz",
            Unit::Watts => "watts",
            Unit::Joules => "joules",
            Unit::Count => "count",
            Unit::PerSecond => "per_second",
        }
    }

    /// A value as people read it: `97%`, `11.7 GiB`, `84 °C`.
    #[must_use]
    pub fn show(self, value: f64) -> String {
        match self {
            Unit::Ratio => units::percent(value),
            Unit::Bytes => units::bytes_long(value),
            Unit::BytesPerSecond => format!("{}/s", units::bytes_long(value)),
            Unit::Seconds => units::latency(value),
            Unit::Celsius => format!("{value:.0} °C"),
            Unit::Hertz => format!("{:.2} GHz", value / 1e9),
            Unit::Watts => format!("{value:.1} W"),
            Unit::Joules => format!("{value:.0} J"),
            Unit::Count => units::count_short(value),
            Unit::PerSecond => format!("{}/s", units::count_short(value)),
        }
    }
}
