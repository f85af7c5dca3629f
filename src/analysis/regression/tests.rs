//! The rules one by one, on series without chance.

use super::*;
use crate::model::{
    figure,
    run::{Better, Fingerprint},
};

/// A series under test: runs by id `r0`, `r1` …, one a second.
#[derive(Default)]
struct Series {
    runs: Vec<(Vec<f64>, Fingerprint, &'static str)>,
    marks: Vec<(i64, RunSays)>,
    lower: bool,
    /// Between two runs; nothing: one.
    every_ms: i64,
}

/// Nine samples within 1 % of `level`; runs differ a little, as real ones do.
fn samples(level: f64, at: usize) -> Vec<f64> {
    let shift = [0.0, 0.004, -0.003, 0.001, -0.002][at % 5];
    (-4..=4).map(|k| level * (1.0 + shift + 0.0025 * f64::from(k))).collect()
}

impl Series {
    fn of(levels: &[f64]) -> Self {
        Series::default().then(levels)
    }

    fn then(self, levels: &[f64]) -> Self {
        let from = self.runs.len();
        levels.iter().enumerate().fold(self, |series, (at, level)| series.add(samples(*level, from + at), &[]))
    }

    fn add(mut self, samples: Vec<f64>, fingerprint: &[(&str, &str)]) -> Self {
        let fingerprint = fingerprint.iter().map(|(part, value)| ((*part).to_owned(), (*value).to_owned())).collect();
        self.runs.push((samples, fingerprint, "seconds"));
        self
    }

    /// Said after the newest run.
    fn say(mut self, says: RunSays) -> Self {
        let newest = self.runs.len() as i64 - 1;
        self.marks.push((newest, says));
        self
    }

    fn judged(&self) -> Vec<RunVerdict> {
        let ids: Vec<String> = (0..self.runs.len()).map(|at| format!("r{at}")).collect();
        let measured = self.runs.iter().zip(&ids).enumerate();
        let measured = measured.map(|(at, ((samples, fingerprint, unit), id))| Measured {
            id,
            at_unix_ms: at as i64 * self.every_ms.max(1),
            unit,
            better: if self.lower { Better::Lower } else { Better::Higher },
            samples,
            fingerprint,
        });
        let marks: Vec<_> = self.marks.iter().map(|(at, says)| (*at, says)).collect();
        judge(&measured.collect::<Vec<_>>(), &marks)
    }

    fn newest(&self) -> RunVerdict {
        self.judged().pop().expect("there are runs")
    }

    fn words(&self) -> Vec<&'static str> {
        self.judged().iter().map(|verdict| verdict.verdict.word()).collect()
    }
}

const SIX: [f64; 6] = [100.0; 6];

#[test]
fn five_runs_make_a_baseline() {
    assert_eq!(Series::of(&SIX).words(), ["new", "new", "new", "new", "new", "same"]);
    let newest = Series::of(&SIX).newest();
    let against = newest.against.expect("a baseline");
    assert_eq!((against.runs, against.since_unix_ms, against.median), (5, 0, 100.0));
    assert!((99.7..99.9).contains(&against.low) && (100.2..100.4).contains(&against.high), "{against:?}");
    assert!((newest.ratio, newest.samples, newest.since) == (Some(1.0), 9, None));
    assert_eq!(Series::of(&[100.0; 40]).newest().against.expect("a baseline").runs, 20);
    assert!(Series::default().judged().is_empty());
}

#[test]
fn three_bad_runs_in_a_row_are_a_regression() {
    let series = Series::of(&SIX).then(&[75.0, 75.0, 75.0, 75.0]);
    assert_eq!(series.words()[6..], ["suspect", "suspect", "regressed", "regressed"]);
    let newest = series.newest();
    let since = newest.since.clone().expect("a beginning");
    assert_eq!((since.run.as_str(), since.at_unix_ms, since.good_unix_ms), ("r6", 6, Some(5)));
    assert!((newest.worse().expect("a ratio") - 0.25).abs() < 0.01 && newest.p.expect("tested") < 1e-6);
    let repeats: Vec<bool> = series.judged()[6..].iter().map(|verdict| verdict.repeat).collect();
    assert_eq!(repeats, [true, false, false, false], "it is measured again once");
    assert!(!Series::of(&SIX).then(&[85.0]).newest().repeat, "15 % is not much worse");
}

