//! Histograms as servers export them: counts below bounds since the server started. What happened lately is the difference
//! of two; a percentile lies somewhere inside a bucket, so it is an estimate.

use serde::{Deserialize, Serialize};

/// Percentiles of fewer requests than these say nothing: of 5 requests the 95th is the slowest.
const LEAST_P95: f64 = 20.0;
const LEAST_P99: f64 = 100.0;

/// Counts since the start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Histogram {
    /// Upper bounds, rising, without the infinite one; and how many were not above each.
    pub bounds: Vec<f64>,
    pub below: Vec<f64>,
    pub count: f64,
    pub sum: f64,
}

/// What a histogram says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    pub count: f64,
    pub mean: f64,
    pub p50: f64,
    /// Where there were enough.
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

impl Histogram {
    /// Made of buckets in any order, each with its bound; the infinite one gives the count where nothing else does.
    #[must_use]
    pub fn of(mut buckets: Vec<(f64, f64)>, count: Option<f64>, sum: Option<f64>) -> Option<Self> {
        buckets.retain(|(bound, below)| !bound.is_nan() && below.is_finite() && *below >= 0.0);
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        let all = buckets.last().filter(|(bound, _)| bound.is_infinite()).map(|(_, below)| *below);
        let count = count.filter(|count| count.is_finite() && *count >= 0.0).or(all)?;
        buckets.retain(|(bound, _)| bound.is_finite());
        let (bounds, below) = buckets.into_iter().unzip();
        Some(Histogram { bounds, below, count, sum: sum.filter(|sum| sum.is_finite()).unwrap_or(0.0) })
    }

    /// What was added since `before`; `None` when it restarted or has other buckets.
    #[must_use]
    pub fn since(&self, before: &Histogram) -> Option<Histogram> {
        if self.bounds != before.bounds || self.count < before.count {
            return None;
        }
        let below: Vec<f64> = self.below.iter().zip(&before.below).map(|(now, then)| now - then).collect();
        let fell = below.iter().any(|grown| *grown < 0.0);
        (!fell).then(|| Histogram {
            bounds: self.bounds.clone(),
            below,
            count: self.count - before.count,
            sum: (self.sum - before.sum).max(0.0),
        })
    }

