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

/// What a result depends on beside the machine's health: kernel, driver, engine, image digest, pool layout, tool and its
/// version, the parameters of the method. Results are compared only where all of it is the same.
pub type Fingerprint = BTreeMap<String, String>;

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
