//! Rates from pairs of counters: a reset, a missing sample or a clock that did not advance gives no value, never a spike.

use std::time::Duration;

/// Growth a second between two readings of one counter; `None` when it went backwards or no time passed.
#[must_use]
pub fn per_second(before: u64, now: u64, span: Duration) -> Option<f64> {
    let grown = now.checked_sub(before)? as f64;
    let seconds = span.as_secs_f64();
    (seconds > 0.0).then(|| grown / seconds)
}

/// The share `part / whole` between two readings of two counters; `None` when either went backwards or `whole` did not change.
#[must_use]
pub fn share(part: (u64, u64), whole: (u64, u64)) -> Option<f64> {
    let (p, w) = (part.1.checked_sub(part.0)? as f64, whole.1.checked_sub(whole.0)? as f64);
    (w > 0.0).then(|| (p / w).min(1.0))
}

/// Brings `rows` into the order of `keys`: rows that are still there keep their past, new ones are made, the rest is
/// dropped. Costs one comparison a row when nothing changed.
pub(super) fn align<T, K>(rows: &mut Vec<T>, keys: &[K], same: impl Fn(&T, &K) -> bool, make: impl Fn(&K) -> T) {
    for (at, key) in keys.iter().enumerate() {
        match rows[at..].iter().position(|row| same(row, key)) {
            Some(0) => {}
            Some(further) => rows[at..=at + further].rotate_right(1),
            None => rows.insert(at, make(key)),
        }
    }
    rows.truncate(keys.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_went_backwards_has_no_rate() {
        assert_eq!(per_second(10, 5, Duration::from_secs(1)), None);
        assert_eq!(per_second(5, 10, Duration::ZERO), None);
        assert_eq!(per_second(5, 10, Duration::from_millis(500)), Some(10.0));
        assert_eq!(share((0, 1), (7, 7)), None);
        assert_eq!(share((0, 1), (0, 4)), Some(0.25));
    }

    #[test]
    fn rows_follow_their_keys_and_keep_their_past() {
        let mut rows = vec![("a", 1), ("b", 2), ("c", 3)];
        align(&mut rows, &["c", "x", "a"], |row, key| row.0 == *key, |key| (*key, 0));
        assert_eq!(rows, [("c", 3), ("x", 0), ("a", 1)]);
    }
}
