//! Services that are probed: their pane and the view of one.

mod cells;
pub mod columns;
pub mod detail;
pub mod offers;
pub mod pane;
mod phases;
pub mod row;
