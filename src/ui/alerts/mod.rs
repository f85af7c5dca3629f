//! Alerts: what fires, what is about to, what was; why, and what can be done about it.

mod list;
mod operations;
mod page;
pub mod panel;
#[cfg(test)]
mod testing;
mod words;
