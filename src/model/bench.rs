//! What the suite can measure on this machine, and what it will do for that: data that the runner, the command line and
//! the screen share. The benchmarks themselves are in `bench`, which readers do not see.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::figure::{Figure, Fingerprint, SeriesKey};

/// Groups of the suite, in the order in which they run and are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Containers,
    Storage,
    Network,
    Models,
    Machine,
}

impl Group {
    /// All of them, in their order.
    pub const ALL: [Group; 5] = [Group::Containers, Group::Storage, Group::Network, Group::Models, Group::Machine];

    /// As the command line and the panel spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Group::Containers => "containers",
            Group::Storage => "storage",
            Group::Network => "network",
            Group::Models => "models",
            Group::Machine => "machine",
        }
    }
}

/// One benchmark on one target: what is run as a whole. It measures one figure or several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BenchKey {
    /// Id of the benchmark: `container-start`.
    pub bench: String,
    /// What it is measured on; empty for the machine.
    pub of: String,
}

impl std::fmt::Display for BenchKey {
    /// `storage-read of tank/models`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.of.is_empty() { f.write_str(&self.bench) } else { write!(f, "{} of {}", self.bench, self.of) }
    }
}

/// What a benchmark is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunPhase {
    Preparing,
    WarmingUp,
    Measuring,
    CleaningUp,
}

impl RunPhase {
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            RunPhase::Preparing => "preparing",
            RunPhase::WarmingUp => "warming up",
            RunPhase::Measuring => "measuring",
            RunPhase::CleaningUp => "cleaning up",
        }
    }
}

/// Something that a benchmark can, or cannot, be run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What it would be measured on; empty for the machine.
    pub of: String,
    /// Why it cannot be measured and what would help, in one line.
    pub missing: Option<String>,
}

/// A benchmark, and what it can be run on here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// Id of the benchmark, as the command line spells it.
    pub bench: String,
    pub group: Group,
    /// One sentence: what it measures.
    pub doc: String,
    /// What it measures together; the first is the one that it is about.
    pub figures: Vec<Figure>,
    pub offers: Vec<Offer>,
}

/// What can be measured here, in the order in which it runs and is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    pub benches: Vec<Offered>,
}

impl Catalog {
    /// The benchmark and the figure that a series is of.
    #[must_use]
    pub fn figure(&self, id: &str) -> Option<(&Offered, &Figure)> {
        let of = |bench: &Offered| bench.figures.iter().position(|figure| figure.id == id);
        self.benches.iter().find_map(|bench| Some((bench, &bench.figures[of(bench)?])))
    }

    /// What is run to measure this series.
    #[must_use]
    pub fn bench_of(&self, series: &SeriesKey) -> Option<BenchKey> {
        let (bench, _) = self.figure(&series.benchmark)?;
        Some(BenchKey { bench: bench.bench.clone(), of: series.of.clone() })
    }
}

/// What a benchmark will do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What it is measured on.
    pub of: String,
    /// Commands, paths, containers, images, one line each, as they will be used.
    pub steps: Vec<String>,
    /// Bytes that are written at most, over the whole run.
    pub writes: u64,
    /// Bytes that it takes at most at one time.
    #[serde(default)]
    pub needs: u64,
    /// The folder or dataset that must have room for them.
    pub place: Option<String>,
    /// How long it takes at most: no sample begins that would end later.
    pub time: Duration,
    /// What the result depends on and is known already.
    pub fingerprint: Fingerprint,
}

/// What was looked at before anything is touched: free space, load, a scrub, an alert, a model in use, heat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub outcome: CheckOutcome,
    /// What was found and what it means, in one line: `tank has 3.1 GiB free, 8.0 GiB are needed`.
    pub text: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    Passed,
    /// The result may be worse than the machine is.
    Warns,
    /// Nothing is run.
    Stops,
}

/// One benchmark of a plan: what it will do, or why it cannot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub key: BenchKey,
    pub plan: Result<Plan, String>,
}

/// All that a run will do: shown before the yes, which is for this plan and no other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    /// Unique in this process.
    pub id: String,
    /// In the order in which they run.
    pub parts: Vec<Planned>,
    pub checks: Vec<Check>,
}

impl RunPlan {
    /// A check, or the lack of anything to run, forbids it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.plans().next().is_none() || self.checks.iter().any(|check| check.outcome == CheckOutcome::Stops)
    }

    /// The parts that will run.
    pub fn plans(&self) -> impl Iterator<Item = (&BenchKey, &Plan)> {
        self.parts.iter().filter_map(|part| Some((&part.key, part.plan.as_ref().ok()?)))
    }

    /// How long all of it takes at most.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.plans().map(|(_, plan)| plan.time).sum()
    }

    /// Bytes that are written at most.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.plans().map(|(_, plan)| plan.writes).sum()
    }
}