#[test]
fn what_is_accepted_is_said_of_the_newest_run() {
    let worse = Series::of(&SIX).then(&[75.0; 3]).say(RunSays::Accept).newest();
    assert_eq!((worse.run.as_str(), worse.verdict, worse.against), ("r8", Verdict::New, None), "three are no baseline");
    let series = Series::of(&SIX).then(&[75.0; 5]);
    let calm = series.say(RunSays::Accept).newest();
    assert_eq!((calm.run.as_str(), calm.verdict), ("r10", Verdict::Same));
    assert_eq!(calm.against.map(|base| (base.runs, base.since_unix_ms)), Some((5, 6)), "of what was accepted alone");
}

#[test]
fn step_after_noise_is_dated_where_it_is() {
    let series = Series::of(&[100.0; 8]).then(&[86.0, 85.0, 40.0, 40.0, 40.0]);
    let newest = series.newest();
    assert_eq!(newest.verdict, Verdict::Regressed);
    assert_eq!(newest.since.as_ref().map(|since| since.run.as_str()), Some("r10"), "{:?}", series.words());
}

#[test]
fn kernel_that_made_it_worse_is_no_reason_not_to_compare() {
    let on = |series: Series, level: f64, at: usize, kernel: &str, tool: &str| {
        series.add(samples(level, at), &[("kernel", kernel), ("tool", tool), ("file", "2.0 GiB")])
    };
    let six = (0..6).fold(Series::default(), |series, at| on(series, 100.0, at, "6.1", "fio-3.33"));
    let worse = (6..9).fold(six, |series, at| on(series, 75.0, at, "6.12", "fio-3.36"));
    assert_eq!(worse.newest().verdict, Verdict::Regressed);
    let other = on(worse, 75.0, 9, "6.12", "fio-4.0").newest();
    assert_eq!((other.verdict, other.differs), (Verdict::NotComparable, vec!["tool".to_owned()]));
}

#[test]
fn lower_is_better_the_other_way_round() {
    let series = |levels: &[f64]| Series { lower: true, ..Series::of(&SIX).then(levels) };
    assert_eq!(series(&[130.0; 3]).newest().verdict, Verdict::Regressed);
    assert!((series(&[130.0; 3]).newest().worse().expect("a ratio") - 0.3).abs() < 0.01);
    assert_eq!(series(&[75.0; 3]).newest().verdict, Verdict::Improved);
}

#[test]
fn small_or_passing_differences_are_none() {
    assert_eq!(Series::of(&SIX).then(&[96.0; 3]).words()[6..], ["same"; 3], "4 % is none");
    let passing = Series::of(&[100.0; 20]).then(&[75.0, 75.0, 100.0, 75.0]);
    assert_eq!(passing.words()[20..], ["suspect", "suspect", "same", "suspect"], "three in a row");
    let scattering = Series::of(&SIX).then(&[75.0, 75.0, 100.0, 75.0]);
    assert_eq!(scattering.words()[6..], ["suspect", "suspect", "same", "same"], "every fourth run is like this");
    assert_eq!(
        Series::of(&SIX).then(&[86.0; 3]).words()[6..],
        ["suspect", "suspect", "drift"],
        "14 % is no regression"
    );
}

#[test]
fn baseline_does_not_learn_what_is_suspect() {
    let bad = Series::of(&SIX).then(&[75.0; 30]);
    assert_eq!(bad.words()[8..], ["regressed"; 28]);
    assert_eq!(
        bad.newest().against.expect("a baseline"),
        Series::of(&SIX).then(&[75.0]).newest().against.expect("one")
    );
    assert_eq!(bad.then(&[100.0]).newest().verdict, Verdict::Same, "recovered");
}

#[test]
fn chance_is_learned_when_it_has_passed() {
    let after = |levels: &[f64]| Series::of(&SIX).then(levels).newest().against.expect("a baseline").runs;
    assert_eq!(after(&[75.0, 100.0, 100.0]), 8);
    assert_eq!(after(&[75.0, 75.0, 75.0, 100.0, 100.0]), 7, "a regression that has passed is not");
}

