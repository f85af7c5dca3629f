//! The three outcomes of a check.

use crate::model::bench::{Check, CheckOutcome};

pub(super) fn passed(text: impl Into<String>) -> Check {
    Check { outcome: CheckOutcome::Passed, text: text.into() }
}

pub(in crate::bench) fn warns(text: impl Into<String>) -> Check {
    Check { outcome: CheckOutcome::Warns, text: text.into() }
}

pub(super) fn stops(text: impl Into<String>) -> Check {
    Check { outcome: CheckOutcome::Stops, text: text.into() }
}
