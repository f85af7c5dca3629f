//! Whether a benchmark got worse: each run is compared with the runs before it, and three in a row decide. The limits
//! are in `regression/verdict.rs`; `regression/simulation.rs` measures what they find and what they wrongly find.

mod evidence;
mod judge;
mod level;
mod suite;
mod verdict;

pub use judge::judge;
pub use suite::over_suite;
pub use verdict::{
    BASELINE_LEAST, BASELINE_MOST, Baseline, DISTURBED, DRIFT, IN_ROW, LASTING, Measured, P_DRIFT, P_REGRESSED, P_RUNS,
    P_SUSPECT, REGRESSED, REPEAT, RunVerdict, SUSPECT, Since, Verdict,
};

use crate::model::run::{Run, RunMark, RunSays};

/// Every run of one series judged, oldest first, under what the user said of it. Runs that are forgotten, or have no
/// finite sample, are left out. The newest verdict is the series' own.
#[must_use]
pub fn judge_runs(runs: &[Run], marks: &[&RunMark]) -> Vec<RunVerdict> {
    let runs: Vec<Measured<'_>> = runs.iter().map(Measured::from).collect();
    let marks: Vec<(i64, &RunSays)> = marks.iter().map(|mark| (mark.at_unix_ms, &mark.says)).collect();
    judge(&runs, &marks)
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
