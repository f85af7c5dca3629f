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
        if step != self.step_us && !self.values.is_empty() {
            self.restep(step);
        }
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

    /// The pace changed: values keep their place in time. A value covers all of its old step; a new step that
    /// spans several has their mean.
    fn restep(&mut self, step: u64) {
        let held = self.values.len() as u64 * self.step_us;
        let count = usize::try_from(held.div_ceil(step)).unwrap_or(self.capacity).min(self.capacity);
        let value = |back: usize| {
            // Between so many microseconds before the newest value's end.
            let (from, to) = (back as u64 * step, (back as u64 + 1) * step);
            let (first, last) = (from / self.step_us, (to - 1) / self.step_us);
            let (mut sum, mut known) = (0.0, 0u32);
            for old in first..=last {
                if let Some(value) = usize::try_from(old).ok().and_then(|old| self.back(old)) {
                    sum += value;
                    known += 1;
                }
            }
            if known > 0 { (sum / f64::from(known)) as f32 } else { f32::NAN }
        };
        let values: VecDeque<f32> = (0..count).rev().map(value).collect();
        self.total += values.len() as u64;
        (self.values, self.step_us) = (values, step);
    }

    fn put(&mut self, value: f32) {
        if self.values.len() == self.capacity {
            self.values.pop_front();
        }
        self.values.push_back(value);
        self.total += 1;
    }

    /// Steps ever added, gaps included: shows whether anything is new, and lets a graph scroll in whole blocks.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// When the newest step was, microseconds of the clock that never jumps.
    #[must_use]
    pub fn newest_us(&self) -> u64 {
        self.last_us
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

    /// When the newest step was, microseconds of the run's clock.
    #[must_use]
    pub fn last_us(&self) -> u64 {
        self.last_us
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

    #[test]
    fn another_pace_leaves_values_at_their_time() {
        let mut s = Series::new(100);
        let second = Duration::from_secs(1);
        for at in 1..=10 {
            s.push(Stamp::at_seconds(at), second, Some(at as f64));
        }
        // Ten times as fast: the value of a second ago is ten steps back.
        let fast = second / 10;
        s.push(Stamp::at_seconds(10).plus(fast), fast, Some(11.0));
        assert_eq!((s.len(), s.step()), (100, fast));
        assert_eq!((s.back(0), s.back(1), s.back(10), s.back(11)), (Some(11.0), Some(10.0), Some(10.0), Some(9.0)));
        // Slow again: four seconds are one step of five, and means cover what they span.
        let slow = second * 5;
        s.push(Stamp::at_seconds(15), slow, Some(0.0));
        assert_eq!((s.len(), s.step()), (3, slow));
        assert_eq!(s.back(0), Some(0.0));
        let mean = s.back(1).expect("five seconds");
        assert!((8.0..8.2).contains(&mean), "{mean}");
    }

    #[test]
    fn a_gap_stays_a_gap_at_another_pace() {
        let mut s = Series::new(100);
        let second = Duration::from_secs(1);
        s.push(Stamp::at_seconds(1), second, Some(1.0));
        s.push(Stamp::at_seconds(4), second, Some(4.0));
        s.push(Stamp::at_seconds(4).plus(second / 2), second / 2, None);
        let all: Vec<Option<f64>> = s.iter().collect();
        let (one, four) = (Some(1.0), Some(4.0));
        assert_eq!(all, [one, one, None, None, None, None, four, four, None]);
    }

    #[test]
    fn series_are_equal_when_times_and_values_are() {
        let of = |capacity, values: &[(u64, Option<f64>)]| {
            let mut series = Series::new(capacity);
            values.iter().for_each(|(at, value)| series.push(Stamp::at_seconds(*at), Duration::from_secs(1), *value));
            series
        };
        let one = of(9, &[(7, Some(1.0))]);
        assert_eq!(one, of(9, &[(7, Some(1.0))]));
        assert_eq!(of(9, &[(7, None)]), of(9, &[(7, None)]));
        for other in [
            of(8, &[(7, Some(1.0))]),
            of(9, &[(8, Some(1.0))]),
            of(9, &[(7, Some(2.0))]),
            of(9, &[(6, Some(1.0)), (7, Some(1.0))]),
        ] {
            assert_ne!(one, other);
        }
        let mut slower = Series::new(9);
        slower.push(Stamp::at_seconds(7), Duration::from_secs(2), Some(1.0));
        assert_ne!(one, slower);
    }
}