#[test]
fn better_runs_become_the_baseline() {
    let series = Series::of(&SIX).then(&[130.0; 6]);
    assert_eq!(series.words()[6..], ["same", "same", "improved", "improved", "improved", "same"]);
    assert_eq!(series.newest().against.expect("a baseline").runs, 5);
    assert_eq!(series.then(&[100.0; 3]).newest().verdict, Verdict::Regressed, "what it was is now worse");
}

#[test]
fn only_like_is_compared() {
    let on = |series: Series, file: &str, level: f64, runs: usize| {
        (0..runs).fold(series, |s, at| s.add(samples(level, at), &[("file", file), ("tool", "fio 3.33")]))
    };
    let series = on(Series::default(), "2.0 GiB", 100.0, 6);
    let series = on(series, "512 MiB", 70.0, 5);
    assert_eq!(series.words()[6..], ["not comparable"; 5]);
    let newest = series.newest();
    assert_eq!(newest.differs, ["file"]);
    assert!((newest.worse().expect("it is shown all the same") - 0.3).abs() < 0.02);
    let series = on(series, "512 MiB", 70.0, 1);
    assert_eq!((series.newest().verdict, series.newest().against.expect("its own").runs), (Verdict::Same, 5));
    let series = on(series, "2.0 GiB", 70.0, 3);
    assert_eq!(series.newest().verdict, Verdict::Regressed, "the old baseline is there still");
    let mut series = Series::of(&SIX).then(&[1.0]);
    series.runs[6].2 = "bytes";
    let newest = series.newest();
    assert_eq!((newest.verdict, newest.differs.as_slice()), (Verdict::NotComparable, &["unit".to_owned()][..]));
    assert_eq!((newest.ratio, newest.against), (None, None));
}

#[test]
fn accepted_is_normal_from_its_beginning_on() {
    let bad = || Series::of(&SIX).then(&[75.0; 4]);
    let accepted = bad().say(RunSays::Accept);
    assert_eq!(accepted.words()[8..], ["regressed", "new"], "at once, and of the newest alone");
    let later = accepted.then(&[75.0; 3]);
    assert_eq!(later.words()[10..], ["new", "same", "same"]);
    assert_eq!(later.newest().against.expect("a baseline").since_unix_ms, 6);
    assert_eq!(bad().then(&[75.0; 2]).say(RunSays::Accept).newest().verdict, Verdict::Same, "six of them");
    assert_eq!(Series::of(&SIX).say(RunSays::Accept).newest(), Series::of(&SIX).newest(), "nothing to accept");
    assert!(Series::default().say(RunSays::Accept).judged().is_empty());
}

#[test]
fn forgotten_runs_do_not_count() {
    let series = Series::of(&SIX).then(&[75.0; 3]).say(RunSays::Forget("r7".into()));
    assert_eq!((series.judged().len(), series.newest().verdict), (8, Verdict::Suspect));
}

#[test]
fn pinned_run_shows_what_was_learned_step_by_step() {
    let steps: Vec<f64> = (0..60).map(|at| 100.0 - 0.25 * f64::from(at)).collect();
    let mut series = Series::of(&steps);
    assert_ne!(series.newest().verdict, Verdict::Regressed, "each is like those before it");
    // Far back enough for no change of level to be seen.
    series = series.then(&[85.0; 40]);
    assert_eq!(series.newest().verdict, Verdict::Same);
    series = series.say(RunSays::Pin("r2".into()));
    let newest = series.newest();
    assert_eq!(newest.verdict, Verdict::Drift);
    assert!((newest.worse().expect("a ratio") - 0.146).abs() < 0.01, "{newest:?}");
    assert_eq!(series.say(RunSays::Unpin).newest().verdict, Verdict::Same);
    assert_eq!(Series::of(&SIX).say(RunSays::Pin("r2".into())).newest().verdict, Verdict::Same);
    assert_eq!(Series::of(&SIX).say(RunSays::Pin("none".into())).newest().verdict, Verdict::Same);
}

