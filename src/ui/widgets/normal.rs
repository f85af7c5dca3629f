//! What is usual for a figure in this session: the median and the range that holds four fifths of its past.

use std::time::Duration;

use crate::{model::series::Series, units::span_short};

/// A past that covers less than this is called by its span: one busy minute is not what is normal.
const LONG: Duration = Duration::from_secs(2 * 3600);
/// Readings that must exist before anything is called normal.
pub const LEAST: usize = 60;
/// Readings after which it is computed again; in between the mark does not move.
const EVERY: u64 = 15;

/// The usual values of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    /// A tenth of the readings is below.
    pub low: f64,
    /// Half of them.
    pub median: f64,
    /// A tenth is above.
    pub high: f64,
}

/// Keeps the normal range of one series until it is worth computing again.
#[derive(Debug, Clone, Default)]
pub struct NormalOf {
    at: u64,
    normal: Option<Normal>,
    scratch: Vec<f32>,
}

impl NormalOf {
    /// Looks at `series`, which must be the same figure each time.
    pub fn update(&mut self, series: &Series) {
        let total = series.total();
        if self.normal.is_some() && total >= self.at && total < self.at + EVERY {
            return;
        }
        if series.len() < LEAST {
            self.normal = None;
            return;
        }
        self.at = total;
        self.scratch.clear();
        self.scratch.extend(series.iter().flatten().map(|v| v as f32));
        self.normal = normal(&mut self.scratch);
    }

    /// The usual values; `None` before there are [`LEAST`] readings.
    #[must_use]
    pub fn get(&self) -> Option<Normal> {
        self.normal
    }

    /// The range for a graph's shade.
    #[must_use]
    pub fn band(&self) -> Option<(f64, f64)> {
        self.normal.map(|n| (n.low, n.high))
    }

    /// The middle for a gauge's mark.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        self.normal.map(|n| n.median)
    }
}

/// What the range of a past may be called: `last 4m`, or `normal` once it covers hours.
#[must_use]
pub fn called(series: &Series) -> String {
    let span = series.step() * u32::try_from(series.len()).unwrap_or(u32::MAX);
    if span < LONG { format!("last {}", span_short(span)) } else { "normal".to_owned() }
}

fn normal(values: &mut [f32]) -> Option<Normal> {
    if values.len() < LEAST {
        return None;
    }
    let mut nth = |tenths: usize| {
        let at = (values.len() - 1) * tenths / 10;
        f64::from(*values.select_nth_unstable_by(at, f32::total_cmp).1)
    };
    Some(Normal { low: nth(1), median: nth(5), high: nth(9) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    #[test]
    fn nothing_is_normal_before_a_minute_of_readings() {
        let mut series = Series::default();
        let mut of = NormalOf::default();
        for i in 0..59 {
            series.push(Stamp::at_seconds(i + 1), Duration::from_secs(1), Some(i as f64));
        }
        of.update(&series);
        assert_eq!(of.get(), None);
        for i in 59..101 {
            series.push(Stamp::at_seconds(i + 1), Duration::from_secs(1), Some(i as f64));
        }
        of.update(&series);
        assert_eq!(of.get(), Some(Normal { low: 10.0, median: 50.0, high: 90.0 }));
    }

    #[test]
    fn minutes_are_not_called_normal() {
        let mut series = Series::default();
        for i in 0..240 {
            series.push(Stamp::at_seconds(i + 1), Duration::from_secs(1), Some(0.5));
        }
        assert_eq!(called(&series), "last 4m");
        let mut series = Series::default();
        for i in 0..120 {
            series.push(Stamp::at_seconds((i + 1) * 60), Duration::from_secs(60), Some(0.5));
        }
        assert_eq!(called(&series), "normal");
    }

    #[test]
    fn gaps_do_not_count_as_readings() {
        let mut series = Series::default();
        let mut of = NormalOf::default();
        for i in 0..100 {
            series.push(Stamp::at_seconds(i + 1), Duration::from_secs(1), (i % 2 == 0).then_some(0.5));
        }
        of.update(&series);
        assert_eq!(of.get(), None);
    }
    #[test]
    fn a_mark_moves_after_every_fifteenth_reading() {
        let push = |series: &mut Series, of: &mut NormalOf, count: u64, value: f64| {
            for _ in 0..count {
                let at = Stamp::at_seconds(series.total() + 1);
                series.push(at, Duration::from_secs(1), Some(value));
                of.update(series);
            }
            (of.median(), of.band())
        };
        let (mut series, mut of) = (Series::default(), NormalOf::default());
        assert_eq!(push(&mut series, &mut of, 59, 1.0), (None, None));
        assert_eq!(push(&mut series, &mut of, 1, 1.0), (Some(1.0), Some((1.0, 1.0))));
        assert_eq!(push(&mut series, &mut of, 14, 9.0), (Some(1.0), Some((1.0, 1.0))));
        assert_eq!(push(&mut series, &mut of, 1, 9.0), (Some(1.0), Some((1.0, 9.0))));
        let mut again = Series::default();
        (1..=60).for_each(|second| again.push(Stamp::at_seconds(second), Duration::from_secs(1), Some(5.0)));
        of.update(&again);
        assert_eq!(of.median(), Some(5.0), "another past begins anew");
    }
}
