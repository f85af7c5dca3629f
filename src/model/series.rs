//! A figure's recent past in a ring of equal steps. A missed reading is a gap, never a bridge.

use std::{collections::VecDeque, time::Duration};

use crate::clock::Stamp;

/// The newest `capacity` values, one a step; a gap is NaN.
#[derive(Debug, Clone)]
pub struct Series {
    values: VecDeque<f32>,
    capacity: usize,
    last_us: u64,
    step_us: u64,
    total: u64,
}

impl PartialEq for Series {
    /// Bit by bit, so that two gaps are equal.
    fn eq(&self, other: &Self) -> bool {
        self.capacity == other.capacity
            && self.last_us == other.last_us
            && self.step_us == other.step_us
            && self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(|(a, b)| a.to_bits() == b.to_bits())
    }
}

impl Default for Series {
    fn default() -> Self {
        Series::new(Self::CAPACITY)
    }
}

impl Series {
    /// Steps kept by default: ten minutes at one a second.
    pub const CAPACITY: usize = 600;

    /// An empty series that keeps `capacity` steps.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Series { values: VecDeque::new(), capacity, last_us: 0, step_us: 1_000_000, total: 0 }
    }

    /// Adds the value read at `at`, `every` being the pace: steps that were missed in between become gaps.
    /// `None` is a gap too.
    pub fn push(&mut self, at: Stamp, every: Duration, value: Option<f64>) {
        let step = u64::try_from(every.as_micros()).unwrap_or(1_000_000).max(1000);
        let apart = at.mono_us.saturating_sub(self.last_us);
        if !self.values.is_empty() {
            let missed = ((apart + step / 2) / step).saturating_sub(1).min(self.capacity as u64);
            for _ in 0..missed {
                self.put(f32::NAN);
            }
        }
        self.last_us = at.mono_us;
        self.step_us = step;
        self.put(value.map_or(f32::NAN, |v| v as f32));
    }

    fn put(&mut self, value: f32) {
        if self.values.len() == self.capacity {
            self.values.pop_front();
        }
        self.values.push_back(value);
        self.total += 1;
    }

    /// Steps ever added, gaps included: tells whether anything is new, and lets a graph scroll in whole blocks.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Steps held, gaps included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True before the first reading.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value `back` steps before the newest; `None` for a gap or before the beginning.
    #[must_use]
    pub fn back(&self, back: usize) -> Option<f64> {
        let at = self.values.len().checked_sub(back + 1)?;
        self.values.get(at).filter(|v| !v.is_nan()).map(|v| f64::from(*v))
    }

    /// Oldest to newest, gaps as `None`.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Option<f64>> + ExactSizeIterator + '_ {
        self.values.iter().map(|v| (!v.is_nan()).then(|| f64::from(*v)))
    }

    /// The greatest value held; `None` when there is none.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.iter().flatten().reduce(f64::max)
    }

    /// The span of one step.
    #[must_use]
    pub fn step(&self) -> Duration {
        Duration::from_micros(self.step_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_steps_are_gaps_and_the_ring_stays_small() {
        let mut s = Series::new(4);
        let every = Duration::from_secs(1);
        s.push(Stamp::at_seconds(1), every, Some(0.5));
        s.push(Stamp::at_seconds(4), every, Some(1.0));
        assert_eq!(s.iter().collect::<Vec<_>>(), [Some(0.5), None, None, Some(1.0)]);
        s.push(Stamp::at_seconds(5), every, None);
        assert_eq!(s.len(), 4);
        assert_eq!((s.back(0), s.back(1)), (None, Some(1.0)));
        s.push(Stamp::at_seconds(5000), every, Some(2.0));
        assert_eq!(s.iter().flatten().count(), 1);
    }
}
