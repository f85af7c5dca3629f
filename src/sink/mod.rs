//! Readers of the state that are no screen: a page of text, JSON, the doctor, the scorecard. Each writes to what it is given; a closed
//! pipe is the caller's to swallow.

use std::io;

use crate::{model::event::Event, state::State};

pub mod check;
pub mod doctor;
mod escaping;
pub mod json;
pub mod recording;
pub mod replay;
pub mod report;
pub mod runs;
#[cfg(test)]
mod schema;
pub mod scorecard;
#[cfg(test)]
mod testing;
pub mod text;

/// A reader of a whole run.
pub trait Sink {
    /// What happens next, before it is folded into `state`: who keeps events keeps this one. What the event before changed
    /// among the alerts is in [`State::transitions`].
    fn accept(&mut self, _event: &Event, _state: &State) {}

    /// Nothing more happens.
    ///
    /// # Errors
    /// When the output could not be written.
    fn finish(&mut self, state: &State) -> io::Result<()>;
}
