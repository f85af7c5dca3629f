//! Model servers: their pane and the view of one.

mod columns;
pub mod detail;
pub mod pane;
