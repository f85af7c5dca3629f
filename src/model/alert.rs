//! What names an alert for good, and what a user does to it: facts that are recorded as readings are.

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;

/// Label names with their values.
pub type Labels = Vec<(String, String)>;

/// One alert as long as it lasts, over restarts too: its rule and what the rule judges.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct AlertKey {
    /// The rule's id.
    pub rule: String,
    /// Labels that never change for the same object: ids, where the metric's labels are names.
    pub identity: Labels,
}

/// A user's answer to an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertMark {
    /// When.
    pub at: Stamp,
    /// Which.
    pub key: AlertKey,
    /// True: seen. It counts no longer until it is over or gets worse. False: that is taken back.
    pub acknowledged: bool,
}
