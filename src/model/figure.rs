//! What is measured: a figure with its direction, and the series of runs that it has on one target.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::unit::Unit;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Better {
    Higher,
    Lower,
}

/// What a result depends on beside the machine's health: kernel, driver, engine, image, pool layout, tool and its version,
/// the parameters of the method. What of it keeps results apart says [`comparable`].
pub type Fingerprint = BTreeMap<String, String>;

/// Parts of a fingerprint that may be why a figure changed: results are compared across a change of them, which is then
/// listed among what changed before it.
pub const CAUSES: [&str; 7] = ["benchtop", "driver", "engine", "governor", "kernel", "pool_layout", "runtime"];
/// The program that measures: its minor versions are a cause too, its major version measures something else.
pub const TOOL: &str = "tool";

/// How much of the machine others used when a run began: `38%`. Results are compared whatever it is; what is slow on a
/// machine that is busier than usual is no proof of a regression.
pub const BUSY: &str = "busy";

/// A value of [`BUSY`] as a share; what is no number is none.
#[must_use]
pub fn busy_share(fingerprint: &Fingerprint) -> Option<f64> {
    let text = fingerprint.get(BUSY)?.trim();
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f64>().ok()? / scale;
    (0.0..=1.0).contains(&share).then_some(share)
}

/// As far as results are compared by this value of a part: `None` where they are, whatever it is.
#[must_use]
pub fn comparable<'a>(part: &str, value: &'a str) -> Option<&'a str> {
    match part {
        TOOL => Some(value.split('.').next().unwrap_or(value)),
        BUSY => None,
        part => (!CAUSES.contains(&part)).then_some(value),
    }
}

/// One figure that a benchmark measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// As stored and in JSON: `container_start_seconds`.
    pub id: String,
    /// As the panel shows it: `start`.
    pub title: String,
    pub unit: Unit,
    pub better: Better,
}

/// One figure on one target: what a series of runs is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    pub benchmark: String,
    pub of: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_measured_keeps_results_apart() {
        assert_eq!(comparable("kernel", "6.1"), None);
        assert_eq!(comparable("tool", "fio-3.33"), Some("fio-3"));
        assert_eq!(comparable("tool", "built-in"), Some("built-in"));
        assert_eq!(comparable("file", "2.0 GiB"), Some("2.0 GiB"));
        assert_eq!(comparable(BUSY, "80%"), None);
        assert_eq!(comparable("what somebody else wrote", "1.2"), Some("1.2"));
    }

    #[test]
    fn busy_share_is_a_percentage_or_a_ratio() {
        let share = |text: &str| busy_share(&Fingerprint::from([(BUSY.to_owned(), text.to_owned())]));
        assert_eq!(["38%", "0.5", " 100 % ", "0%"].map(share), [0.38, 0.5, 1.0, 0.0].map(Some));
        assert_eq!(["much", "120%", "-1%", "NaN", ""].map(share), [None; 5]);
        assert_eq!(busy_share(&Fingerprint::new()), None);
    }
}
