//! What figures mean, computed: statistics of samples, comparisons, change points, verdicts. Pure: no I/O, no clock, no
//! chance: the same runs give the same verdict everywhere.

pub mod change_points;
pub mod machine_changes;
pub mod rank;
pub mod regression;
pub mod stats;

#[cfg(test)]
mod testing;
