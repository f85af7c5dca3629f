//! Overlays that belong to no domain: help, alerts, lists, questions. One file each; the topmost gets the keys.

pub mod columns;
pub mod confirm;
pub mod findings;
pub mod help;
pub mod listed;
pub mod menu;
pub mod report;
pub mod seen;
pub mod themes;
