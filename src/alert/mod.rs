//! Rules, the level that a value has under them (for the colour and the alert), and the alerts that come of it.

pub mod book;
pub mod flap;
pub mod judgement;
mod load;
pub mod maintenance;
pub mod normal;
pub mod phase;
mod rule;
pub mod saved;
pub mod transition;
mod watch;

pub use crate::model::alert::AlertKey;
pub use load::{merge, shipped};
pub use rule::{Level, Limits, Rule, Side, Times};
pub use watch::{Muted, Watch};