    /// The value that a share of all is not above, linear inside its bucket; `None` of nothing. What lies above the last
    /// bound is said to be at that bound.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        if self.count <= 0.0 {
            return None;
        }
        let rank = share.clamp(0.0, 1.0) * self.count;
        let (mut from, mut passed) = (0.0, 0.0);
        for (bound, below) in self.bounds.iter().zip(&self.below) {
            if *below >= rank && *below > passed {
                let from = if *bound <= 0.0 { *bound } else { from };
                return Some(from + (bound - from) * ((rank - passed) / (below - passed)).clamp(0.0, 1.0));
            }
            (from, passed) = (*bound, below.max(passed));
        }
        self.bounds.last().copied()
    }

    /// Mean and percentiles; `None` of nothing.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        let (p50, mean) = (self.quantile(0.5)?, self.sum / self.count);
        // Of how they lie inside one bucket nothing is known but their mean.
        let in_one = self.below.iter().find(|below| **below > 0.0).is_some_and(|below| *below >= self.count);
        Some(Spread {
            count: self.count,
            mean,
            p50: if in_one { mean } else { p50 },
            p95: self.quantile(0.95).filter(|_| self.count >= LEAST_P95),
            p99: self.quantile(0.99).filter(|_| self.count >= LEAST_P99),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(buckets: &[(f64, f64)], count: f64, sum: f64) -> Histogram {
        Histogram::of(buckets.to_vec(), Some(count), Some(sum)).expect("a histogram")
    }

    #[test]
    fn percentiles_are_linear_inside_their_bucket() {
        let h = of(&[(0.1, 4.0), (0.2, 8.0), (0.4, 10.0), (f64::INFINITY, 10.0)], 10.0, 1.5);
        assert_eq!(h.quantile(0.5), Some(0.125));
        assert_eq!(h.quantile(0.9).map(|q| (q * 1e6).round()), Some(300_000.0));
        let spread = h.spread().expect("requests");
        assert_eq!((spread.mean, spread.p95, spread.p99), (0.15, None, None), "ten requests have no 95th percentile");
        let many = of(&[(0.1, 0.0), (0.2, 200.0)], 200.0, 30.0).spread().expect("requests");
        assert_eq!(((many.p50 * 1e6).round() / 1e6, many.p95.is_some(), many.p99.is_some()), (0.15, true, true));
    }

    #[test]
    fn median_of_one_bucket_is_its_mean() {
        let first = of(&[(0.5, 8.0), (1.0, 8.0), (f64::INFINITY, 8.0)], 8.0, 0.8);
        assert_eq!(first.spread().map(|spread| spread.p50), Some(0.1));
        let two = of(&[(0.5, 4.0), (1.0, 8.0), (f64::INFINITY, 8.0)], 8.0, 0.8);
        assert_eq!(two.spread().map(|spread| spread.p50), Some(0.5));
    }

    #[test]
    fn what_is_above_every_bound_is_at_the_last() {
        assert_eq!(of(&[(1.0, 0.0), (2.0, 0.0)], 5.0, 50.0).quantile(0.5), Some(2.0));
        assert_eq!(of(&[], 5.0, 50.0).quantile(0.5), None);
        assert_eq!(of(&[(1.0, 0.0)], 0.0, 0.0).spread(), None, "nothing happened");
    }

    #[test]
    fn a_restart_or_other_buckets_have_no_difference() {
        let (then, now) = (of(&[(1.0, 4.0)], 6.0, 9.0), of(&[(1.0, 5.0)], 8.0, 14.0));
        assert_eq!(now.since(&then), Some(of(&[(1.0, 1.0)], 2.0, 5.0)));
        assert_eq!(then.since(&now), None, "it restarted");
        assert_eq!(of(&[(2.0, 5.0)], 8.0, 14.0).since(&then), None, "other buckets");
        assert_eq!(of(&[(1.0, 3.0)], 8.0, 14.0).since(&then), None, "a bucket fell");
    }

    #[test]
    fn the_infinite_bucket_counts_where_no_count_is_given() {
        let h = Histogram::of(vec![(f64::INFINITY, 7.0), (1.0, 3.0)], None, None).expect("a histogram");
        assert_eq!((h.count, h.bounds.len()), (7.0, 1));
        assert_eq!(Histogram::of(vec![(1.0, 3.0)], None, None), None);
        let twice = Histogram::of(vec![(1.0, 3.0), (1.0, 4.0)], Some(7.0), None).expect("a histogram");
        assert_eq!(twice.below, [7.0], "two engines add up");
    }

    proptest! {
        #[test]
        fn a_percentile_is_within_the_bounds_and_rises(
            steps in prop::collection::vec((0.001_f64..10.0, 0_u32..50), 1..12),
            a in 0.0_f64..1.0,
            b in 0.0_f64..1.0,
        ) {
            let (mut bound, mut below) = (0.0, 0.0);
            let buckets: Vec<(f64, f64)> = steps.iter().map(|(step, more)| {
                (bound, below) = (bound + step, below + f64::from(*more));
                (bound, below)
            }).collect();
            let h = Histogram::of(buckets, Some(below), Some(1.0)).expect("a histogram");
            let (low, high) = (h.quantile(a.min(b)), h.quantile(a.max(b)));
            prop_assert_eq!(low.is_some(), below > 0.0);
            if let (Some(low), Some(high)) = (low, high) {
                prop_assert!(low <= high + 1e-9 && low >= 0.0 && high <= bound + 1e-9);
            }
        }
    }

    #[test]
    fn a_bucket_without_news_did_not_fall() {
        let (then, now) = (of(&[(1.0, 4.0), (2.0, 4.0)], 6.0, 9.0), of(&[(1.0, 4.0), (2.0, 5.0)], 7.0, 8.0));
        assert_eq!(now.since(&then), Some(of(&[(1.0, 0.0), (2.0, 1.0)], 1.0, 0.0)), "a sum that fell is none");
        assert_eq!(then.since(&then), Some(of(&[(1.0, 0.0), (2.0, 0.0)], 0.0, 0.0)));
    }
}
