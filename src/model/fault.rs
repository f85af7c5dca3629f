//! Why there is no value: absent, denied, late and broken are ordinary values.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is said of a source that is not read.
pub const OFF: &str = "switched off by `sources.disabled` of the config";

/// Why a source gave no sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Not present on this machine; says where it was looked for.
    Absent(String),
    /// Present, but not readable.
    Denied {
        /// What was refused, with its path.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// No answer within the deadline; the request is still pending, no second one is sent.
    Timeout,
    /// It answered nonsense, or reading it panicked.
    Broken(String),
}

impl Fault {
    /// The user does not want it read.
    #[must_use]
    pub fn is_off(&self) -> bool {
        matches!(self, Fault::Absent(what) if what == OFF)
    }
}

/// In words, with the cure where there is one.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Absent(what) | Fault::Broken(what) => f.write_str(what),
            Fault::Denied { what, hint } => write!(f, "{what}: {hint}"),
            Fault::Timeout => f.write_str("no answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_said_with_its_cure() {
        let denied = Fault::Denied { what: "/x may not be read".into(), hint: "run as root".into() };
        for (fault, words, off) in [
            (Fault::Absent("no /x".into()), "no /x", false),
            (Fault::Absent(OFF.into()), OFF, true),
            (denied, "/x may not be read: run as root", false),
            (Fault::Timeout, "no answer", false),
            (Fault::Broken(OFF.into()), OFF, false),
        ] {
            assert_eq!((fault.to_string().as_str(), fault.is_off()), (words, off));
        }
    }
}
