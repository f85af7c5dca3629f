//! The time between two samples: what a derivation may know of time.

use std::time::Duration;

use crate::clock::Stamp;

/// One sample's place in time.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// When this sample was taken.
    pub at: Stamp,
    /// The pace of its source.
    pub every: Duration,
    /// Since the sample before; `None` for the first.
    pub since: Option<Duration>,
}
