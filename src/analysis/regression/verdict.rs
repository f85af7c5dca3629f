//! What is said of a run, and the limits by which it is said.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{
    figure::{busy_share, comparable},
    run::{Better, Fingerprint, Run},
};

/// A run whose median is worse by more than this may be suspect.
pub const SUSPECT: f64 = 0.10;
/// A run whose median is worse by more than this is to be repeated at a quiet moment.
pub const REPEAT: f64 = 0.20;
/// Runs in a row that are worse by this much, taken together, are a regression.
pub const REGRESSED: f64 = 0.175;
/// A change of level of less than this is none.
pub const DRIFT: f64 = 0.05;
/// How probable chance may be: by the samples of one run, by those of three together, by the medians of the three, and
/// of a change of level.
pub const P_SUSPECT: f64 = 0.05;
pub const P_REGRESSED: f64 = 0.001;
pub const P_RUNS: f64 = 0.01;
pub const P_DRIFT: f64 = 0.001;
/// A run before which others used this much more of the machine than before those of the baseline was disturbed: it is
/// suspect at most.
pub const DISTURBED: f64 = 0.25;
/// Disturbed runs decide all the same when they are this far apart: what is slow for an hour is slow, whatever the cause.
pub const LASTING: Duration = Duration::from_secs(3600);
/// So many runs in a row decide.
pub const IN_ROW: usize = 3;
/// A baseline has so many runs.
pub const BASELINE_LEAST: usize = 5;
pub const BASELINE_MOST: usize = 20;
/// A change of level is sought among so many runs, the newest.
pub(super) const LEVELS_AMONG: usize = 60;

/// What is said of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Fewer runs than a baseline needs.
    New,
    /// As before.
    Same,
    /// Not worse as far as can be seen: the median of its samples is not known well enough to say that it is the same.
    Noisy,
    /// Worse, more than chance explains; one run proves nothing.
    Suspect,
    /// Three runs in a row are worse, and together they are worse beyond doubt.
    Regressed,
    /// Three runs in a row are better, and together they are better beyond doubt.
    Improved,
    /// Worse by a step or a slope too small for the others, but lasting.
    Drift,
    /// Something that the figure depends on is not as it was in any baseline.
    NotComparable,
}

impl Verdict {
    /// For people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::New => "new",
            Verdict::Same => "same",
            Verdict::Noisy => "noisy",
            Verdict::Suspect => "suspect",
            Verdict::Regressed => "regressed",
            Verdict::Improved => "improved",
            Verdict::Drift => "drift",
            Verdict::NotComparable => "not comparable",
        }
    }
}

/// What a run was compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Median of the medians of its runs.
    pub median: f64,
    /// Nine in ten of its runs have a median above this, nine in ten one below that.
    pub low: f64,
    pub high: f64,
    pub runs: usize,
    /// When the oldest of them was, milliseconds since 1970 UTC.
    pub since_unix_ms: i64,
}

/// Where a change began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// The first run that shows it.
    pub run: String,
    pub at_unix_ms: i64,
    /// When the last comparable run before it was: what changed between the two may be the cause.
    pub good_unix_ms: Option<i64>,
}

/// A run, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunVerdict {
    /// Id of the run.
    pub run: String,
    pub at_unix_ms: i64,
    pub verdict: Verdict,
    pub better: Better,
    /// Median of its samples.
    pub median: f64,
    /// How it compares with the baseline, 1 being the same: its median, and for a regression or improvement the runs that
    /// decided it taken together (Hodges–Lehmann).
    pub ratio: Option<f64>,
    /// Probability of a difference this large in its direction by chance (Mann–Whitney, one-sided), of the same runs.
    pub p: Option<f64>,
    pub against: Option<Baseline>,
    /// Since when it is so, where it is suspect, regressed, improved or drifting.
    pub since: Option<Since>,
    /// Parts of the fingerprint that differ, where it is not comparable.
    pub differs: Vec<String>,
    pub samples: usize,
    /// Much worse for the first time, or disturbed: it is to be measured once more at a quiet moment.
    pub repeat: bool,
    /// The machine was busier than for the runs of the baseline, so that it proves nothing.
    #[serde(default)]
    pub disturbed: bool,
}

impl RunVerdict {
    /// By what share it is worse than the baseline; negative: better.
    #[must_use]
    pub fn worse(&self) -> Option<f64> {
        self.ratio.map(|ratio| worse(self.better, ratio))
    }
}

/// By what share a figure is worse at this ratio to what it was.
pub(super) fn worse(better: Better, ratio: f64) -> f64 {
    match better {
        Better::Higher => 1.0 - ratio,
        Better::Lower => ratio - 1.0,
    }
}

/// A run as far as it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    pub id: &'a str,
    pub at_unix_ms: i64,
    pub unit: &'a str,
    pub better: Better,
    pub samples: &'a [f64],
    pub fingerprint: &'a Fingerprint,
}

impl<'a> From<&'a Run> for Measured<'a> {
    fn from(run: &'a Run) -> Self {
        Measured {
            id: &run.id,
            at_unix_ms: run.at_unix_ms,
            unit: run.unit.name(),
            better: run.better,
            samples: &run.samples,
            fingerprint: &run.fingerprint,
        }
    }
}

impl Measured<'_> {
    /// How much of the machine others used when it began; nothing where nobody noted it.
    pub(super) fn busy(&self) -> f64 {
        busy_share(self.fingerprint).unwrap_or(0.0)
    }

    /// Parts in which it cannot be compared with another.
    pub(super) fn differs(&self, other: &Measured<'_>) -> Vec<String> {
        let value =
            |of: &'_ Fingerprint, part: &str| of.get(part).and_then(|value| comparable(part, value)).map(str::to_owned);
        let parts = self.fingerprint.keys().chain(other.fingerprint.keys());
        let apart = |part: &&String| value(self.fingerprint, part) != value(other.fingerprint, part);
        let mut parts: Vec<String> = parts.filter(apart).cloned().collect();
        parts.extend((self.unit != other.unit).then(|| "unit".to_owned()));
        parts.extend((self.better != other.better).then(|| "better".to_owned()));
        parts.sort();
        parts.dedup();
        parts
    }

    pub(super) fn is_comparable(&self, other: &Measured<'_>) -> bool {
        self.differs(other).is_empty()
    }
}
