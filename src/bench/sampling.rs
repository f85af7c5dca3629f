//! Taking samples: once to warm up, then until there are enough, which [`stats::is_enough`] says; and how many it will be.

use super::{RunCx, Stop};
use crate::{
    analysis::stats::{NARROW, SAMPLES_LEAST, SAMPLES_MOST, half_width, is_enough},
    model::bench::RunPhase,
};

/// The figures of one sample in the order of the benchmark's, and what is shown beside the first.
pub type Taken = (Vec<f64>, Vec<String>);

/// Warms up with one sample, which does not count, and takes samples until the first figure has enough.
///
/// # Errors
/// Whatever ends a sample.
pub fn repeat(cx: &mut dyn RunCx, mut once: impl FnMut(&mut dyn RunCx) -> Result<Taken, Stop>) -> Result<(), Stop> {
    cx.progress(RunPhase::WarmingUp, None, Vec::new());
    once(cx)?;
    cx.progress(RunPhase::Measuring, None, Vec::new());
    loop {
        let (figures, beside) = once(cx)?;
        cx.progress(RunPhase::Measuring, figures.first().copied(), beside);
        for (figure, value) in figures.iter().enumerate().skip(1) {
            cx.sample(figure, *value);
        }
        if !figures.first().is_some_and(|first| cx.sample(0, *first)) {
            return Ok(());
        }
    }
}

/// How many it will be, as far as those so far show: the width of the median's interval shrinks with the root of their
/// number.
#[must_use]
pub fn expected(samples: &[f64]) -> usize {
    let Some(half) = half_width(samples) else { return SAMPLES_LEAST };
    if is_enough(samples) {
        return samples.len();
    }
    let factor = (half / NARROW).powi(2);
    let needed = (samples.len() as f64 * factor).ceil().clamp(0.0, SAMPLES_MOST as f64) as usize;
    needed.clamp(samples.len() + 1, SAMPLES_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing::TestCx;

    #[test]
    fn the_first_sample_warms_up_and_is_left_out() {
        let mut cx = TestCx::new(2, 3);
        let mut number = 0.0;
        let mut once = |_: &mut dyn RunCx| {
            number += 1.0;
            Ok((vec![number, -number], vec![format!("{number} of 4")]))
        };
        repeat(&mut cx, &mut once).expect("three samples");
        assert_eq!(cx.samples, [[2.0, 3.0, 4.0], [-2.0, -3.0, -4.0]]);
        assert_eq!(cx.phases, [RunPhase::WarmingUp, RunPhase::Measuring]);
        let nothing = || (None, Vec::new());
        let sample = |value: f64| (Some(value), vec![format!("{value} of 4")]);
        assert_eq!(cx.shown, [nothing(), nothing(), sample(2.0), sample(3.0), sample(4.0)]);
        let mut none = TestCx::new(1, 3);
        repeat(&mut none, |_| Ok((Vec::new(), Vec::new()))).expect("it ends");
        assert_eq!(none.samples, [[0.0; 0]], "what measures nothing is not repeated forever");
    }

    #[test]
    fn width_gives_how_many_are_to_come() {
        let steady = [100.0, 101.0, 99.0, 100.5, 100.0];
        assert_eq!((expected(&steady[..4]), expected(&steady)), (5, 5));
        // 4 % to each side: 2.56 times as many.
        assert_eq!(expected(&[96.0, 104.0, 100.0, 100.0, 100.0]), 13);
        let noisy: Vec<f64> = (0..10).map(|i| if i % 2 == 0 { 80.0 } else { 120.0 }).collect();
        assert_eq!((expected(&noisy), expected(&[0.0, 1.0, -1.0, 0.0, 1.0])), (SAMPLES_MOST, SAMPLES_MOST));
    }
}
