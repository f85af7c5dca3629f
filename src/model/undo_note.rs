//! An undo that the config allows (`bench.undo`), step by step: each is in the history before the next one is taken, so
//! that what was done to the machine, and why, is known whatever happens meanwhile.

use serde::{Deserialize, Serialize};

use super::run::SeriesKey;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoNote {
    pub at_unix_ms: i64,
    /// What got worse.
    pub series: SeriesKey,
    /// The first run that was worse, by its id.
    pub run: String,
    pub step: UndoStep,
    /// A sentence: what is done, what came of it, or why not.
    pub text: String,
}

/// Where an undo stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoStep {
    /// It is about to be done.
    Begins,
    /// It is done, and will be measured.
    Done,
    /// It could not be done, or could not be set again: the machine is as it was before the step, or that is not known.
    Failed,
    /// What was measured since then is as before the regression.
    Helped,
    /// It is at least half the way back to normal.
    HelpedInPart,
    /// It is as bad: what was undone is to be set again.
    DidNotHelp,
    /// It did not help, and is set again.
    Restored,
    /// It is done, and could not be measured.
    Unmeasured,
}
