//! Where notices of alerts go, and whether they arrive: one that fails is an alert of its own.

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;

/// How a destination does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// When that was found.
    pub at: Stamp,
    /// `ntfy`, `webhook` …: as the config spells it.
    pub name: String,
    /// Why nothing arrives, in a few words; `None` while it does.
    pub error: Option<String>,
    /// Since when, milliseconds since 1970.
    pub failing_since_unix_ms: Option<i64>,
}
