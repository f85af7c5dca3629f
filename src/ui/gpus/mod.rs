//! Graphics cards: their pane and the view of one.

pub mod detail;
mod draw;
mod essentials;
pub mod measure;
pub mod pane;
