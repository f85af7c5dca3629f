//! What speaks against a run before it begins: pure over what is known of the machine and what is planned.

use crate::{
    model::bench::{Check, Planned},
    state::State,
};

/// All that was looked at, in words.
#[must_use]
pub fn checks(_state: &State, _planned: &[Planned]) -> Vec<Check> {
    Vec::new()
}
