//! What a benchmark sees before it runs.

use crate::{config::Settings, state::State, sys::root::Root};

/// What a benchmark can look at to say what it can measure: settings, the state of the machine, its files.
pub struct Survey<'a> {
    pub settings: &'a Settings,
    pub state: &'a State,
    pub root: &'a Root,
}
