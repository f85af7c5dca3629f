//! Benchmarks on a key: the panel, the question before a run, the scorecard.

mod ask;
mod chart;
mod detail;
mod known;
mod list;
mod operations;
pub mod panel;
mod rows;
mod running;
mod scorecard;
mod sentence;
mod standing;
mod strip;
mod subject;
#[cfg(test)]
mod testing;
mod words;