#[test]
fn lasting_small_step_is_drift_until_it_is_normal() {
    let series = Series::of(&[100.0; 20]).then(&[92.0; 8]);
    let newest = series.newest();
    assert_eq!(newest.verdict, Verdict::Drift);
    assert_eq!(newest.since.as_ref().map(|since| since.run.as_str()), Some("r20"));
    assert!((newest.worse().expect("a ratio") - 0.08).abs() < 0.01);
    assert_eq!(series.then(&[92.0; 20]).newest().verdict, Verdict::Same);
    assert_eq!(Series::of(&[100.0; 20]).then(&[108.0; 8]).newest().verdict, Verdict::Same, "better is no drift");
    let accepted = Series::of(&[100.0; 20]).then(&[92.0; 8]).say(RunSays::Accept);
    assert_eq!(accepted.newest().verdict, Verdict::Same);
    assert_eq!(accepted.then(&[92.0]).newest().verdict, Verdict::Same);
    let suspect = Series::of(&[100.0; 20]).then(&[87.0; 8]).newest();
    assert_eq!(suspect.verdict, Verdict::Drift, "suspect for long, and no regression");
}

#[test]
fn wide_samples_are_noisy_and_not_the_same() {
    let wide = |level: f64| vec![level * 0.8, level * 0.9, level, level * 1.1, level * 1.2, level];
    let series = (0..6).fold(Series::default(), |series, _| series.add(wide(100.0), &[]));
    assert_eq!(series.newest().verdict, Verdict::Noisy);
    assert_eq!(series.add(wide(50.0), &[]).newest().verdict, Verdict::Suspect);
}

#[test]
fn one_sample_a_run_is_enough_after_twenty() {
    let ones = |series: Series, level: f64, runs: usize| {
        (0..runs).fold(series, |series, at| series.add(vec![level + 0.01 * (at % 3) as f64], &[]))
    };
    let series = ones(ones(Series::default(), 100.0, 20), 60.0, 3);
    assert_eq!(series.words()[20..], ["suspect", "suspect", "regressed"]);
    let six = ones(ones(Series::default(), 100.0, 6), 60.0, 3);
    assert_eq!(
        six.words()[6..],
        ["suspect", "suspect", "regressed"],
        "ranks of one in seven prove nothing, medians do"
    );
    let level = |at: usize| [100.0, 60.0, 140.0, 80.0, 120.0][at % 5];
    let wide = (0..10).fold(Series::default(), |series, at| series.add(vec![level(at)], &[]));
    let wide = (0..3).fold(wide, |series, _| series.add(vec![70.0], &[]));
    assert_eq!(wide.words()[10..], ["noisy"; 3], "it was always like this");
}

/// As in a guest whose disk writes 58 MB/s and, compressed, 6: a run has few samples before its time is over.
#[test]
fn short_runs_are_found_and_not_learnt() {
    let fast = |at: usize| vec![58.0 - 0.7 * (at % 4) as f64, 56.0 + 0.9 * (at % 3) as f64, 57.0];
    let six = || (0..6).fold(Series::default(), |series, at| series.add(fast(at), &[]));
    for slow in [vec![6.1], vec![6.1, 5.8], vec![6.1, 5.8, 6.3, 6.0]] {
        let series = (0..3).fold(six(), |series, _| series.add(slow.clone(), &[]));
        assert_eq!(series.words()[6..], ["suspect", "suspect", "regressed"], "{slow:?}");
        assert_eq!(series.newest().against.expect("a baseline").runs, 5 + 1, "{slow:?}");
        // What passes is no part of what is normal either.
        let passed = six().add(slow.clone(), &[]).add(fast(1), &[]).add(fast(2), &[]);
        assert_eq!(passed.newest().against.expect("a baseline").runs, 7, "{slow:?}");
        let series = (0..3).fold(passed, |series, _| series.add(slow.clone(), &[]));
        assert_eq!(series.words()[9..], ["suspect", "suspect", "regressed"], "{slow:?}");
    }
}

