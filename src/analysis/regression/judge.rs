//! The runs of one series in order of time: what each is compared with, and what it is.
//!
//! Samples of one run resemble one another more than those of two runs, so that a comparison of samples alone finds a
//! regression where whole runs scatter. Three things are therefore asked beside it: a suspect run is worse than nine in
//! ten runs of the baseline; the medians of three of them differ from those of the baseline by a t-test; and what was
//! suspect once or twice and then no longer is learned, or the baseline would be calmer than the benchmark. Without them
//! a third of bimodal series is called regressed.

use super::verdict::{
    BASELINE_LEAST, BASELINE_MOST, Baseline, DRIFT, IN_ROW, LEVELS_AMONG, Measured, P_DRIFT, P_REGRESSED, P_RUNS,
    P_SUSPECT, REGRESSED, REPEAT, RunVerdict, SUSPECT, Since, Verdict, worse,
};
use crate::{
    analysis::{
        divisive::{change_points, mean, t_test},
        rank::{mann_whitney, one_ratio, ratio},
        stats::{is_narrow, median, quantile, sorted},
    },
    model::run::{Better, RunSays},
};

/// A change of level counts as that of a streak when it is at most so many runs older.
const DATED_WITHIN: usize = 3;

/// Judges the runs of one series, oldest first, under what was said at which time.
#[must_use]
pub fn judge(runs: &[Measured<'_>], marks: &[(i64, &RunSays)]) -> Vec<RunVerdict> {
    let forgotten = |id: &str| marks.iter().any(|(_, says)| matches!(says, RunSays::Forget(run) if run == id));
    let runs = runs.iter().filter(|run| !forgotten(run.id));
    let runs: Vec<Figures<'_>> = runs.filter_map(Figures::of).collect();
    let mut marks = marks.to_vec();
    marks.sort_by_key(|(at, _)| *at);
    let mut marks = marks.into_iter().peekable();
    let mut judge = Judge { runs: &runs, tracks: Vec::new(), newest: 0, pinned: None };
    let mut verdicts = Vec::with_capacity(runs.len());
    for (at, run) in runs.iter().enumerate() {
        while let Some((_, says)) = marks.next_if(|(said, _)| *said < run.of.at_unix_ms) {
            judge.hear(says);
        }
        verdicts.push(judge.add(at));
    }
    let mut accepted = false;
    for (_, says) in marks {
        accepted |= judge.hear(says);
    }
    if let Some(newest) = verdicts.last_mut() {
        judge.settle(newest, accepted);
    }
    verdicts
}

/// A run with what is computed of its samples.
struct Figures<'a> {
    of: &'a Measured<'a>,
    samples: Vec<f64>,
    median: f64,
}

impl<'a> Figures<'a> {
    /// `None` where there is nothing to compare.
    fn of(run: &'a Measured<'a>) -> Option<Self> {
        let samples: Vec<f64> = run.samples.iter().copied().filter(|s| s.is_finite()).collect();
        median(&samples).map(|median| Figures { of: run, samples, median })
    }
}

/// Runs that can be compared with one another, by their index.
#[derive(Default)]
struct Track {
    /// All that count, oldest first.
    all: Vec<usize>,
    /// Those that say what is normal.
    accepted: Vec<usize>,
    /// The newest ones in a row that are worse than the baseline, or better.
    streak: Vec<usize>,
    worse: bool,
}

struct Judge<'a> {
    runs: &'a [Figures<'a>],
    tracks: Vec<Track>,
    /// The track of the newest run.
    newest: usize,
    pinned: Option<usize>,
}

/// How runs compare with a baseline.
struct Comparison {
    ratio: f64,
    p: f64,
}

