//! What can be asked of the runner of benchmarks. It answers with events (`model/run.rs`).

use crate::model::{
    bench::BenchKey,
    run::{RunSays, SeriesKey},
};

/// One request to the runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BenchAct {
    /// Look again at what can be measured here. The answer is `RunEvent::Catalog`.
    Survey,
    /// Plan these, in this order. The answer is `RunEvent::Planned`.
    Plan(Vec<BenchKey>),
    /// Carry out the plan of this id, which the user has seen and said yes to.
    Start(String),
    /// Stop what runs and remove what was made for it.
    Stop,
    /// The user says this of a series. The answer is `RunEvent::Mark`.
    Mark { series: SeriesKey, says: RunSays },
}
