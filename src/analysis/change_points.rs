//! E-divisive with a t-test (Matteson and James 2014; Fleming et al., "Hunter", 2023): where a series of runs changed its
//! level. The test takes the place of random permutations, so that the same series always gives the same answer. Weak
//! points are found first, at ten times the probability; then those that do not hold are taken away, weakest first.
//!
//! It differs from Apache Otava in five ways: a level has at least [`LEVEL_LEAST`] runs, and its height is their median, so
//! that one wild run at the end is no level; deviations are those of a sample (n - 1), where Otava's are too small for few
//! runs; a weak point is tested with the part of the right side by which it was found, so that a dip which ends again is
//! found too; and there are no windows, as callers bound the series.

use std::f64::consts::PI;

use super::stats::{mean, median};

/// So many runs are a level at least.
pub const LEVEL_LEAST: usize = 3;
/// Weak points are taken at this many times the probability.
const WEAK: f64 = 10.0;

/// Where the level changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// Index of the first figure on the new level.
    pub at: usize,
    /// Medians of the levels on both sides.
    pub before: f64,
    pub after: f64,
    /// Probability of means this far apart, were there no change.
    pub p: f64,
}

impl ChangePoint {
    fn of(series: &[f64], (start, at, end): (usize, usize, usize)) -> Self {
        let (left, right) = (&series[start..at], &series[at..end]);
        let height = |level: &[f64]| median(level).unwrap_or_default();
        ChangePoint { at, before: height(left), after: height(right), p: t_test(left, right) }
    }

    /// By what share the level changed, seen from the side from which it is more.
    #[must_use]
    pub fn magnitude(&self) -> f64 {
        let change = |from: f64, to: f64| if from == to { 0.0 } else { ((to - from) / from).abs() };
        change(self.before, self.after).max(change(self.after, self.before))
    }
}

/// The changes of level in `series`, oldest first, whose probability is below `p` and whose magnitude is at least
/// `magnitude`.
#[must_use]
pub fn change_points(series: &[f64], p: f64, magnitude: f64) -> Vec<ChangePoint> {
    let mut points = split(series, p * WEAK);
    loop {
        // Without a point its neighbours separate other levels.
        let found = judged(series, &points);
        let weakest = found.iter().enumerate().max_by(|(_, a), (_, b)| a.p.total_cmp(&b.p));
        let smallest = found.iter().enumerate().min_by(|(_, a), (_, b)| a.magnitude().total_cmp(&b.magnitude()));
        match (weakest, smallest) {
            (Some((at, point)), _) if point.p >= p => points.remove(at),
            (_, Some((at, point))) if point.magnitude() < magnitude => points.remove(at),
            _ => return found,
        };
    }
}

/// Each point with the levels between its neighbours.
fn judged(series: &[f64], points: &[usize]) -> Vec<ChangePoint> {
    let bounds: Vec<usize> = [0].into_iter().chain(points.iter().copied()).chain([series.len()]).collect();
    bounds.windows(3).map(|w| ChangePoint::of(series, (w[0], w[1], w[2]))).collect()
}

/// Splits where the halves are most unlike, as long as the best split is one at probability `p`.
fn split(series: &[f64], p: f64) -> Vec<usize> {
    let distances = Distances::of(series);
    let mut bounds = vec![0, series.len()];
    loop {
        let best = bounds.windows(2).filter_map(|w| distances.best_split(w[0], w[1]));
        let Some(best) = best.max_by(|a, b| a.q.total_cmp(&b.q)) else { break };
        if t_test(&series[best.start..best.at], &series[best.at..best.end]) > p {
            break;
        }
        let place = bounds.partition_point(|bound| *bound < best.at);
        bounds.insert(place, best.at);
    }
    bounds[1..bounds.len() - 1].to_vec()
}

/// A split of a part of the series.
struct Split {
    start: usize,
    at: usize,
    /// Where what differs most from the left side ends: there may be another change after it.
    end: usize,
    q: f64,
}