impl Judge<'_> {
    /// Judges run `at` by those before it, and adds it to them.
    fn add(&mut self, at: usize) -> RunVerdict {
        let run = &self.runs[at];
        let of = |track: &Track| track.all.last().is_some_and(|last| self.runs[*last].of.is_comparable(run.of));
        let found = self.tracks.iter().position(of);
        let other = if found.is_none_or(|track| self.tracks[track].accepted.len() < BASELINE_LEAST) {
            self.learned_before(at)
        } else {
            None
        };
        self.newest = found.unwrap_or_else(|| {
            self.tracks.push(Track::default());
            self.tracks.len() - 1
        });
        self.tracks[self.newest].all.push(at);
        let mut verdict = self.fresh(at);
        let track = &self.tracks[self.newest];
        if track.accepted.len() < BASELINE_LEAST {
            if let Some(other) = other {
                verdict.verdict = Verdict::NotComparable;
                let last = self.tracks[other].all.last().map(|last| self.runs[*last].of);
                verdict.differs = last.map(|last| run.of.differs(last)).unwrap_or_default();
                if !verdict.differs.iter().any(|part| part == "unit" || part == "better") {
                    let base = &self.tracks[other].accepted;
                    self.against(&mut verdict, base);
                }
            }
            self.tracks[self.newest].accepted.push(at);
            return verdict;
        }
        self.compare(&mut verdict, at);
        verdict
    }

    /// The track with a baseline whose run is the newest before `at`.
    fn learned_before(&self, at: usize) -> Option<usize> {
        let learned = |track: &usize| self.tracks[*track].accepted.len() >= BASELINE_LEAST;
        let before = |track: &usize| self.tracks[*track].all.last().copied().filter(|last| *last < at);
        (0..self.tracks.len()).filter(learned).max_by_key(before)
    }

    fn fresh(&self, at: usize) -> RunVerdict {
        let Figures { of, samples, median } = &self.runs[at];
        RunVerdict {
            run: of.id.to_owned(),
            at_unix_ms: of.at_unix_ms,
            verdict: Verdict::New,
            better: of.better,
            median: *median,
            ratio: None,
            p: None,
            against: None,
            since: None,
            differs: Vec::new(),
            samples: samples.len(),
            repeat: false,
        }
    }

    /// Says what the run is compared with.
    fn against(&self, verdict: &mut RunVerdict, base: &[usize]) {
        let medians = sorted(&base.iter().map(|run| self.runs[*run].median).collect::<Vec<_>>());
        let at = |q| quantile(&medians, q).unwrap_or_default();
        let median = at(0.5);
        let since_unix_ms = base.first().map_or(0, |first| self.runs[*first].of.at_unix_ms);
        verdict.ratio = Some(one_ratio(median, verdict.median));
        verdict.against = Some(Baseline { median, low: at(0.1), high: at(0.9), runs: base.len(), since_unix_ms });
    }

    /// Judges run `at` against the baseline of its track.
    fn compare(&mut self, verdict: &mut RunVerdict, at: usize) {
        let base = self.tracks[self.newest].accepted.clone();
        self.against(verdict, &base);
        let by = verdict.worse().unwrap_or_default();
        let Some(test) = self.test(&base, &[at], by > 0.0) else { return };
        verdict.p = Some(test.p);
        let apart = by.abs() > SUSPECT && test.p < P_SUSPECT && self.is_outside(&base, at, by > 0.0);
        if !apart {
            let track = &mut self.tracks[self.newest];
            // One or two runs that were apart were chance: what is normal includes them, or it would seem calmer than it is.
            let chance = std::mem::take(&mut track.streak);
            let few = chance.len() < IN_ROW;
            track.accept(chance.into_iter().take_while(|_| few));
            track.accept([at]);
            verdict.verdict = self.calm(at);
            return;
        }
        let track = &mut self.tracks[self.newest];
        if track.worse != (by > 0.0) {
            track.streak.clear();
            track.worse = by > 0.0;
        }
        track.streak.push(at);
        let streak = track.streak.clone();
        verdict.verdict = if by > 0.0 { Verdict::Suspect } else { self.calm(at) };
        verdict.repeat = by > REPEAT && streak.len() == 1;
        if let Some(first) = streak.len().checked_sub(IN_ROW)
            && let Some(together) = self.test(&base, &streak[first..], by > 0.0)
            && worse(verdict.better, together.ratio).abs() >= REGRESSED
            && together.p < P_REGRESSED
            && self.runs_differ(&base, &streak[first..])
        {
            verdict.verdict = if by > 0.0 { Verdict::Regressed } else { Verdict::Improved };
            (verdict.ratio, verdict.p) = (Some(together.ratio), Some(together.p));
        }
        if matches!(verdict.verdict, Verdict::Suspect | Verdict::Regressed | Verdict::Improved) {
            verdict.since = self.since(self.dated(streak[0]));
        }
        // What has become better for long enough is the new normal; what has become worse never is by itself.
        if by < 0.0 && streak.len() >= BASELINE_LEAST {
            let track = &mut self.tracks[self.newest];
            track.accepted.clear();
            track.accept(streak);
            track.streak.clear();
        }
    }

    /// A run that is not apart from its baseline.
    fn calm(&self, at: usize) -> Verdict {
        if is_narrow(&self.runs[at].samples) { Verdict::Same } else { Verdict::Noisy }
    }

    fn samples(&self, runs: &[usize]) -> Vec<f64> {
        runs.iter().flat_map(|run| self.runs[*run].samples.iter().copied()).collect()
    }

    /// Compares all samples of `runs` with all of `base`, towards worse or better.
    fn test(&self, base: &[usize], runs: &[usize], worse: bool) -> Option<Comparison> {
        let (base, samples) = (self.samples(base), self.samples(runs));
        let larger_is_worse = self.runs[*runs.first()?].of.better == Better::Lower;
        let ranks = mann_whitney(&base, &samples)?;
        let p = if worse == larger_is_worse { ranks.greater } else { ranks.less };
        // The ratio of many pairs is only needed where several runs decide.
        let ratio = if runs.len() > 1 { ratio(&base, &samples)? } else { 1.0 };
        Some(Comparison { ratio, p })
    }

    /// Worse, or better, than at least nine in ten runs of the baseline.
    fn is_outside(&self, base: &[usize], at: usize, worse: bool) -> bool {
        let of = &self.runs[at];
        let wanted = (of.of.better == Better::Lower) == worse;
        let as_far = |run: &usize| {
            let median = self.runs[*run].median;
            if wanted { median >= of.median } else { median <= of.median }
        };
        base.iter().filter(|run| as_far(run)).count() * 10 <= base.len()
    }

    /// The same runs, as one figure each.
    fn runs_differ(&self, base: &[usize], runs: &[usize]) -> bool {
        t_test(&self.medians(base), &self.medians(runs)) < P_RUNS
    }

    /// The first run of a change that a streak from `first` on shows: E-divisive may see it a little earlier, where the
    /// first run on the new level was near enough to the old one.
    fn dated(&self, first: usize) -> usize {
        let levels = self.levels();
        let place = |run: usize| levels.iter().position(|known| *known == run);
        let (Some(first_place), series) = (place(first), self.medians(&levels)) else { return first };
        let points = change_points(&series, P_DRIFT, DRIFT);
        let near =
            points.iter().map(|point| point.at).rfind(|at| *at < first_place && first_place - at <= DATED_WITHIN);
        near.map_or(first, |at| levels[at])
    }

    /// The newest runs of the newest track.
    fn levels(&self) -> Vec<usize> {
        let all = self.tracks.get(self.newest).map_or(&[][..], |track| &track.all);
        all[all.len().saturating_sub(LEVELS_AMONG)..].to_vec()
    }

    fn medians(&self, runs: &[usize]) -> Vec<f64> {
        runs.iter().map(|run| self.runs[*run].median).collect()
    }

    fn since(&self, first: usize) -> Option<Since> {
        let before = self.tracks[self.newest].all.iter().rev().find(|run| **run < first);
        let of = self.runs[first].of;
        let good_unix_ms = before.map(|run| self.runs[*run].of.at_unix_ms);
        Some(Since { run: of.id.to_owned(), at_unix_ms: of.at_unix_ms, good_unix_ms })
    }

    /// Where the newest level begins, if it is worse than the best one before it and did not begin long ago.
    fn drift(&self) -> Option<(usize, f64)> {
        let levels = self.levels();
        let series = self.medians(&levels);
        let points = change_points(&series, P_DRIFT, DRIFT);
        let newest = points.last()?.at;
        if series.len() - newest > BASELINE_MOST {
            return None;
        }
        let better = self.runs[*levels.last()?].of.better;
        let bounds: Vec<usize> = [0].into_iter().chain(points.iter().map(|point| point.at)).collect();
        let level = |w: &[usize]| (w[0], w[1], mean(&series[w[0]..w[1]]));
        let before = bounds.windows(2).map(level);
        let best = before.reduce(|a, b| if worse(better, one_ratio(a.2, b.2)) < 0.0 { b } else { a })?;
        let now = &series[newest..];
        let ratio = one_ratio(best.2, mean(now));
        let lasts = worse(better, ratio) >= DRIFT && t_test(&series[best.0..best.1], now) < P_DRIFT;
        lasts.then(|| (levels[best.1], ratio))
    }

    /// How far the newest runs are behind the pinned one, where that is more than chance.
    fn behind_pinned(&self) -> Option<f64> {
        let pinned = self.pinned?;
        let all = &self.tracks.get(self.newest)?.all;
        let newest: Vec<usize> = all.iter().copied().filter(|run| *run > pinned).collect();
        let newest = &newest[newest.len().checked_sub(IN_ROW)?..];
        if !self.runs[pinned].of.is_comparable(self.runs[newest[0]].of) {
            return None;
        }
        let found = self.test(&[pinned], newest, true)?;
        let by = worse(self.runs[pinned].of.better, found.ratio);
        (by > SUSPECT && found.p < P_REGRESSED).then_some(found.ratio)
    }

    /// Gives the newest run the verdict that takes all runs and all marks into account.
    fn settle(&self, newest: &mut RunVerdict, accepted: bool) {
        let Some(track) = self.tracks.get(self.newest) else { return };
        let last = track.all.last().copied();
        if accepted && let Some(last) = last {
            *newest = self.fresh(last);
            if track.accepted.len() >= BASELINE_LEAST {
                newest.verdict = self.calm(last);
                self.against(newest, &track.accepted);
            }
            return;
        }
        let lasting = match newest.verdict {
            Verdict::Same | Verdict::Noisy => true,
            // Three suspect runs in a row that are no regression.
            Verdict::Suspect => track.streak.len() >= IN_ROW,
            _ => false,
        };
        if !lasting || !track.streak.is_empty() && !track.worse {
            return;
        }
        if let Some((first, ratio)) = self.drift() {
            newest.verdict = Verdict::Drift;
            newest.ratio = Some(ratio);
            newest.since = self.since(first);
        } else if let (Some(ratio), Some(pinned)) = (self.behind_pinned(), self.pinned) {
            newest.verdict = Verdict::Drift;
            newest.ratio = Some(ratio);
            newest.since = track.all.iter().copied().find(|run| *run > pinned).and_then(|run| self.since(run));
        }
    }

    /// Takes in what the user says; true where it makes a new normal.
    fn hear(&mut self, says: &RunSays) -> bool {
        match says {
            RunSays::Accept => return self.accept(),
            RunSays::Pin(id) => self.pinned = self.runs.iter().position(|run| run.of.id == id).or(self.pinned),
            RunSays::Unpin => self.pinned = None,
            // Left out from the beginning.
            RunSays::Forget(_) => {}
        }
        false
    }

    fn accept(&mut self) -> bool {
        let Some(track) = self.tracks.get(self.newest) else { return false };
        let streak = track.streak.first().map(|first| self.dated(*first));
        let Some(first) = streak.or_else(|| self.drift().map(|(first, _)| first)) else { return false };
        let track = &mut self.tracks[self.newest];
        track.all.retain(|run| *run >= first);
        track.accepted.clear();
        track.accept(track.all.clone());
        track.streak.clear();
        true
    }
}

impl Track {
    /// Adds to what is normal; the oldest leave.
    fn accept(&mut self, runs: impl IntoIterator<Item = usize>) {
        self.accepted.extend(runs);
        let gone = self.accepted.len().saturating_sub(BASELINE_MOST);
        self.accepted.drain(..gone);
    }
}
