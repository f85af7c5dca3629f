//! ZFS pools: their pane, the view of one, what can be done to them.

mod cells;
pub mod columns;
pub mod detail;
pub mod operations;
pub mod pane;
pub mod row;
