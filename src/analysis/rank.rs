//! Comparisons by rank: they ask nothing of the distribution, and one wild sample is one rank. Mann–Whitney says whether
//! one set tends to be smaller or larger than another, Hodges–Lehmann by how much, Benjamini–Hochberg which of many such
//! findings remain.

use super::stats::{median, quantile};

/// Exact probabilities are counted up to this much work: the smaller set times both.
const EXACT_WORK: usize = 160;
/// Sets are thinned to this many values before each is compared with each.
const PAIRED_MOST: usize = 1000;

/// What Mann–Whitney finds of a second set against a first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// Pairs in which the second is larger, ties counting half.
    pub u: f64,
    /// Probability of a second set this small or smaller, were there no difference.
    pub less: f64,
    /// Probability of a second set this large or larger, were there no difference.
    pub greater: f64,
}

impl RankTest {
    /// Probability of sets this far apart either way, were there no difference.
    #[must_use]
    pub fn two_sided(&self) -> f64 {
        (2.0 * self.less.min(self.greater)).min(1.0)
    }
}

/// Mann–Whitney U of `second` against `first`: exact for small sets, with ties as without (the permutation distribution
/// of the midranks), else normal with correction for ties and continuity. `None` for an empty set or NaN.
#[must_use]
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Option<RankTest> {
    let (n, m) = (first.len(), second.len());
    if n == 0 || m == 0 || first.iter().chain(second).any(|v| v.is_nan()) {
        return None;
    }
    let mut all: Vec<(f64, bool)> =
        first.iter().map(|v| (*v, false)).chain(second.iter().map(|v| (*v, true))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // Twice the midrank is a whole number, ties or none.
    let mut doubled = Vec::with_capacity(n + m);
    let mut ties = 0.0;
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        let (before, tied) = (doubled.len(), group.len());
        doubled.extend(std::iter::repeat_n(2 * before + tied + 1, tied));
        ties += (tied as f64).powi(3) - tied as f64;
    }
    let sum: usize = all.iter().zip(&doubled).filter(|((_, second), _)| *second).map(|(_, rank)| rank).sum();
    let (few, total) = (n.min(m), n + m);
    let u = sum as f64 / 2.0 - (m * (m + 1)) as f64 / 2.0;
    let (less, greater) = if few * total <= EXACT_WORK {
        // The ranks of the smaller set are counted; those of the other are the rest.
        let whole: usize = doubled.iter().sum();
        let (below, above) = exact(&doubled, few, if m == few { sum } else { whole - sum });
        if m == few { (below, above) } else { (above, below) }
    } else {
        normal(u, n as f64, m as f64, ties)
    };
    Some(RankTest { u, less, greater })
}

/// The share of all choices of `few` of the ranks whose sum is at most, and at least, `sum`.
fn exact(doubled: &[usize], few: usize, sum: usize) -> (f64, f64) {
    let top: usize = doubled.iter().rev().take(few).sum();
    // counts[k][s]: choices of k ranks with the sum s.
    let mut counts = vec![vec![0.0_f64; top + 1]; few + 1];
    counts[0][0] = 1.0;
    for rank in doubled {
        for k in (0..few).rev() {
            let (from, to) = counts.split_at_mut(k + 1);
            for (s, count) in from[k].iter().enumerate().filter(|(s, count)| **count > 0.0 && s + rank <= top) {
                to[0][s + rank] += count;
            }
        }
    }
    let all: f64 = counts[few].iter().sum();
    let below: f64 = counts[few][..=sum].iter().sum();
    let above: f64 = counts[few][sum..].iter().sum();
    (below / all, above / all)
}

fn normal(u: f64, n: f64, m: f64, ties: f64) -> (f64, f64) {
    let total = n + m;
    let deviation = (n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)))).sqrt();
    let tail = |distance: f64| match deviation {
        // All are equal.
        0.0 => 1.0,
        _ => upper_tail((distance - 0.5) / deviation),
    };
    let distance = u - n * m / 2.0;
    (tail(-distance).min(1.0), tail(distance).min(1.0))
}

/// Probability of a standard normal value of `z` or more.
fn upper_tail(z: f64) -> f64 {
    libm::erfc(z / std::f64::consts::SQRT_2) / 2.0
}

/// Hodges–Lehmann: the median of all ratios of a value of `second` to one of `first`. A difference from zero is
/// infinitely large; where a value is negative, the ratio is 1 and their difference as a share of its size.
#[must_use]
pub fn ratio(first: &[f64], second: &[f64]) -> Option<f64> {
    let (first, second) = (thinned(first), thinned(second));
    let ratios: Vec<f64> = second.iter().flat_map(|y| first.iter().map(|x| one_ratio(*x, *y))).collect();
    median(&ratios)
}

/// The ratio of two figures, as [`ratio`] defines it.
#[must_use]
pub fn one_ratio(first: f64, second: f64) -> f64 {
    match () {
        () if first == second => 1.0,
        () if first > 0.0 => second / first,
        () => 1.0 + (second - first) / first.abs(),
    }
}

/// At most [`PAIRED_MOST`] values with the same quantiles.
fn thinned(values: &[f64]) -> Vec<f64> {
    if values.len() <= PAIRED_MOST {
        return values.to_vec();
    }
    let sorted = super::stats::sorted(values);
    (0..PAIRED_MOST).filter_map(|i| quantile(&sorted, (i as f64 + 0.5) / PAIRED_MOST as f64)).collect()
}

