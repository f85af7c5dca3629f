//! One service as its rounds say it stands: up or down and since when, how often it failed, what is usual.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    event::{Occurrence, What, note},
    normal::{Bad, Normal, Usual},
    round::{Cause, Certificate, Outcome, Phase, Phases, Round},
    sample::{Probe, Probed},
};
use crate::{clock::Stamp, model::series::Series, units::span_short};

/// Rounds that are kept with their phases.
const PAST: usize = 360;
/// Errors are counted over this, and over at least so many rounds that can be kept.
const WINDOW: Duration = Duration::from_secs(600);
const WINDOW_ROUNDS: u32 = 40;
/// Fewer judged rounds give no share of errors.
const LEAST: usize = 20;
/// Times below this are as good as one another: 2 ms that become 5 ms are no trouble.
const FLOOR: f64 = 0.02;
/// The time now is the median of so many answers.
const NEWEST: usize = 3;
/// Bodies and times below these say nothing about throughput.
const BODY: u64 = 64 << 10;
const BODY_SECONDS: f64 = 0.02;
/// A machine that booted within this is still starting its services.
const STARTING: Duration = Duration::from_secs(300);

/// How a service stands. That it is slow is a matter of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Not asked yet.
    #[default]
    Waiting,
    Up,
    Down,
    /// The probe cannot judge it.
    Unjudged,
    /// Not probed, as its owner wants it.
    Paused,
}

/// One round, for a graph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastRound {
    pub at: Stamp,
    pub standing: Standing,
    /// Seconds until the answer; `None` where there was none, or the time is not to be trusted.
    pub seconds: Option<f32>,
    phases: [f32; 5],
}

impl PastRound {
    #[must_use]
    pub fn phase(&self, phase: Phase) -> f64 {
        f64::from(self.phases[phase as usize])
    }
}

/// So many failures are an alert, whatever was before them.
const ENOUGH: u32 = 3;

/// One service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceRow {
    pub probe: Arc<Probe>,
    /// The newest round.
    pub round: Option<Arc<Round>>,
    pub standing: Standing,
    /// Since when it stands so.
    pub since: Stamp,
    /// Why it is not up, in a few words.
    pub why: String,
    /// Rounds that failed one after the other.
    pub failures: u32,
    /// Those of them that nothing came back from: it may have been the network.
    silent: u32,
    /// Judged rounds, and whether they failed.
    judged: VecDeque<(Stamp, bool)>,
    newest: VecDeque<f64>,
    pub normal: Normal,
    pub throughput_normal: Normal,
    pub past: VecDeque<PastRound>,
    /// Seconds of each round.
    pub history: Series,
    /// Oldest first.
    pub log: VecDeque<Occurrence>,
    /// It lies outside of this machine; `None` before that is known.
    pub outside: Option<bool>,
    p95: Option<f64>,
}

/// What a round is judged by beside itself.
pub(super) struct Conditions {
    /// Since the machine was booted.
    pub(super) booted: Option<Duration>,
    /// No probe of what lies outside is answered.
    pub(super) cut_off: bool,
}

impl ServiceRow {
    /// One that was not probed yet.
    #[must_use]
    pub fn new(probe: Arc<Probe>, now: Stamp) -> Self {
        ServiceRow {
            standing: if probe.paused { Standing::Paused } else { Standing::Waiting },
            probe,
            round: None,
            since: now,
            why: String::new(),
            failures: 0,
            silent: 0,
            judged: VecDeque::new(),
            newest: VecDeque::new(),
            normal: Normal::new(Bad::High),
            throughput_normal: Normal::new(Bad::Low),
            past: VecDeque::new(),
            history: Series::default(),
            log: VecDeque::new(),
            outside: None,
            p95: None,
        }
    }