/// Sums of distances: `to[k][i]` of figure k to the first i figures.
struct Distances {
    to: Vec<Vec<f64>>,
}

impl Distances {
    fn of(series: &[f64]) -> Self {
        let sums = |k: f64| {
            let mut sum = 0.0;
            let add = |value: &f64| {
                sum += (value - k).abs();
                sum
            };
            [0.0].into_iter().chain(series.iter().map(add)).collect()
        };
        Distances { to: series.iter().map(|k| sums(*k)).collect() }
    }

    /// The split of `start..end` whose left side differs most from what follows it, and by how much (the statistic Q of
    /// the first paper).
    fn best_split(&self, start: usize, end: usize) -> Option<Split> {
        let mut best: Option<Split> = None;
        let mut within_left = 0.0;
        for at in start + 1..end {
            within_left += self.to[at - 1][at - 1] - self.to[at - 1][start];
            if at - start < LEVEL_LEAST || end - at < LEVEL_LEAST {
                continue;
            }
            let (mut across, mut within_right) = (0.0, 0.0);
            for last in at..end {
                across += self.to[last][at] - self.to[last][start];
                within_right += self.to[last][last] - self.to[last][at];
                let (left, right) = ((at - start) as f64, (last + 1 - at) as f64);
                let of_pairs =
                    |within: f64, own: f64, other: f64| if own > 1.0 { other * within / (own - 1.0) } else { 0.0 };
                let apart = across - of_pairs(within_left, left, right) - of_pairs(within_right, right, left);
                let q = 2.0 * apart / (left + right);
                if best.as_ref().is_none_or(|best| q > best.q) {
                    best = Some(Split { start, at, end: last + 1, q });
                }
            }
        }
        best
    }
}

/// Student's t-test with equal variances, two-sided: the probability of means this far apart, were there no difference.
#[must_use]
pub fn t_test(left: &[f64], right: &[f64]) -> f64 {
    let freedom = (left.len() + right.len()).saturating_sub(2);
    if left.is_empty() || right.is_empty() || freedom == 0 {
        return 1.0;
    }
    let squares = |values: &[f64], mean: f64| values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    let (a, b) = (mean(left), mean(right));
    let variance = (squares(left, a) + squares(right, b)) / freedom as f64;
    let error = (variance * (1.0 / left.len() as f64 + 1.0 / right.len() as f64)).sqrt();
    match a - b {
        0.0 => 1.0,
        apart => student(apart / error, freedom),
    }
}