/// Benjamini–Hochberg: which findings remain, so that at most `share` of those are expected to be chance.
#[must_use]
pub fn benjamini_hochberg(ps: &[f64], share: f64) -> Vec<bool> {
    let mut order: Vec<f64> = ps.to_vec();
    order.sort_unstable_by(f64::total_cmp);
    let bound = |at: usize| (at + 1) as f64 / ps.len() as f64 * share;
    let limit = order.iter().enumerate().rev().find(|(at, p)| **p <= bound(*at)).map(|(_, p)| *p);
    ps.iter().map(|p| limit.is_some_and(|limit| *p <= limit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{found} is not {wanted}");
    }

    /// Hollander and Wolfe, "Nonparametric Statistical Methods", permeability of membranes: W = 35, p = 0.1272.
    #[test]
    fn published_exact_probability() {
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let early = [1.15, 0.88, 0.90, 0.74, 1.21];
        let found = mann_whitney(&term, &early).expect("both have values");
        near(found.u, 15.0);
        near(found.less, 0.127_206_127_206_127_2);
        near(found.greater, 0.896_769_896_769_896_7);
        let turned = mann_whitney(&early, &term).expect("both have values");
        assert_eq!((turned.u, turned.less, turned.greater), (35.0, found.greater, found.less));
        near(found.two_sided(), 0.254_412_254_412_254_4);
    }

    /// What SciPy 1.16 counts over all permutations.
    #[test]
    fn ties_are_counted_exactly() {
        let found = mann_whitney(&[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0], &[2.0, 3.0, 3.0, 5.0, 5.0]);
        let found = found.expect("both have values");
        near(found.u, 30.0);
        near(found.less, 0.949_494_949_494_949_5);
        near(found.greater, 0.073_815_073_815_073_81);
        let constant = mann_whitney(&[2.51; 7], &[2.51, 2.51, 2.4]).expect("both have values");
        near(constant.less, 0.3);
        near(constant.greater, 1.0);
        let equal = mann_whitney(&[1.0; 30], &[1.0; 30]).expect("both have values");
        assert_eq!((equal.less, equal.greater), (1.0, 1.0));
    }

    /// SciPy's asymptotic method, with ties and continuity.
    #[test]
    fn large_sets_are_normal() {
        let first = [
            14.1, 4.9, 10.8, 8.9, 9.1, 9.6, 6.0, 9.5, 8.3, 16.6, 10.5, 9.3, 9.4, 8.7, 7.9, 9.2, 11.0, 9.5, 11.9, 9.6,
            10.0, 13.1, 11.1, 9.0, 9.6, 11.1, 13.9, 9.5, 9.5, 12.0, 8.2, 9.4, 11.8, 11.2, 10.2, 11.3, 4.3, 12.0, 8.1,
            6.7, 10.6, 11.4, 9.1, 7.8, 10.1, 9.9, 12.8, 11.5, 10.4, 12.2, 9.6, 8.1, 11.2, 11.2, 9.6, 8.4, 10.5, 5.0,
            11.4, 11.0,
        ];
        let second = [
            6.0, 9.4, 7.4, 10.8, 5.2, 7.5, 10.7, 11.6, 5.0, 8.3, 10.0, 8.1, 12.5, 6.9, 10.0, 7.2, 12.1, 9.3, 8.6, 5.9,
            12.7, 10.8, 10.8, 11.6, 10.0,
        ];
        let found = mann_whitney(&first, &second).expect("both have values");
        near(found.u, 613.0);
        near(found.less, 0.093_920_535_856_037_16);
        near(found.greater, 0.907_686_266_385_020_7);
    }

    #[test]
    fn one_run_of_one_sample_needs_twenty_before_it() {
        let baseline: Vec<f64> = (0..20).map(f64::from).collect();
        near(mann_whitney(&baseline, &[-1.0]).expect("values").less, 1.0 / 21.0);
        near(mann_whitney(&baseline, &[-1.0, -2.0, -3.0]).expect("values").less, 1.0 / 1771.0);
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        assert_eq!(mann_whitney(&[1.0], &[f64::NAN]), None);
    }

    #[test]
    fn ratio_is_the_median_of_all_ratios() {
        // 4/1 4/2 6/1 6/2 8/1 8/2: 2 3 4 4 6 8
        assert_eq!(ratio(&[1.0, 2.0], &[4.0, 6.0, 8.0]), Some(4.0));
        assert_eq!(ratio(&[0.0, 0.0], &[0.0]), Some(1.0));
        assert_eq!(ratio(&[0.0, 0.0], &[1.0]), Some(f64::INFINITY));
        assert_eq!(ratio(&[-2.0], &[-1.0]), Some(1.5), "larger is more than one on either side of zero");
        assert_eq!(ratio(&[], &[1.0]), None);
        let many: Vec<f64> = (1..=5000).map(f64::from).collect();
        let doubled: Vec<f64> = many.iter().map(|v| 2.0 * v).collect();
        let found = ratio(&many, &doubled).expect("values");
        assert!((found - 2.0).abs() < 0.01, "thinned: {found}");
    }

    /// The example of Benjamini and Hochberg (1995): four of fifteen.
    #[test]
    fn findings_of_many_are_corrected() {
        let ps = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        assert_eq!(benjamini_hochberg(&ps, 0.05).iter().filter(|stays| **stays).count(), 4);
        assert_eq!(benjamini_hochberg(&[0.04, 0.9], 0.05), [false, false]);
        assert_eq!(benjamini_hochberg(&[0.04], 0.05), [true]);
        assert!(benjamini_hochberg(&[], 0.05).is_empty());
    }
}
