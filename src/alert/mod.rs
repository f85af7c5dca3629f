//! Rules, and the level that a value has under them: colour and alarm alike.

mod load;
mod rule;

pub use load::{merge, shipped};
pub use rule::{Level, Limits, Rule, Side, Watch};
