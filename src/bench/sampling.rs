//! How many samples are enough: at least five, at most thirty, and no more once the median is known to 2.5 %. Its
//! interval is distribution-free (order statistics, "sign test"): samples of a machine are seldom normal.

/// At least so many, where there is time.
pub const LEAST: usize = 5;
/// No more than these.
pub const MOST: usize = 30;
/// The median is known well enough when its 95 % interval reaches so far to each side, as a share of it.
pub const PRECISION: f64 = 0.025;

/// The median; `None` without samples.
#[must_use]
pub fn median(samples: &[f64]) -> Option<f64> {
    let sorted = sorted(samples);
    let n = sorted.len();
    match n {
        0 => None,
        _ if n % 2 == 1 => Some(sorted[n / 2]),
        _ => Some(f64::midpoint(sorted[n / 2 - 1], sorted[n / 2])),
    }
}

/// Half the width of the 95 % interval of the median as a share of the median; `None` below six samples, which give no
/// such interval, and for a median of zero.
#[must_use]
pub fn half_width(samples: &[f64]) -> Option<f64> {
    let sorted = sorted(samples);
    let rank = rank(sorted.len())?;
    let (low, high) = (sorted[rank - 1], sorted[sorted.len() - rank]);
    let median = median(samples)?;
    (median != 0.0).then(|| (high - low) / 2.0 / median.abs())
}

/// True when no further sample is needed.
#[must_use]
pub fn is_enough(samples: &[f64]) -> bool {
    samples.len() >= MOST || samples.len() >= LEAST && half_width(samples).is_some_and(|half| half <= PRECISION)
}

/// How many samples it will take in all, as far as those so far tell: the width shrinks with the root of their number.
#[must_use]
pub fn expected(samples: &[f64]) -> usize {
    let Some(half) = half_width(samples) else { return LEAST + 1 };
    if is_enough(samples) {
        return samples.len();
    }
    let factor = (half / PRECISION).powi(2);
    let needed = (samples.len() as f64 * factor).ceil().clamp(0.0, MOST as f64) as usize;
    needed.clamp(samples.len() + 1, MOST)
}

/// The rank k for which the k-th smallest and the k-th largest of `n` samples hold the median in 95 % of all cases.
fn rank(n: usize) -> Option<usize> {
    let size = i32::try_from(n).ok()?;
    // P(the median lies below the k-th smallest) = P(Binomial(n, 1/2) < k).
    let (mut term, mut below, mut rank) = (0.5f64.powi(size), 0.0, None);
    for k in 1..=n / 2 {
        below += term;
        if 2.0 * below > 0.05 {
            break;
        }
        rank = Some(k);
        term *= (n - k + 1) as f64 / k as f64;
    }
    rank
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_published_tables() {
        // "Nonparametric Statistics for the Behavioral Sciences", table of the sign test, two-sided 5 %: the largest
        // count that is still significant, plus one.
        let table = [(5, None), (6, Some(1)), (8, Some(1)), (9, Some(2)), (12, Some(3)), (15, Some(4)), (20, Some(6))];
        for (n, expected) in table.into_iter().chain([(25, Some(8)), (30, Some(10))]) {
            assert_eq!(rank(n), expected, "{n}");
        }
    }

    #[test]
    fn steady_samples_are_enough_at_six() {
        let steady = [100.0, 101.0, 99.0, 100.5, 100.0, 98.0];
        assert!(!is_enough(&steady[..5]), "five give no interval");
        assert!(is_enough(&steady));
        assert_eq!(half_width(&steady), Some(0.015));
        assert_eq!(expected(&steady[..4]), 6);
    }

    #[test]
    fn noisy_samples_are_taken_to_the_last() {
        let noisy: Vec<f64> = (0..MOST).map(|i| if i % 2 == 0 { 80.0 } else { 120.0 }).collect();
        assert!(!is_enough(&noisy[..29]) && is_enough(&noisy));
        assert_eq!(expected(&noisy[..10]), MOST);
    }

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        assert_eq!((median(&[]), median(&[3.0, 1.0]), median(&[9.0, 1.0, 2.0])), (None, Some(2.0), Some(2.0)));
    }
}