    /// Folds in what a reading says of it.
    pub(super) fn take(&mut self, probed: &Probed, now: Stamp, conditions: &Conditions) {
        self.probe = probed.probe.clone();
        if self.probe.paused {
            return self.stand(Standing::Paused, now, String::new());
        }
        if self.standing == Standing::Paused {
            self.stand(Standing::Waiting, now, String::new());
        }
        if let Some(round) = probed.round.as_ref().filter(|round| self.is_new(round)) {
            self.fold(round, conditions);
        }
        if let Some((_, words)) = &probed.stuck {
            if self.standing != Standing::Unjudged {
                note(&mut self.log, now, What::Unjudged, words);
            }
            self.stand(Standing::Unjudged, now, words.clone());
        }
    }

    fn is_new(&self, round: &Round) -> bool {
        self.round.as_ref().is_none_or(|last| round.began > last.began)
    }

    fn fold(&mut self, round: &Arc<Round>, conditions: &Conditions) {
        let at = round.ended;
        // The first answer after a pause wakes what slept meanwhile: it is not usual.
        let pause = self.round.as_ref().is_none_or(|last| round.began.since(last.ended) > self.probe.every * 3);
        self.round = Some(round.clone());
        let starting = conditions.booted.filter(|booted| *booted < STARTING && !round.is_up());
        let excuse = match &round.outcome {
            Outcome::Unjudged { words, .. } => Some(words.clone()),
            Outcome::Down(failure) => match starting {
                Some(booted) => Some(format!("{}; this host booted {} ago", failure.words, span_short(booted))),
                None if conditions.cut_off && self.outside == Some(true) && round.is_unanswered() => {
                    Some(format!("{}; this host has no network", failure.words))
                }
                None => None,
            },
            Outcome::Up { .. } => None,
        };
        match (&round.outcome, excuse) {
            (_, Some(words)) => {
                note(&mut self.log, at, What::Unjudged, &words);
                self.stand(Standing::Unjudged, at, words);
            }
            (Outcome::Down(failure), None) => {
                self.failures += 1;
                self.silent = if round.is_unanswered() { self.silent + 1 } else { 0 };
                self.judge(at, true);
                note(&mut self.log, at, What::Failed, &failure.words);
                self.stand(Standing::Down, at, failure.words.clone());
                self.newest.clear();
            }
            (Outcome::Up { seconds }, _) => {
                (self.failures, self.silent) = (0, 0);
                self.judge(at, false);
                if matches!(self.standing, Standing::Down | Standing::Unjudged) {
                    note(&mut self.log, at, What::Answered, "");
                }
                if let Some(why) = &round.retried {
                    note(&mut self.log, at, What::Retried, why);
                }
                self.stand(Standing::Up, at, String::new());
                if let Some(seconds) = seconds.filter(|_| !pause) {
                    self.time(at, seconds, round);
                }
            }
            (Outcome::Unjudged { .. }, None) => {}
        }
        self.keep(at, round);
    }

    fn time(&mut self, at: Stamp, seconds: f64, round: &Round) {
        if self.newest.len() == NEWEST {
            self.newest.pop_front();
        }
        self.newest.push_back(seconds);
        self.normal.push(at, seconds, FLOOR);
        if let Some(throughput) = throughput(round) {
            self.throughput_normal.push(at, throughput, 0.0);
        }
    }

    fn judge(&mut self, at: Stamp, failed: bool) {
        let window = WINDOW.max(self.probe.every * WINDOW_ROUNDS);
        self.judged.push_back((at, failed));
        while self.judged.front().is_some_and(|(oldest, _)| at.since(*oldest) >= window) {
            self.judged.pop_front();
        }
    }

