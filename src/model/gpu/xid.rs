//! Errors that NVIDIA's driver reports by number, and what the more frequent ones mean ("NVIDIA Xid errors").

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long one is held against a card.
pub const XID_LASTS: Duration = Duration::from_secs(600);

/// One error that the driver reported ("NVIDIA Xid").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Xid {
    /// Its number.
    pub code: u64,
    /// When: milliseconds since 1970.
    pub unix_ms: i64,
}

impl Xid {
    /// True while it counts.
    #[must_use]
    pub fn is_recent(&self, now_unix_ms: i64) -> bool {
        now_unix_ms - self.unix_ms <= i64::try_from(XID_LASTS.as_millis()).unwrap_or(i64::MAX)
    }
}

/// What a number means, in plain words.
#[must_use]
pub fn xid_words(code: u64) -> &'static str {
    match code {
        13 => "a program's graphics engine exception",
        31 => "a program's memory page fault",
        43 => "a program's channel stopped",
        45 => "cleanup after an earlier error",
        48 => "uncorrectable memory error",
        61 | 62 => "internal micro-controller halt",
        63 | 64 => "memory row remapping",
        74 => "NVLink error",
        79 => "the card has fallen off the bus",
        92 => "many corrected memory errors",
        94 => "contained memory error",
        95 => "uncontained memory error",
        119 | 120 => "the card's system processor does not answer",
        _ => "see NVIDIA's list of Xid errors",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_errors_are_said_in_words_of_their_own() {
        let unknown = xid_words(9999);
        assert!(unknown.contains("list of Xid errors"));
        for code in [13, 31, 43, 45, 48, 61, 62, 63, 64, 74, 79, 92, 94, 95, 119, 120] {
            assert_ne!(xid_words(code), unknown, "{code}");
        }
    }

    #[test]
    fn an_error_is_held_against_a_card_for_ten_minutes() {
        let xid = Xid { code: 79, unix_ms: 1000 };
        assert!(xid.is_recent(1000) && xid.is_recent(1000 + 600_000) && !xid.is_recent(1001 + 600_000));
    }
}
