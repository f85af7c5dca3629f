//! The life of one alert, pure: what a judgement of one figure under one rule makes of it. Time is the time of the
//! samples, so that neither the moment of the judgement nor the pace of frames changes what fires.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rule::{Level, Rule};
use crate::clock::Stamp;

/// A gap in the data is bridged up to so many intervals of the source, and at least for so long.
const BRIDGED_INTERVALS: u32 = 2;
const BRIDGED: Duration = Duration::from_secs(10);
/// What is gone comes back within this time as the same alert.
pub const GONE_KEPT: Duration = Duration::from_secs(15 * 60);
/// A rule that does not say how long an alert must be clear asks for two samples, and for this share of its hold at
/// most so long.
const CLEAR_SHARE: u32 = 3;
const CLEAR_MOST: Duration = Duration::from_secs(5 * 60);
const CLEAR_SAMPLES: u32 = 2;

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing is wrong.
    #[default]
    Ok,
    /// Over its limit, for less than the rule's hold.
    Pending,
    /// Over its limit for the whole hold, and not yet clear.
    Firing,
    /// It fired, and what it is about is no longer there: not known to be well.
    Gone,
    /// It fired and is clear.
    Resolved,
    /// It fired, and what it is about has not come back.
    Removed,
}

impl Phase {
    /// Nothing comes after it but another episode.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Phase::Ok | Phase::Resolved | Phase::Removed)
    }

    /// The phases that may follow in one judgement; the same one again is no transition, but for a rise of severity.
    #[must_use]
    pub fn may_become(self, next: Phase) -> bool {
        use Phase::{Firing, Gone, Ok, Pending, Removed, Resolved};
        match self {
            Ok => matches!(next, Pending | Firing),
            Pending => matches!(next, Ok | Firing),
            Firing => matches!(next, Firing | Gone | Resolved),
            Gone => matches!(next, Firing | Resolved | Removed),
            Resolved | Removed => false,
        }
    }
}

/// What a judgement found of one identity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observation {
    /// The figure of the newest sample.
    Value {
        /// Its value.
        value: f64,
        /// When it was taken.
        at: Stamp,
        /// Since when it is so, where that is known by more than the samples.
        since: Option<Stamp>,
    },
    /// Its source is late, silent or denied.
    Unknown,
    /// Its source is fine, and has no such figure.
    Missing,
}

impl Observation {
    /// A figure of which only its samples are known.
    #[must_use]
    pub fn value(value: f64, at: Stamp) -> Self {
        Observation::Value { value, at, since: None }
    }
}

/// When a judgement is made, and the pace of the samples that it judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the struct's sentence names both")]
pub struct Moment {
    pub now: Stamp,
    pub interval: Duration,
}

impl Moment {
    /// The longest gap in the data that does not restart a hold.
    #[must_use]
    pub fn bridge(self) -> Duration {
        (self.interval * BRIDGED_INTERVALS).max(BRIDGED)
    }
}

/// The user has seen a firing alert: for this episode, unless it gets worse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The level at which it was given.
    pub level: Level,
    /// When, milliseconds since 1970.
    pub at_unix_ms: i64,
    /// Why, in the user's words; may be empty.
    pub comment: String,
}

/// One alert: all that must outlive a judgement.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// Where it is.
    pub phase: Phase,
    /// Its level by the newest value that was over a limit.
    pub level: Level,
    /// The worst level since it began: it falls with the end of the episode alone.
    pub worst: Level,
    /// The newest value.
    pub value: f64,
    /// What is normal for it, where its rule compares with that.
    pub normal: Option<f64>,
    /// When it fired: with the key that names this episode.
    pub fired: Option<Stamp>,
    /// Samples in a row that were over a limit.
    row: u32,
    /// The newest sample was over a limit.
    over: bool,
    /// When a limit was newly crossed, of a rule that counts this.
    crossings: Vec<Stamp>,
    /// Since when the level has been at least advice, warn, crit.
    since: [Option<Stamp>; 3],
    /// When the newest sample was taken that counted.
    seen: Stamp,
    /// Since when it has been clear, and in how many samples.
    clear: Option<(Stamp, u32)>,
    /// Since when nothing is known of it: its source gives no data.
    pub unknown: Option<Stamp>,
    /// Since when it is not there.
    pub missing: Option<Stamp>,
    /// When its metric was first judged, if it was over the limit then.
    pub began: Option<Stamp>,
    /// The user has acknowledged it.
    pub acknowledged: Option<Acknowledged>,
}