    fn keep(&mut self, at: Stamp, round: &Round) {
        let phases: &Phases = &round.found.phases;
        if self.past.len() == PAST {
            self.past.pop_front();
        }
        self.past.push_back(PastRound {
            at,
            standing: self.standing,
            seconds: round.seconds().map(|seconds| seconds as f32),
            phases: Phase::ALL.map(|phase| phases.get(phase).unwrap_or(0.0) as f32),
        });
        self.history.push(at, self.probe.every, round.seconds());
        let mut seconds: Vec<f32> = self.past.iter().filter_map(|past| past.seconds).collect();
        let last = seconds.len().saturating_sub(1);
        self.p95 = (seconds.len() >= LEAST)
            .then(|| f64::from(*seconds.select_nth_unstable_by(last * 95 / 100, f32::total_cmp).1));
    }

    fn stand(&mut self, standing: Standing, at: Stamp, why: String) {
        if self.standing != standing {
            (self.standing, self.since) = (standing, at);
        }
        self.why = why;
    }

    /// Rounds that failed one after the other; `None` while that is not known: after a start the first failures may follow
    /// others, and an alert that fires must not end by our not having seen those.
    #[must_use]
    pub fn failures_in_row(&self) -> Option<u32> {
        let answered = self.judged.iter().any(|(_, failed)| !failed);
        (answered || self.failures >= ENOUGH).then_some(self.failures)
    }

    /// The failures that nothing came back from were this host's: they do not count.
    pub(super) fn excuse_silence(&mut self, words: &str) {
        if self.silent == 0 {
            return;
        }
        self.failures -= self.silent.min(self.failures);
        for _ in 0..std::mem::take(&mut self.silent) {
            self.judged.pop_back();
        }
        if self.standing == Standing::Down {
            (self.standing, self.why) = (Standing::Unjudged, words.to_owned());
        }
    }

    /// How long the newest answer took.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        self.round.as_ref().filter(|_| self.standing == Standing::Up)?.seconds()
    }

    /// The 95th percentile of the last rounds.
    #[must_use]
    pub fn p95(&self) -> Option<f64> {
        self.p95
    }

    /// What is usual.
    #[must_use]
    pub fn usual(&self) -> Option<Usual> {
        self.normal.usual()
    }

    /// The time now against the usual one. Short times are as good as one another.
    #[must_use]
    pub fn against_normal(&self) -> Option<f64> {
        if self.standing != Standing::Up || self.newest.len() < NEWEST {
            return None;
        }
        let mut newest: Vec<f64> = self.newest.iter().copied().collect();
        newest.sort_by(f64::total_cmp);
        Some(newest[newest.len() / 2] / self.usual()?.median.max(FLOOR))
    }

    /// Bytes a second of the newest body; `None` for one that is too small to say.
    #[must_use]
    pub fn throughput(&self) -> Option<f64> {
        throughput(self.round.as_ref().filter(|_| self.standing == Standing::Up)?)
    }

    /// The throughput now against the usual one. A body that came at once is as good as any.
    #[must_use]
    pub fn throughput_against_normal(&self) -> Option<f64> {
        let ratio = self.throughput()? / self.throughput_normal.usual()?.median;
        let took = self.round.as_ref()?.found.phases.get(Phase::Body)?;
        Some(if took < BODY_SECONDS { ratio.max(1.0) } else { ratio })
    }

    /// The share of the judged rounds that failed; `None` before there are enough of them.
    #[must_use]
    pub fn error_ratio(&self) -> Option<f64> {
        let failed = self.judged.iter().filter(|(_, failed)| *failed).count();
        (self.judged.len() >= LEAST).then(|| failed as f64 / self.judged.len() as f64)
    }

    /// The certificate that expires first, and the seconds until then: less than none when it has.
    #[must_use]
    pub fn certificate(&self, now: Stamp) -> Option<(&Certificate, f64)> {
        let chain = self.round.as_ref()?.found.chain.as_ref()?;
        let now = now.unix_ms / 1000;
        let first = chain.first_to_expire(now)?;
        Some((first, (first.not_after_unix - now) as f64))
    }

    /// Why the newest round says nothing.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        match &self.round.as_ref()?.outcome {
            Outcome::Unjudged { cause, .. } => Some(*cause),
            Outcome::Up { .. } | Outcome::Down(_) => None,
        }
    }
}

