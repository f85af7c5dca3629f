//! Rules, and the level that a value has under them: colour and alarm alike.

mod load;
pub mod phase;
mod rule;

pub use load::{merge, shipped};
pub use rule::{Level, Limits, Rule, Side, Watch};

/// What names an alert as long as it lasts: its rule and its labels.
pub type AlertKey = (String, Vec<(String, String)>);
