//! Benchmarks as facts: what was measured, on what, with every sample; and how the one under way is going.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::figure::{Better, Fingerprint, SeriesKey};
use super::{
    bench::{BenchKey, Catalog, RunPhase, RunPlan},
    undo_note::UndoNote,
    unit::Unit,
};
use crate::clock::Stamp;

/// One figure of one benchmark on one target: a row of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Unique on this machine.
    pub id: String,
    /// Figures that were measured together share it.
    pub batch: String,
    /// Id of the figure: `container_start_seconds`.
    pub benchmark: String,
    /// What it was measured on: a dataset, path, image, network, `model at server`; empty for the whole machine.
    pub of: String,
    pub unit: Unit,
    pub better: Better,
    /// When it began, milliseconds since 1970 UTC.
    pub at_unix_ms: i64,
    pub took: Duration,
    /// Every sample, in the order of measurement, without the warm-up. The figure is their median.
    pub samples: Vec<f64>,
    pub fingerprint: Fingerprint,
    /// What a reader must know to read the figure right: "62 % of the reads came from the ARC".
    pub notes: Vec<String>,
}

impl Run {
    /// The series that it belongs to.
    #[must_use]
    pub fn key(&self) -> SeriesKey {
        SeriesKey { benchmark: self.benchmark.clone(), of: self.of.clone() }
    }
}

/// How a series of runs stands, for metrics and rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub series: SeriesKey,
    /// By what share the newest run is worse than the baseline, or the level before a drift.
    pub worse: f64,
    /// That is more than chance, of one run.
    pub suspect: bool,
    /// It is certain, of three in a row.
    pub regressed: bool,
    /// It is lasting, and smaller.
    pub drift: bool,
    /// When it began, milliseconds since 1970 UTC.
    pub since_unix_ms: Option<i64>,
}

/// What the user said of a series of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMark {
    pub at_unix_ms: i64,
    pub series: SeriesKey,
    pub says: RunSays,
}

/// What the user decided about runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunSays {
    /// The runs from the newest suspect streak on are the new normal; those before it no longer count.
    Accept,
    /// This run is the best to compare with, whatever the baseline becomes. By its id.
    Pin(String),
    /// The pinned run is pinned no longer.
    Unpin,
    /// This run does not count. By its id.
    Forget(String),
}

/// Something that a result may depend on has another value than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When it was noticed, milliseconds since 1970 UTC.
    pub at_unix_ms: i64,
    /// `kernel`, `driver`, `engine`, `image`, `limits`, `pool`, `dataset`, `config`, `governor`.
    pub kind: String,
    /// What it is a property of: `web`, `tank/models`; empty for the machine.
    pub of: String,
    /// Which property: `compression`.
    pub property: String,
    /// `None`: it was not there.
    pub before: Option<String>,
    /// `None`: it is gone.
    pub after: Option<String>,
}

impl Change {
    /// The value of what is not set: a limit, a quota.
    pub const NONE: &'static str = "none";
}

/// Why a benchmark has no result where the user stopped it: that is no failure of it.
pub const STOPPED: &str = "stopped";

/// How a benchmark is going.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEvent {
    /// What can be measured here.
    Catalog { at: Stamp, catalog: Catalog },
    /// What a run that was asked for will do. Nothing is touched before the yes.
    Planned { at: Stamp, plan: RunPlan },
    /// The suite begins: what will run, in order.
    Began { at: Stamp, batch: String, queue: Vec<BenchKey> },
    /// One of them is under way.
    Progress(RunProgress),
    /// One of them has ended; its figures.
    Measured { at: Stamp, key: BenchKey, runs: Vec<Run> },
    /// One of them could not be measured, or failed; why, and what to do about it.
    Failed { at: Stamp, key: BenchKey, why: String },
    /// What was planned under this name could not begin; whatever is under way goes on.
    Refused { at: Stamp, plan: String, why: String },
    /// All is over, and what was made for it is removed, or the report says what is left.
    Ended { at: Stamp, stopped: bool, report: String },
    /// What the history holds that was not reported before. The first one says that all of it is read.
    History { at: Stamp, runs: Vec<Run>, marks: Vec<RunMark>, changes: Vec<Change>, undos: Vec<UndoNote> },
    /// The user said something of a series.
    Mark { at: Stamp, mark: RunMark },
    /// Something changed.
    Changed { at: Stamp, change: Change },
    /// A step of an undo that the config allows.
    Undo { at: Stamp, note: UndoNote },
    /// Results outlast the program, or not.
    Keeping { at: Stamp, keeping: Keeping },
}

/// Whether results outlast the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeping {
    /// In this file.
    In(String),
    /// Not wanted; by what.
    Off(String),
    /// Not for now; why, and what to do about it.
    Failing(String),
}

/// Where the benchmark under way stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunProgress {
    pub at: Stamp,
    pub key: BenchKey,
    /// When it began.
    pub since: Stamp,
    pub phase: RunPhase,
    /// Share of it that is done.
    pub done: f64,
    /// Time left of this benchmark, where known.
    pub left: Option<Duration>,
    /// The first figure as it forms: of the sample under way, in its base unit.
    pub value: Option<f64>,
    /// Samples of the first figure so far.
    pub samples: Vec<f64>,
    /// What else is seen meanwhile: `p99 4.2 ms`.
    pub beside: Vec<String>,
}

impl RunEvent {
    /// When it was.
    #[must_use]
    pub fn at(&self) -> Stamp {
        match self {
            RunEvent::Progress(progress) => progress.at,
            RunEvent::Catalog { at, .. }
            | RunEvent::Planned { at, .. }
            | RunEvent::Began { at, .. }
            | RunEvent::Measured { at, .. }
            | RunEvent::Failed { at, .. }
            | RunEvent::Refused { at, .. }
            | RunEvent::Ended { at, .. }
            | RunEvent::History { at, .. }
            | RunEvent::Mark { at, .. }
            | RunEvent::Changed { at, .. }
            | RunEvent::Undo { at, .. }
            | RunEvent::Keeping { at, .. } => *at,
        }
    }
}
