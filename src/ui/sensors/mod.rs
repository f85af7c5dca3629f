//! Temperatures, fans, watts: their pane and the view of one.

pub mod detail;
pub mod pane;
pub mod reading;
