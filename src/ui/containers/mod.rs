//! Containers: their pane, the view of one, what can be done to them, their logs, and what engines store for them.

mod cells;
pub mod columns;
pub mod detail;
pub mod limits;
pub mod log;
pub mod operations;
pub mod pane;
mod parts;
pub mod row;
pub mod stores;
