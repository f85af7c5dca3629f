//! Where events come from: what a recording opens with, and what distinguishes one run of the program from another.

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;

/// The first event of a run. The stamps of its other events count from the same clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// When the run began.
    pub at: Stamp,
    /// The form of the events.
    pub schema: u32,
    /// The kernel's id of this boot: spans between two runs can be measured within it alone.
    pub boot_id: Option<String>,
    /// Of this run, unique on its machine.
    pub run: String,
    /// The machine's name.
    pub host: Option<String>,
}

impl Header {
    /// The form of the events that this program folds.
    pub const SCHEMA: u32 = 1;
}
