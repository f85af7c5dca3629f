//! What a key asks of the outside world.

use crate::{act::job::Job, model::engine_address::EngineAddress, state::AlertKey};

/// A typed request to the outside world; the loop carries it out and says how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Leave.
    Quit,
    /// Ctrl-Z.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// An operation: carried out on a thread of its own, and reported.
    Job(Job),
    /// The user has seen this alert, or takes that back.
    Acknowledge(AlertKey),
    /// Step aside for a shell in this container.
    Shell {
        /// Address of its engine.
        engine: EngineAddress,
        /// Its id.
        id: String,
    },
    /// Write these lines into a new file of this name in the current folder.
    Save {
        /// Name of the file; a number is added when there is one.
        name: String,
        /// What is written.
        text: String,
    },
    /// Another time between refreshes.
    Refresh(std::time::Duration),
}
