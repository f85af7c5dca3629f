//! What is normal for a figure: the median of its values in the last hours while it was well. One value a minute is
//! enough, and a short peak does not move it.
//!
//! Not the usual of a service (`model/service/normal.rs`): that one is a figure itself, with a low and a high that the
//! screen shows; it sees every answer, must not take half an hour of slow ones for normal, and begins again with the
//! program. This one belongs to a rule, learns only what the rule found well, and is kept in the book of alerts.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;

/// Time between two values that are kept, how many are kept, and how many say what is normal.
const EVERY: Duration = Duration::from_secs(60);
const MOST: usize = 240;
const ENOUGH: usize = 10;
/// Without a new value for so long, what it is about is forgotten.
pub const KEPT: Duration = Duration::from_secs(86_400);

/// The values of one figure.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Normal {
    values: VecDeque<f64>,
    /// When the newest was taken.
    pub seen: Stamp,
    median: Option<f64>,
}

impl Normal {
    /// What is normal; `None` while too little is known.
    #[must_use]
    pub fn get(&self) -> Option<f64> {
        self.median
    }

    /// Takes note of a value that is not over its limit.
    pub fn learn(&mut self, value: f64, at: Stamp) {
        if !value.is_finite() || (!self.values.is_empty() && at.since(self.seen) < EVERY) {
            return;
        }
        if self.values.len() == MOST {
            self.values.pop_front();
        }
        self.values.push_back(value);
        self.seen = at;
        if self.values.len() >= ENOUGH {
            let mut sorted: Vec<f64> = self.values.iter().copied().collect();
            sorted.sort_by(f64::total_cmp);
            self.median = Some(sorted[sorted.len() / 2]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_is_the_median_of_one_value_a_minute() {
        let mut normal = Normal::default();
        for second in 0..9 * 60 {
            normal.learn(0.1, Stamp::at_seconds(second));
        }
        assert_eq!((normal.values.len(), normal.get()), (9, None), "too little is known");
        normal.learn(5.0, Stamp::at_seconds(9 * 60));
        assert_eq!(normal.get(), Some(0.1), "a peak does not move it");
        for minute in 10..1000 {
            normal.learn(0.3, Stamp::at_seconds(minute * 60));
        }
        assert_eq!((normal.values.len(), normal.get()), (MOST, Some(0.3)));
    }
}
