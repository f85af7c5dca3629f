//! Benchmarks of the machine: TABLE BENCHES, and what each of its rows does. One file a benchmark; each has a plan that
//! says what it will do before anything is touched, a run that measures, and a parser that is tested against recorded
//! output. The runner gives it a journal for what it makes, a way to be stopped, and a deadline.

mod plan;

pub use plan::Survey;

pub use crate::model::bench::{Group, Offer, Plan};

use crate::model::{
    run::{Better, Fingerprint},
    unit::Unit,
};

/// One figure that a benchmark measures.
#[derive(Debug, Clone, Copy)]
pub struct FigureDef {
    /// As stored and in JSON: `container_start_seconds`.
    pub id: &'static str,
    /// As the panel shows it: `start`.
    pub title: &'static str,
    pub unit: Unit,
    pub better: Better,
}

/// One row of TABLE BENCHES.
pub struct BenchDef {
    /// As the command line spells it: `container-start`.
    pub id: &'static str,
    pub group: Group,
    /// One sentence: what it measures, as help shows it.
    pub doc: &'static str,
    /// What it measures together; the first is the one that it is about.
    pub figures: &'static [FigureDef],
    pub bench: &'static dyn Benchmark,
}

/// What a benchmark does.
pub trait Benchmark: Sync {
    /// What it can be run on here, or the one line that says why it cannot. Touches nothing but what it reads.
    fn offers(&self, survey: &Survey<'_>) -> Vec<Offer>;

    /// What it will do on `of`, exactly: shown before the user's yes, and then carried out.
    fn plan(&self, survey: &Survey<'_>, of: &str) -> Result<Plan, String>;

    /// Measures. Samples are handed to `cx` as they come; it says when there are enough.
    fn run(&self, plan: &Plan, cx: &mut dyn RunCx) -> Result<Measured, Stop>;
}

/// What the runner does for a benchmark under way.
pub trait RunCx {
    /// True once the user or a deadline stops it: it returns [`Stop::Cancelled`] within a second.
    fn is_stopped(&self) -> bool;

    /// Shows where it stands.
    fn progress(&mut self, phase: &'static str, done: f64, value: Option<f64>, beside: Vec<String>);

    /// Hands in one sample of figure `figure`; false when there are enough of all of them.
    fn sample(&mut self, figure: usize, value: f64) -> bool;

    /// Writes into the journal, before it is made, what is about to be made: removed when the run ends, however it
    /// ends, and after a kill -9 at the next start.
    fn will_make(&mut self, scratch: Scratch) -> Result<(), Stop>;
}

/// Something made for a run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scratch {
    /// A folder of ours and all in it.
    Folder(std::path::PathBuf),
    /// On the engine of that address, each with the label of the run.
    Container {
        engine: String,
        name: String,
    },
    Network {
        engine: String,
        name: String,
    },
    Volume {
        engine: String,
        name: String,
    },
    Image {
        engine: String,
        name: String,
    },
    /// A dataset of ours.
    Dataset(String),
}

/// What was measured beside the samples.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Of the tool and the method; the runner adds those of the machine.
    pub fingerprint: Fingerprint,
    pub notes: Vec<String>,
}

/// Why a benchmark ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    #[error("stopped")]
    Cancelled,
    /// What failed, and the cure.
    #[error("{0}")]
    Failed(String),
}

/// TABLE BENCHES.
pub static BENCHES: &[BenchDef] = &[];
