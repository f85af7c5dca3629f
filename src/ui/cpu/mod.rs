//! The processor: its pane, its cores, the view of it.

pub mod cores;
pub mod detail;
pub mod pane;
