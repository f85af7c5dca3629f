//! What the rules find, and what they find that is not there: series of runs with noise of many kinds, always the same
//! ones. The figures of the ignored tests are in the tables beside them.

use super::*;
use crate::{
    analysis::testing::Dice,
    model::run::{Better, Fingerprint},
};

/// How the samples of a run scatter around 1, and how whole runs do.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Noise {
    /// Deviation of the samples; nothing between runs.
    Normal(f64),
    /// Of its logarithm.
    LogNormal(f64),
    /// Normal with this deviation; one sample in ten takes three times as long.
    Outliers(f64),
    /// Each sample is in one of two modes, 30 % apart.
    Bimodal,
    /// Each run is in one of two modes, 30 % apart.
    BimodalRuns,
    /// Normal within a run, and runs scatter with a deviation of their own.
    Between(f64, f64),
    /// Normal, of a clock with three ticks a sample: many are equal.
    Ties(f64),
}

/// Samples of one run at `level`.
fn run(dice: &mut Dice, noise: Noise, level: f64, samples: usize) -> Vec<f64> {
    let mode = if dice.even() < 0.5 { 0.7 } else { 1.0 };
    let shift = dice.normal();
    let one = |dice: &mut Dice| match noise {
        Noise::Normal(deviation) => 1.0 + deviation * dice.normal(),
        Noise::LogNormal(deviation) => (deviation * dice.normal()).exp(),
        Noise::Outliers(deviation) => (1.0 + deviation * dice.normal()) / if dice.even() < 0.1 { 3.0 } else { 1.0 },
        Noise::Bimodal => (if dice.even() < 0.5 { 0.7 } else { 1.0 }) * (1.0 + 0.03 * dice.normal()),
        Noise::BimodalRuns => mode * (1.0 + 0.03 * dice.normal()),
        Noise::Between(within, between) => (1.0 + between * shift) * (1.0 + within * dice.normal()),
        Noise::Ties(deviation) => ((1.0 + deviation * dice.normal()) * 3.0).round().max(1.0) / 3.0,
    };
    (0..samples).map(|_| (level * one(dice)).max(1e-9)).collect()
}

/// Runs of a throughput, one a `day`, at the level that `level` gives each of them.
fn series(dice: &mut Dice, noise: Noise, samples: usize, runs: usize, level: impl Fn(usize) -> f64) -> Vec<Vec<f64>> {
    (0..runs).map(|at| run(dice, noise, level(at), samples)).collect()
}

fn judged(runs: &[Vec<f64>]) -> Vec<RunVerdict> {
    let ids: Vec<String> = (0..runs.len()).map(|at| at.to_string()).collect();
    let none = Fingerprint::new();
    let measured = runs.iter().zip(&ids).enumerate().map(|(at, (samples, id))| Measured {
        id,
        at_unix_ms: at as i64,
        unit: "",
        better: Better::Higher,
        samples,
        fingerprint: &none,
    });
    judge(&measured.collect::<Vec<_>>(), &[])
}

/// Of so many series of 40 runs without a change, those that were called regressed, improved.
fn falsely_called(noise: Noise, samples: usize, count: u64) -> (usize, usize) {
    let mut called = (0, 0);
    for seed in 0..count {
        let verdicts = judged(&series(&mut Dice(seed), noise, samples, 40, |_| 1.0));
        let any = |wanted| usize::from(verdicts.iter().any(|verdict| verdict.verdict == wanted));
        called = (called.0 + any(Verdict::Regressed), called.1 + any(Verdict::Improved));
    }
    called
}

/// The share of so many series that are called regressed at the third run after a drop, which comes after so many runs.
fn found_after(noise: Noise, samples: usize, (before, to): (usize, f64), count: u64) -> f64 {
    let found = |seed: u64| {
        let level = |at| if at < before { 1.0 } else { to };
        let runs = series(&mut Dice(seed), noise, samples, before + 3, level);
        judged(&runs).last().is_some_and(|newest| newest.verdict == Verdict::Regressed)
    };
    (0..count).filter(|seed| found(*seed)).count() as f64 / count as f64
}

/// How many runs it takes until a decline of 3 % a week is called drift or regressed, after 20 runs without one; `None`
/// where that is not within eight weeks.
fn decline_called(seed: u64, samples: usize, runs_a_week: usize) -> Option<usize> {
    let (flat, all) = (20, 20 + 8 * runs_a_week);
    let weeks = |at: usize| (at + 1).saturating_sub(flat) as f64 / runs_a_week as f64;
    let runs = series(&mut Dice(seed), Noise::Normal(0.15), samples, all, |at| 0.97_f64.powf(weeks(at)));
    let called = |to: &usize| {
        let newest = judged(&runs[..*to]).pop();
        newest.is_some_and(|newest| matches!(newest.verdict, Verdict::Drift | Verdict::Regressed))
    };
    (flat + 1..=all).find(called).map(|to| to - flat)
}

