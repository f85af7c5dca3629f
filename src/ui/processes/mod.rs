//! Processes: their table, the view of one, signals and niceness.

pub mod columns;
pub mod detail;
pub mod pane;
pub mod renice;
pub mod signal;
