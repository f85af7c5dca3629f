//! The runs of one series in order of time: what each is compared with, and what it is.
//!
//! Samples of one run resemble one another more than those of two runs, so that a comparison of samples alone finds a
//! regression where whole runs scatter. Three things are therefore asked beside it: a suspect run is worse than nine in
//! ten runs of the baseline; the medians of three of them differ from those of the baseline by a t-test; and what was
//! suspect once or twice and then no longer is learned, or the baseline would be calmer than the benchmark. Without them
//! a third of bimodal series is called regressed.

use super::verdict::{
    BASELINE_LEAST, BASELINE_MOST, Baseline, IN_ROW, Measured, P_REGRESSED, P_SUSPECT, REGRESSED, REPEAT, RunVerdict,
    SUSPECT, Verdict, worse,
};
use crate::{
    analysis::{
        rank::one_ratio,
        stats::{is_narrow, median, quantile, sorted},
    },
    model::run::RunSays,
};

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
        let mut verdict = judge.add(at);
        // The newest one is settled after the last marks.
        if (runs.len() - BASELINE_MOST.min(runs.len())..runs.len() - 1).contains(&at) {
            judge.settle(&mut verdict, false);
        }
        verdicts.push(verdict);
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
pub(super) struct Figures<'a> {
    pub of: &'a Measured<'a>,
    pub samples: Vec<f64>,
    pub median: f64,
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
pub(super) struct Track {
    /// All that count, oldest first.
    pub all: Vec<usize>,
    /// Those that say what is normal.
    pub accepted: Vec<usize>,
    /// The newest ones in a row that are worse than the baseline, or better.
    streak: Vec<usize>,
    worse: bool,
}

pub(super) struct Judge<'a> {
    pub runs: &'a [Figures<'a>],
    pub tracks: Vec<Track>,
    /// The track of the newest run.
    pub newest: usize,
    pub pinned: Option<usize>,
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
            disturbed: false,
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
        verdict.disturbed = self.is_disturbed(&base, at);
        let Some(test) = self.test(&base, &[at], by > 0.0) else { return };
        verdict.p = Some(test.p);
        let apart = by.abs() > SUSPECT && test.p < P_SUSPECT && self.is_outside(&base, at, by > 0.0);
        if !apart {
            // One or two runs that were apart were chance: what is normal includes them, or it would seem calmer than it is.
            let mut chance = std::mem::take(&mut self.tracks[self.newest].streak);
            let few = chance.len() < IN_ROW;
            chance.retain(|run| few && self.is_chance(&base, *run));
            let track = &mut self.tracks[self.newest];
            track.accept(chance);
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
        verdict.repeat = by > REPEAT && streak.len() == 1 || by > 0.0 && verdict.disturbed;
        if let Some(first) = streak.len().checked_sub(IN_ROW)
            && self.can_decide(&base, &streak[first..])
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
        if by < 0.0 && streak.len() >= BASELINE_LEAST && self.can_decide(&base, &streak) {
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

    /// Gives the newest run the verdict that takes all runs so far and all marks into account. The levels of a long series are
    /// only sought for its last runs, which are the ones that are shown.
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
            Verdict::Suspect => {
                let decide = track.streak.len().checked_sub(IN_ROW).map(|first| &track.streak[first..]);
                decide.is_some_and(|runs| self.can_decide(&track.accepted, runs))
            }
            _ => false,
        };
        if !lasting || newest.disturbed || !track.streak.is_empty() && !track.worse {
            return;
        }
        if let Some((first, ratio)) = self.drift() {
            newest.verdict = Verdict::Drift;
            // Of a level long ago: the test of the run alone says nothing of it.
            (newest.ratio, newest.p) = (Some(ratio), None);
            newest.since = self.since(first);
        } else if let (Some(ratio), Some(pinned)) = (self.behind_pinned(), self.pinned) {
            newest.verdict = Verdict::Drift;
            (newest.ratio, newest.p) = (Some(ratio), None);
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
