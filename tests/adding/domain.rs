//! Dummies: their pane.

pub mod pane;