#[test]
fn flat_series_are_not_called_regressed() {
    let (regressed, improved) = falsely_called(Noise::Normal(0.15), 10, 1000);
    assert!(regressed <= 1 && improved <= 1, "{regressed} regressed, {improved} improved of 1,000");
}

#[test]
fn drop_of_a_quarter_is_regressed_at_its_third_run() {
    for (samples, wanted) in [(10, 0.95), (20, 0.99)] {
        let found = found_after(Noise::Normal(0.15), samples, (20, 0.75), 200);
        assert!(found >= wanted, "{samples} samples: {found}");
    }
}

#[test]
fn slow_decline_is_called_within_eight_weeks() {
    for seed in 0..5 {
        assert!(decline_called(seed, 10, 1).is_some(), "one run a week, series {seed}");
    }
    assert!(decline_called(0, 10, 7).is_some(), "one run a day");
}

/// Noise of many kinds, 10 samples a run. Of runs that scatter as wholes by as much as is sought (the last rows) more
/// samples show no more.
#[test]
#[ignore = "takes minutes"]
fn noise_of_many_kinds() {
    // Series of 40 runs that are falsely called, at most, of 1,000; a drop of a quarter found at its third run, at least.
    let table = [
        (Noise::Normal(0.05), 0, 1.0),
        (Noise::Normal(0.15), 1, 0.99),
        (Noise::LogNormal(0.15), 1, 0.99),
        (Noise::LogNormal(0.4), 6, 0.1),
        (Noise::Outliers(0.05), 1, 0.99),
        (Noise::Outliers(0.15), 2, 0.95),
        (Noise::Ties(0.15), 1, 0.99),
        (Noise::Bimodal, 2, 0.1),
        (Noise::Between(0.05, 0.05), 1, 0.99),
        (Noise::Between(0.05, 0.10), 60, 0.7),
        (Noise::BimodalRuns, 60, 0.1),
    ];
    let mut wrong = Vec::new();
    for (noise, most, least) in table {
        let (regressed, improved) = falsely_called(noise, 10, 1000);
        let found = found_after(noise, 10, (20, 0.75), 1000);
        println!("{noise:?}: {regressed} regressed, {improved} improved of 1,000 flat; {:.1} % found", 100.0 * found);
        if regressed > most || improved > most || found < least {
            wrong.push(noise);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// How much the number of samples matters, at a deviation of 15 %, and how much the length of the baseline.
#[test]
#[ignore = "takes minutes"]
fn samples_and_runs_that_are_needed() {
    for samples in [1, 3, 5, 10, 20] {
        let (regressed, improved) = falsely_called(Noise::Normal(0.15), samples, 1000);
        let found = [5, 10, 20].map(|before| 100.0 * found_after(Noise::Normal(0.15), samples, (before, 0.75), 1000));
        println!("{samples} samples: {regressed} regressed, {improved} improved of 1,000 flat; found {found:.1?}");
        assert!(samples < 10 || regressed <= 1 && found.iter().all(|found| *found >= 95.0));
    }
}

/// How often a decline of 3 % a week is called within eight weeks, and how often flat series are called drift.
#[test]
#[ignore = "takes minutes"]
fn declines_of_many_series() {
    for (samples, runs_a_week, least) in [(10, 1, 0.9), (10, 2, 0.95), (10, 7, 1.0), (20, 1, 0.95)] {
        let mut called: Vec<usize> = (0..200).filter_map(|seed| decline_called(seed, samples, runs_a_week)).collect();
        called.sort_unstable();
        let (share, half) = (called.len() as f64 / 200.0, called[called.len() / 2]);
        println!("{samples} samples, {runs_a_week} runs a week: {:.1} %, half of them by run {half}", 100.0 * share);
        assert!(share >= least);
    }
    let drifts = |seed: &u64| {
        let runs = series(&mut Dice(*seed), Noise::Normal(0.15), 10, 40, |_| 1.0);
        (1..=40).filter_map(|to| judged(&runs[..to]).pop()).any(|newest| newest.verdict == Verdict::Drift)
    };
    let false_drifts = (0..200).filter(drifts).count();
    println!("{false_drifts} of 200 flat series are once called drift");
    assert!(false_drifts <= 20);
}