#[test]
fn busy_moment_is_no_regression() {
    let busy = |series: Series, level: f64, share: &str, runs: usize| {
        let from = series.runs.len();
        (from..from + runs).fold(series, |series, at| series.add(samples(level, at), &[(figure::BUSY, share)]))
    };
    let six = || busy(Series::default(), 100.0, "2%", 6);
    assert_eq!(busy(six(), 60.0, "9%", 3).newest().verdict, Verdict::Regressed, "a quiet machine");
    let bad = busy(six(), 60.0, "85%", 4);
    assert_eq!(bad.words()[6..], ["suspect"; 4], "one bad moment");
    assert!(bad.judged()[6..].iter().all(|verdict| verdict.disturbed && verdict.repeat));
    let mixed = busy(busy(six(), 60.0, "85%", 2), 60.0, "3%", 1);
    assert_eq!(mixed.newest().verdict, Verdict::Suspect, "two of three were disturbed");
    assert_eq!(busy(mixed, 60.0, "3%", 2).newest().verdict, Verdict::Regressed, "three quiet ones are not");
    let over = busy(busy(six(), 60.0, "85%", 2), 100.0, "3%", 2);
    assert_eq!((over.newest().verdict, over.newest().against.expect("a baseline").runs), (Verdict::Same, 7));
    // A machine that is always busy has a baseline that is.
    let always = busy(busy(Series::default(), 100.0, "80%", 6), 60.0, "95%", 3);
    assert_eq!(always.newest().verdict, Verdict::Regressed);
    assert_eq!(busy(six(), 140.0, "85%", 3).newest().verdict, Verdict::Same, "better is judged alike");
}

#[test]
fn load_that_lasts_is_a_regression() {
    let hours = |apart: i64| {
        let six = (0..6).fold(Series::default(), |series, at| series.add(samples(100.0, at), &[(figure::BUSY, "2%")]));
        let bad = (6..9).fold(six, |series, at| series.add(samples(60.0, at), &[(figure::BUSY, "85%")]));
        Series { every_ms: apart, ..bad }
    };
    assert_eq!(hours(25 * 60_000).newest().verdict, Verdict::Suspect);
    assert_eq!(hours(30 * 60_000).newest().verdict, Verdict::Regressed);
}

#[test]
fn older_runs_of_a_drift_are_drift() {
    let words = Series::of(&[100.0; 20]).then(&[92.0; 8]).words();
    assert_eq!(words[18..21], ["same"; 3], "one run is no level");
    let first = words.iter().position(|word| *word == "drift").expect("found");
    assert!((21..=25).contains(&first) && words[first..].iter().all(|word| *word == "drift"), "{words:?}");
}

#[test]
fn zero_and_negative_figures_are_compared() {
    let zeros = || (0..6).fold(Series { lower: true, ..Series::default() }, |series, _| series.add(vec![0.0; 6], &[]));
    let newest = zeros().newest();
    assert_eq!((newest.verdict, newest.ratio), (Verdict::Same, Some(1.0)));
    let errors = (0..3).fold(zeros(), |series, _| series.add(vec![3.0; 6], &[])).newest();
    assert_eq!((errors.verdict, errors.ratio), (Verdict::Regressed, Some(f64::INFINITY)));
    let overhead = Series { lower: true, ..Series::of(&[-2.0; 6]) };
    assert_eq!(overhead.newest().verdict, Verdict::Same);
    let worse = overhead.then(&[-1.0; 3]).newest();
    assert_eq!(worse.verdict, Verdict::Regressed);
    assert!((worse.worse().expect("a ratio") - 0.5).abs() < 0.02);
}

#[test]
fn runs_without_a_figure_are_left_out() {
    let series = Series::of(&SIX).add(Vec::new(), &[]).add(vec![f64::NAN, f64::INFINITY], &[]);
    assert_eq!(series.judged().len(), 6);
    let some = Series::of(&SIX).add(vec![f64::NAN, 100.0], &[]).newest();
    assert_eq!((some.samples, some.median), (1, 100.0));
}

#[test]
fn suspects_of_a_large_suite_are_corrected() {
    let suspect = Series::of(&SIX).then(&[85.0]).newest();
    let with = |p: f64| RunVerdict { p: Some(p), ..suspect.clone() };
    let fine = RunVerdict { verdict: Verdict::Same, p: Some(0.6), ..suspect.clone() };
    let mut all: Vec<RunVerdict> = [with(0.04), with(0.0001)].into_iter().chain(vec![fine; 20]).collect();
    let narrow = samples(85.0, 0);
    let mut suite: Vec<(&mut RunVerdict, &[f64])> =
        all.iter_mut().map(|verdict| (verdict, narrow.as_slice())).collect();
    over_suite(&mut suite);
    assert_eq!((all[0].verdict, &all[0].since), (Verdict::Same, &None), "one in twenty-two by chance");
    assert_eq!(all[1].verdict, Verdict::Suspect);
    over_suite(&mut []);
}
