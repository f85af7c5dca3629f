//! Memory: its pane and the view of it.

pub mod detail;
pub mod pane;
