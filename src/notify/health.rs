//! How a destination does, and how long it is left alone after a failure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The first wait after a failure; it doubles up to the last.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(600)];

/// How a destination does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// Attempts that failed one after the other.
    pub failures: u32,
    /// Since when, milliseconds since 1970.
    pub failing_since_unix_ms: Option<i64>,
    /// Why, in a few words.
    pub error: Option<String>,
    /// Nothing is sent before this.
    pub next_unix_ms: i64,
    /// When something arrived last.
    pub arrived_unix_ms: Option<i64>,
}

impl Health {
    /// Something arrived.
    pub fn well(&mut self, now_unix_ms: i64) {
        *self = Health { arrived_unix_ms: Some(now_unix_ms), ..Health::default() };
    }

    /// It failed; `spread` from 0 to 1 keeps destinations apart.
    pub fn failed(&mut self, why: String, now_unix_ms: i64, spread: f64) {
        let wait = BACK_OFF[0].saturating_mul(2u32.saturating_pow(self.failures.min(16))).min(BACK_OFF[1]);
        let wait = wait.mul_f64(1.0 + spread.clamp(0.0, 1.0) / 4.0);
        self.failures += 1;
        self.failing_since_unix_ms.get_or_insert(now_unix_ms);
        self.error = Some(why);
        self.next_unix_ms = now_unix_ms + i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_ten_minutes_and_ends_with_a_success() {
        let mut health = Health::default();
        let mut waits = Vec::new();
        for _ in 0..12 {
            health.failed("refused".into(), 0, 0.0);
            waits.push(health.next_unix_ms / 1000);
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]);
        health.well(5);
        assert_eq!((health.failures, health.next_unix_ms), (0, 0));
    }
}
