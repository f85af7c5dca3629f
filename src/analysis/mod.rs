//! What figures mean, computed: statistics of samples, comparisons, change points, verdicts. Pure: no I/O, no clock, no
//! chance: the same runs give the same verdict everywhere.

pub mod changes;
pub mod divisive;
pub mod rank;
pub mod regression;
pub mod stats;

#[cfg(test)]
mod testing;