/// Levels that count as over a limit, mildest first, as [`Entry::since`] has them.
const OVER: [Level; 3] = [Level::Advice, Level::Warn, Level::Crit];

impl Entry {
    /// Since when the level has been this or worse.
    #[must_use]
    pub fn since(&self) -> Stamp {
        let at = OVER.iter().position(|l| *l == self.level).unwrap_or(0);
        self.since[at].or(self.since[0]).unwrap_or_default()
    }

    /// The value as its rule's limits mean it.
    #[must_use]
    pub fn judged(&self, rule: &Rule, value: f64) -> f64 {
        judged(rule, value, self.normal)
    }

    /// Of a rule that counts, while it is pending: how often so far, and how often until it fires.
    #[must_use]
    pub fn counted(&self, rule: &Rule) -> Option<(u32, u32)> {
        let pending = self.phase == Phase::Pending;
        let row = rule.in_a_row.filter(|wanted| *wanted > 1).map(|wanted| (self.row, wanted));
        let crossed = || u32::try_from(self.crossings.len()).unwrap_or(u32::MAX);
        row.or_else(|| rule.times.map(|times| (crossed(), times.count))).filter(|_| pending)
    }

    /// What is left of the hold; zero once it fires.
    #[must_use]
    pub fn left(&self, rule: &Rule, now: Stamp) -> Duration {
        let begun = self.since[0].unwrap_or(now);
        if self.phase == Phase::Pending { rule.hold.saturating_sub(now.since(begun)) } else { Duration::ZERO }
    }

    /// A hold runs: until it fires, or until it is resolved.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.phase == Phase::Pending || self.clear.is_some()
    }

    /// How long it must still be clear to be resolved; `None` while it is not clear.
    #[must_use]
    pub fn clears_in(&self, rule: &Rule, moment: Moment) -> Option<Duration> {
        let (since, samples) = self.clear.filter(|_| self.phase == Phase::Firing)?;
        let (span, wanted) = clear_hold(rule);
        let sample = if samples < wanted { moment.interval } else { Duration::ZERO };
        Some(span.saturating_sub(moment.now.since(since)).max(sample))
    }

    /// All its stamps, to move them.
    pub fn stamps(&mut self) -> impl Iterator<Item = &mut Stamp> {
        let clear = self.clear.as_mut().map(|(since, _)| since);
        let all = self.since.iter_mut().flatten().chain(clear).chain(&mut self.crossings);
        let all = all.chain(&mut self.unknown).chain(&mut self.missing).chain(&mut self.began).chain(&mut self.fired);
        all.chain([&mut self.seen])
    }

    /// Takes over since when it is so from another judge of the same machine.
    pub fn agree(&mut self, other: &Entry) {
        self.since = other.since;
        (self.fired, self.began) = (other.fired, other.began);
        self.worst = self.worst.max(other.worst);
        self.acknowledged.clone_from(&other.acknowledged);
    }
}

/// A value as the limits of `rule` mean it: itself, or its share of what is normal.
#[must_use]
pub fn judged(rule: &Rule, value: f64, normal: Option<f64>) -> f64 {
    match (rule.normal_floor, normal) {
        (None, _) => value,
        (Some(floor), Some(normal)) => value / normal.max(floor),
        // While nothing is known to be normal, all is.
        (Some(_), None) => 1.0,
    }
}

/// How long an alert must be clear, and in how many samples.
#[must_use]
pub fn clear_hold(rule: &Rule) -> (Duration, u32) {
    match rule.clear_hold {
        Some(span) => (span, 1),
        None => ((rule.hold / CLEAR_SHARE).min(CLEAR_MOST), CLEAR_SAMPLES),
    }
}

/// Judges one identity once. Gives the phase that it left, when that changed or when a firing alert got worse than it
/// ever was in this episode.
///
/// `first`: its metric is judged for the first time.
pub fn step(rule: &Rule, entry: &mut Entry, found: Observation, moment: Moment, first: bool) -> Option<Phase> {
    let (before, worst) = (entry.phase, entry.worst);
    match found {
        Observation::Value { value, at, since } if !value.is_nan() => {
            let known = Known { at, since: since.map_or(at, |since| since.min(at)), first };
            judge(rule, entry, value, known, moment);
        }
        Observation::Value { .. } | Observation::Unknown => unknown(entry, moment),
        Observation::Missing => missing(entry, moment),
    }
    let rose = entry.phase == Phase::Firing && entry.worst > worst;
    (entry.phase != before || rose).then_some(before)
}

