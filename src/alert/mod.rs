//! Rules, the level that a value has under them (for the colour and the alert), and the alerts that come of it.

pub mod book;
mod load;
pub mod phase;
mod rule;

pub use crate::model::alert::AlertKey;
pub use load::{merge, shipped};
pub use rule::{Level, Limits, Rule, Side, Watch};