/// Bytes a second of a body that is large enough to say.
fn throughput(round: &Round) -> Option<f64> {
    let bytes = round.found.bytes.filter(|bytes| *bytes >= BODY)?;
    let took = round.found.phases.get(Phase::Body).filter(|took| *took > 0.0)?;
    Some(bytes as f64 / took)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::service::round::Found;

    #[test]
    fn throughput_is_compared_of_large_bodies() {
        let mut row = ServiceRow::new(Arc::default(), Stamp::at_seconds(0));
        (0..60).for_each(|n| row.throughput_normal.push(Stamp::at_seconds(n * 10), 40e6, 0.0));
        let mut of = |bytes: u64, took: f64, standing| {
            let mut found = Found { bytes: Some(bytes), ..Found::default() };
            found.phases.add(Phase::Body, took);
            let (at, outcome) = (Stamp::at_seconds(600), Outcome::Up { seconds: Some(took) });
            let round = Round { number: 1, began: at, ended: at, outcome, retried: None, found };
            (row.standing, row.round) = (standing, Some(Arc::new(round)));
            (row.throughput(), row.throughput_against_normal())
        };
        assert_eq!(of(1_000_000, 0.1, Standing::Up), (Some(10e6), Some(0.25)));
        assert_eq!(of(8_000_000, 0.1, Standing::Up), (Some(80e6), Some(2.0)));
        assert_eq!(of(100_000, 0.01, Standing::Up), (Some(10e6), Some(1.0)), "it came at once");
        assert_eq!(of(65_535, 0.1, Standing::Up), (None, None));
        assert_eq!(of(65_536, 0.0, Standing::Up), (None, None));
        assert_eq!(of(1_000_000, 0.1, Standing::Down), (None, None));
    }

    #[test]
    fn what_is_silent_is_excused_and_what_was_refused_is_not() {
        let mut row = ServiceRow::new(Arc::default(), Stamp::at_seconds(0));
        row.excuse_silence("no network");
        assert_eq!(row.standing, Standing::Waiting, "nothing failed");
        (row.standing, row.failures, row.silent) = (Standing::Down, 3, 2);
        row.judged = (0..3).map(|second| (Stamp::at_seconds(second), true)).collect();
        row.excuse_silence("no network");
        assert_eq!((row.standing, row.why.as_str()), (Standing::Unjudged, "no network"));
        assert_eq!((row.failures, row.silent, row.judged.len()), (1, 0, 1));
    }

    #[test]
    fn what_is_stuck_is_noted_once() {
        let mut row = ServiceRow::new(Arc::default(), Stamp::at_seconds(0));
        let stuck = |words: &str| Probed {
            probe: Arc::default(),
            round: None,
            stuck: (!words.is_empty()).then(|| (Cause::Setup, words.to_owned())),
        };
        let conditions = Conditions { booted: None, cut_off: false };
        (1..4).for_each(|second| row.take(&stuck("no thread"), Stamp::at_seconds(second), &conditions));
        assert_eq!((row.standing, row.why.as_str(), row.log.len()), (Standing::Unjudged, "no thread", 1));
        assert_eq!(row.since, Stamp::at_seconds(1));
    }

    #[test]
    fn the_time_now_is_the_middle_of_the_newest_against_the_usual() {
        let mut row = ServiceRow::new(Arc::default(), Stamp::at_seconds(0));
        (0..60).for_each(|n| row.normal.push(Stamp::at_seconds(n * 10), 0.25, FLOOR));
        row.standing = Standing::Up;
        row.newest = [9.0, 0.5].into();
        assert_eq!(row.against_normal(), None, "two say nothing");
        row.newest = [9.0, 0.5, 0.1].into();
        assert_eq!(row.against_normal(), Some(2.0));
        row.standing = Standing::Down;
        assert_eq!(row.against_normal(), None);
    }
}
