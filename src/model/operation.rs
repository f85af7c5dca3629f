//! What we did to the machine ourselves, as a fact: it is recorded beside what followed from it.

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;

/// An operation that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// When it ended.
    pub at: Stamp,
    /// What was asked for: `restart web`.
    pub what: String,
    /// It was carried out.
    pub done: bool,
    /// What was reported to the user.
    pub report: String,
}
