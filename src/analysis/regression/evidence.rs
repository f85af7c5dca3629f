//! What speaks for a difference between runs and their baseline: their samples by rank, and whole runs by their medians.
//!
//! Ranks of few samples prove nothing however far apart they are: of three slow runs of one sample each, after six, the
//! smallest probability is 1 in 84. Such runs are compared by their medians instead, or what is ten times slower
//! would be taken as normal.

use super::{
    judge::Judge,
    verdict::{DISTURBED, LASTING, P_RUNS, REPEAT},
};
use crate::{
    analysis::{
        change_points::t_test,
        rank::{mann_whitney, one_ratio, ratio},
        stats::{SAMPLES_LEAST, median},
    },
    model::run::Better,
};

/// How runs compare with a baseline.
pub(super) struct Comparison {
    pub ratio: f64,
    pub p: f64,
}

impl Judge<'_> {
    fn samples(&self, runs: &[usize]) -> Vec<f64> {
        runs.iter().flat_map(|run| self.runs[*run].samples.iter().copied()).collect()
    }

    pub(super) fn medians(&self, runs: &[usize]) -> Vec<f64> {
        runs.iter().map(|run| self.runs[*run].median).collect()
    }

    /// It has fewer samples than a run should have: its time was over.
    fn is_short(&self, run: usize) -> bool {
        self.runs[run].samples.len() < SAMPLES_LEAST
    }

    /// Compares all samples of `runs` with all of `base`, towards worse or better; short ones as whole runs too.
    pub(super) fn test(&self, base: &[usize], runs: &[usize], worse: bool) -> Option<Comparison> {
        let (of_base, samples) = (self.samples(base), self.samples(runs));
        let larger_is_worse = self.runs[*runs.first()?].of.better == Better::Lower;
        let ranks = mann_whitney(&of_base, &samples)?;
        let p = if worse == larger_is_worse { ranks.greater } else { ranks.less };
        let p = if runs.iter().any(|run| self.is_short(*run)) { p.min(self.of_medians(base, runs)) } else { p };
        // The ratio of many pairs is only needed where several runs decide.
        let ratio = if runs.len() > 1 { ratio(&of_base, &samples)? } else { 1.0 };
        Some(Comparison { ratio, p })
    }

    /// Probability of medians this far apart, were there no difference.
    fn of_medians(&self, base: &[usize], runs: &[usize]) -> f64 {
        t_test(&self.medians(base), &self.medians(runs))
    }

    /// Worse, or better, than at least nine in ten runs of the baseline.
    pub(super) fn is_outside(&self, base: &[usize], at: usize, worse: bool) -> bool {
        let of = &self.runs[at];
        let wanted = (of.of.better == Better::Lower) == worse;
        let as_far = |run: &usize| {
            let median = self.runs[*run].median;
            if wanted { median >= of.median } else { median <= of.median }
        };
        base.iter().filter(|run| as_far(run)).count() * 10 <= base.len()
    }

    /// They differ as whole runs, each one figure.
    pub(super) fn runs_differ(&self, base: &[usize], runs: &[usize]) -> bool {
        self.of_medians(base, runs) < P_RUNS
    }

    /// Others used more of the machine than they did before the runs of the baseline. Where a machine is always busy, its
    /// baseline is too.
    pub(super) fn is_disturbed(&self, base: &[usize], at: usize) -> bool {
        let busy = |run: usize| self.runs[run].of.busy();
        let usual = median(&base.iter().map(|run| busy(*run)).collect::<Vec<_>>()).unwrap_or(0.0);
        busy(at) - usual > DISTURBED
    }

    /// These runs can decide: none was disturbed, or the disturbance has lasted. Three runs within a few busy seconds are
    /// one bad moment.
    pub(super) fn can_decide(&self, base: &[usize], runs: &[usize]) -> bool {
        let at = |run: Option<&usize>| run.map_or(0, |run| self.runs[*run].of.at_unix_ms);
        let span = at(runs.last()).saturating_sub(at(runs.first()));
        u128::try_from(span).is_ok_and(|span| span >= LASTING.as_millis())
            || !runs.iter().any(|run| self.is_disturbed(base, *run))
    }

    /// What was apart from the baseline once or twice belongs to it afterwards, unless it says too little: it was short and
    /// far off, or disturbed.
    pub(super) fn is_chance(&self, base: &[usize], run: usize) -> bool {
        let normal = median(&self.medians(base)).unwrap_or_default();
        let far = (one_ratio(normal, self.runs[run].median) - 1.0).abs() > REPEAT;
        !(self.is_short(run) && far || self.is_disturbed(base, run))
    }
}
