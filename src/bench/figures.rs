//! Figures over many measurements inside one sample: mean and quantiles. What is made of the samples of a run is the verdict
//! engine's.

use crate::analysis::stats;
pub use stats::mean;

/// The value at `share` of the values, between neighbours in proportion (Hyndman and Fan's type 7); `NAN` of nothing.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    stats::quantile(&stats::sorted(values), share).unwrap_or(f64::NAN)
}

/// The value in the middle.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        // As R's quantile(c(4, 1, 3, 2), c(0, 0.5, 0.95, 1)) gives them.
        let values = [4.0, 1.0, 3.0, 2.0];
        for (share, value) in [(0.0, 1.0), (0.5, 2.5), (0.95, 3.85), (1.0, 4.0)] {
            assert!((quantile(&values, share) - value).abs() < 1e-9, "{share}");
        }
        assert_eq!((mean(&values), median(&[7.0])), (2.5, 7.0));
        assert!(mean(&[]).is_nan() && quantile(&[], 0.5).is_nan());
    }
}