/// What is known of a value's time.
struct Known {
    /// When it was taken.
    at: Stamp,
    /// Since when it is so.
    since: Stamp,
    /// Its metric is judged for the first time.
    first: bool,
}

fn judge(rule: &Rule, entry: &mut Entry, value: f64, Known { at, since: so_since, first }: Known, moment: Moment) {
    let judged = entry.judged(rule, value);
    let level = rule.level(judged);
    let over = level >= Level::Advice;
    let fires = matches!(entry.phase, Phase::Firing | Phase::Gone);
    let gap = entry.phase != Phase::Ok && at.since(entry.seen) > moment.bridge();
    if gap {
        // What was not seen in between counts neither way.
        entry.clear = None;
        if !fires {
            entry.since = [None; 3];
            (entry.began, entry.row) = (None, 0);
        }
    }
    if first && over && entry.phase == Phase::Ok {
        entry.began = Some(so_since);
    }
    let another = at > entry.seen || entry.phase == Phase::Ok;
    if another {
        entry.row = if over { entry.row.saturating_add(1) } else { 0 };
        // What was over its limit at the first look crossed it some other time.
        if over && !entry.over && !(first && entry.phase == Phase::Ok) {
            entry.crossings.extend(rule.times.map(|_| at));
        }
        entry.over = over;
    }
    if let Some(times) = rule.times {
        entry.crossings.retain(|crossed| at.since(*crossed) < times.within);
    }
    (entry.value, entry.seen, entry.unknown, entry.missing) = (value, at, None, None);
    if over {
        entry.level = level;
    }
    let often = |entry: &Entry| rule.times.is_some_and(|times| entry.crossings.len() >= times.count as usize);
    let lasts = over || (fires && (!rule.clears(judged) || often(entry)));
    // Between the limit and the clear value a firing alert keeps its level and its age.
    if over || !fires {
        for (grade, since) in OVER.into_iter().zip(&mut entry.since) {
            *since = (level >= grade).then(|| since.unwrap_or(so_since));
        }
    }
    entry.phase = match entry.phase {
        Phase::Firing | Phase::Gone if lasts => {
            entry.clear = None;
            Phase::Firing
        }
        Phase::Firing | Phase::Gone => {
            let (since, samples) = entry.clear.get_or_insert((at, 0));
            *samples += u32::from(another || *samples == 0);
            let (span, wanted) = clear_hold(rule);
            if *samples >= wanted && at.since(*since) >= span { Phase::Resolved } else { Phase::Firing }
        }
        // It is counted how often it happens: between two times nothing is over the limit.
        _ if !over => {
            if entry.crossings.is_empty() {
                Phase::Ok
            } else {
                Phase::Pending
            }
        }
        _ if rule.times.is_some() => {
            if often(entry) {
                Phase::Firing
            } else {
                Phase::Pending
            }
        }
        _ => {
            let held = entry.since[0].is_some_and(|since| at.since(since) >= rule.hold);
            let counted = rule.in_a_row.is_none_or(|wanted| entry.row >= wanted);
            if held && counted { Phase::Firing } else { Phase::Pending }
        }
    };
    if entry.phase == Phase::Firing {
        entry.worst = entry.worst.max(entry.level);
        entry.fired.get_or_insert(at);
    }
    if entry.acknowledged.as_ref().is_some_and(|given| entry.level > given.level) {
        entry.acknowledged = None;
    }
}

fn unknown(entry: &mut Entry, moment: Moment) {
    // What was missing before its source fell silent stays so.
    if entry.missing.is_none() {
        entry.unknown.get_or_insert(moment.now);
    }
    if entry.phase == Phase::Pending && entry.crossings.is_empty() && moment.now.since(entry.seen) > moment.bridge() {
        entry.phase = Phase::Ok;
    }
}

fn missing(entry: &mut Entry, moment: Moment) {
    let gone = moment.now.since(*entry.missing.get_or_insert(moment.now));
    entry.unknown = None;
    entry.phase = match entry.phase {
        Phase::Pending if gone > moment.bridge() => Phase::Ok,
        Phase::Firing if gone > moment.bridge() => Phase::Gone,
        Phase::Gone if gone > GONE_KEPT => Phase::Removed,
        phase => phase,
    };
}

#[cfg(test)]
mod tests;
