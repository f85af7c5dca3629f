//! Figures of one set of samples that outliers do not move: median, quantiles, and how well the median is known.

/// Fewer samples than this are too few to be enough.
pub const SAMPLES_LEAST: usize = 5;
/// More are not taken: what is still wide then is noisy.
pub const SAMPLES_MOST: usize = 30;
/// The median is known well enough when half of its interval is at most this share of it.
pub const NARROW: f64 = 0.025;
/// What an interval may miss on each side.
const MISS: f64 = 0.025;
/// From here on the binomial distribution is as good as normal.
const MANY: usize = 1000;

/// Sorted, without NaN.
#[must_use]
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The quantile `q` (0 to 1) of sorted values, between two of them by their distance.
#[must_use]
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    // Infinite neighbours have no difference.
    Some(if below == above { below } else { below + (above - below) * at.fract() })
}

/// The arithmetic mean; NaN of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The median.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(&sorted(values), 0.5)
}

/// The median distance from the median: half of the values are nearer.
#[must_use]
pub fn mad(values: &[f64]) -> Option<f64> {
    let middle = median(values)?;
    median(&values.iter().map(|v| (v - middle).abs()).collect::<Vec<_>>())
}

/// An interval that holds the median of what the samples come from, with a probability of 95 %, whatever their
/// distribution: from the k-th smallest to the k-th largest (sign test). Five samples give 94 % at most, by their
/// whole range; fewer give none.
#[must_use]
pub fn median_interval(values: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(values);
    let n = sorted.len();
    if n < SAMPLES_LEAST {
        return None;
    }
    let cut = left_out(n);
    Some((sorted[cut], sorted[n - 1 - cut]))
}

/// How many samples the interval leaves out on each side: the most for which the chance of that few on one side of the
/// median stays below [`MISS`].
fn left_out(n: usize) -> usize {
    if n > MANY {
        return ((n as f64 - 1.96 * (n as f64).sqrt() - 1.0) / 2.0) as usize;
    }
    let (mut chance, mut sum) = (0.5_f64.powi(n as i32), 0.0);
    for k in 0..n {
        sum += chance;
        if sum > MISS {
            return k.saturating_sub(1);
        }
        chance *= (n - k) as f64 / (k + 1) as f64;
    }
    0
}

/// Half of the interval of the median, as a share of the median; `None` with too few samples, infinite around zero.
#[must_use]
pub fn half_width(values: &[f64]) -> Option<f64> {
    let (low, high) = median_interval(values)?;
    let half = (high - low) / 2.0;
    let middle = median(values)?.abs();
    Some(if half == 0.0 { 0.0 } else { half / middle })
}

/// True where the median is known well enough.
#[must_use]
pub fn is_narrow(values: &[f64]) -> bool {
    half_width(values).is_some_and(|half| half <= NARROW)
}

/// True where no more samples are to be taken: the median is known well enough, or there are as many as are ever taken.
#[must_use]
pub fn is_enough(values: &[f64]) -> bool {
    values.len() >= SAMPLES_MOST || is_narrow(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        let values = sorted(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!([0.0, 0.1, 0.5, 0.9, 1.0].map(|q| quantile(&values, q)), [1.0, 1.3, 2.5, 3.7, 4.0].map(Some));
        assert_eq!((median(&[]), median(&[7.0]), median(&[f64::NAN, 3.0, 1.0, 2.0])), (None, Some(7.0), Some(2.0)));
        assert_eq!(quantile(&[f64::INFINITY, f64::INFINITY], 0.3), Some(f64::INFINITY));
        assert_eq!(mad(&[1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]), Some(1.0), "the example of Wikipedia");
    }

    /// Which order statistics bound the median at 95 %: Conover, "Practical Nonparametric Statistics", table A3.
    #[test]
    fn interval_of_the_median_is_that_of_the_tables() {
        let ranks = [(6, 1), (8, 1), (9, 2), (10, 2), (11, 2), (12, 3), (15, 4), (20, 6), (25, 8), (30, 10), (50, 18)];
        for (n, rank) in ranks {
            assert_eq!(left_out(n) + 1, rank, "{n} samples");
            let values: Vec<f64> = (1..=n).rev().map(|v| v as f64).collect();
            assert_eq!(median_interval(&values), Some((rank as f64, (n + 1 - rank) as f64)));
        }
        assert_eq!(median_interval(&[1.0, 2.0, 3.0, 4.0]), None);
        assert_eq!(median_interval(&[5.0, 1.0, 3.0, 2.0, 4.0]), Some((1.0, 5.0)));
        assert_eq!((left_out(1000), left_out(1001), left_out(1_000_000)), (468, 468, 499_019), "they meet");
    }

    #[test]
    fn enough_is_a_narrow_interval_or_thirty_samples() {
        assert!(!is_enough(&[100.0; 4]) && is_enough(&[100.0; 5]));
        let spread = |half: f64| -> Vec<f64> { (0..9).map(|i| 100.0 + half * f64::from(i - 4) / 3.0).collect() };
        assert!(is_enough(&spread(2.4)) && !is_enough(&spread(2.6)), "the second and the eighth bound it");
        assert!(is_enough(&[1.0, 9.0].repeat(15)) && !is_enough(&[1.0, 9.0].repeat(14)));
        assert!(is_narrow(&[0.0; 6]) && !is_narrow(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.0, 1.0, 1.0, -1.0, -1.0]));
    }
}