/// Probability of a value this far from zero or farther under Student's distribution (Abramowitz and Stegun 26.7.3 and
/// 26.7.4, which are exact for whole degrees of freedom).
fn student(t: f64, freedom: usize) -> f64 {
    let angle = (t.abs() / (freedom as f64).sqrt()).atan();
    let (sin, cos) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    let (mut term, mut sum) = (if odd { cos } else { 1.0 }, 0.0);
    let mut k = if odd { 1 } else { 0 };
    while k + 2 <= freedom {
        sum += term;
        term *= cos * cos * (k + 1) as f64 / (k + 2) as f64;
        k += 2;
    }
    let inside = if odd { 2.0 / PI * (angle + sin * sum) } else { sin * sum };
    (1.0 - inside).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Dice;

    /// Levels, each so many runs long, with this deviation.
    fn levels(seed: u64, deviation: f64, levels: &[(usize, f64)]) -> Vec<f64> {
        let mut dice = Dice(seed);
        let runs = levels.iter().flat_map(|(runs, level)| std::iter::repeat_n(*level, *runs));
        runs.map(|level| level * (1.0 + deviation * dice.normal())).collect()
    }

    fn places(series: &[f64]) -> Vec<usize> {
        change_points(series, 0.001, 0.05).iter().map(|point| point.at).collect()
    }

    /// R: 2 * pt(-t, df).
    #[test]
    fn student_is_that_of_the_tables() {
        for (t, freedom, wanted) in [
            (12.706, 1, 0.050_000_802_358),
            (4.303, 2, 0.049_992_524_985),
            (2.571, 5, 0.049_974_634_684),
            (3.169, 10, 0.010_004_633_364),
            (3.551, 60, 0.000_753_791_290),
        ] {
            assert!((student(t, freedom) - wanted).abs() < 1e-9, "{t} {freedom}: {}", student(t, freedom));
            assert_eq!(student(-t, freedom), student(t, freedom));
        }
        assert!((student(6.0, 37) / 6.278_667_946_7e-7 - 1.0).abs() < 1e-6);
        assert_eq!((t_test(&[1.0], &[2.0]), t_test(&[], &[1.0, 2.0]), t_test(&[3.0, 3.0], &[3.0])), (1.0, 1.0, 1.0));
        assert_eq!(t_test(&[3.0; 3], &[4.0; 3]), 0.0);
    }

    #[test]
    fn steps_are_found_where_they_are() {
        assert_eq!(places(&levels(1, 0.01, &[(20, 1.0), (10, 0.9)])), [20]);
        assert_eq!(places(&levels(2, 0.01, &[(12, 1.0), (9, 1.2), (15, 1.1)])), [12, 21]);
        assert_eq!(places(&[[5.0; 10], [4.0; 10]].concat()), [10], "without noise");
        let found = change_points(&[[5.0; 10], [4.0; 10]].concat(), 0.001, 0.05);
        assert_eq!((found[0].before, found[0].after, found[0].p, found[0].magnitude()), (5.0, 4.0, 0.0, 0.25));
    }

    #[test]
    fn what_is_none_is_not_found() {
        assert!(places(&levels(3, 0.05, &[(60, 1.0)])).is_empty());
        assert!(places(&levels(4, 0.001, &[(20, 1.0), (20, 0.97)])).is_empty(), "certain, but small");
        let mut wild = levels(5, 0.01, &[(20, 1.0)]);
        wild.push(0.1);
        assert!(places(&wild).is_empty(), "one run is no level");
        assert!(places(&[]).is_empty() && places(&[1.0]).is_empty() && places(&[0.0; 40]).is_empty());
    }

    /// The statistic Q by its definition: m n / (m + n) times the energy distance.
    #[test]
    fn the_best_split_is_where_the_sides_are_most_unlike() {
        let best = |series: &[f64], start: usize, end: usize| {
            let split = Distances::of(series).best_split(start, end)?;
            Some((split.start, split.at, split.end, (split.q * 7.0).round() / 7.0))
        };
        assert_eq!(best(&[0.0, 1.0, 2.0, 10.0, 11.0, 12.0], 0, 6), Some((0, 3, 6, 26.0)));
        // 3 * 4 / 7 * (2 * 10.5 - 4 / 3 - 10 / 6)
        assert_eq!(best(&[0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 13.0], 0, 7), Some((0, 3, 7, 216.0 / 7.0)));
        assert_eq!(best(&[5.0, 5.0, 0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 13.0], 2, 9), Some((2, 5, 9, 216.0 / 7.0)));
        // What follows a dip is not a part of it.
        assert_eq!(best(&[0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 0.0, 1.0, 2.0], 0, 9), Some((0, 3, 6, 26.0)));
        assert_eq!(best(&[0.0, 1.0, 2.0, 10.0, 11.0], 0, 5), None, "two are no level");
    }

    #[test]
    fn a_change_is_as_large_from_both_sides() {
        let magnitude = |before: f64, after: f64| ChangePoint { at: 0, before, after, p: 0.0 }.magnitude();
        assert_eq!([magnitude(4.0, 5.0), magnitude(5.0, 4.0), magnitude(-4.0, -5.0)], [0.25; 3]);
        assert_eq!([magnitude(0.0, 0.0), magnitude(3.0, 3.0)], [0.0; 2]);
        assert_eq!(magnitude(0.0, 1.0), f64::INFINITY);
    }
}
