//! What a benchmark will do, in exact words, before it does it.

use std::time::Duration;

use crate::{config::Settings, model::run::Fingerprint, state::State, sys::root::Root};

/// What a benchmark can look at to say what it can measure: settings, the state of the machine, its files.
pub struct Survey<'a> {
    pub settings: &'a Settings,
    pub state: &'a State,
    pub root: &'a Root,
}

/// Something that a benchmark can, or cannot, be run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What it would be measured on; empty for the machine.
    pub of: String,
    /// Why it cannot be measured and what would help, in one line.
    pub missing: Option<String>,
}

/// What will be done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// What it is measured on.
    pub of: String,
    /// Commands, paths, containers, images, one line each, as they will be used.
    pub steps: Vec<String>,
    /// Bytes that will be written at most.
    pub writes: u64,
    /// The folder or dataset that must have room for them.
    pub place: Option<String>,
    /// How long it takes at most.
    pub time: Duration,
    /// What the result depends on and is known already.
    pub fingerprint: Fingerprint,
}
