//! Requests to the outside world, as data: the screen builds them, `app` and `act` execute them.

mod bench;
mod container;
mod job;
pub mod limits;
mod pool;
pub mod signal;
pub mod way_back;

pub use bench::BenchAct;
pub use container::ContainerAct;
pub use job::{Done, Job, Outcome, Removal};
pub use limits::ContainerLimits;
pub use pool::{PoolAct, takes_effect};

use crate::model::{alert::AlertSays, engine_address::EngineAddress};

/// A typed request to the outside world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Leave.
    Quit,
    /// Ctrl-Z.
    Suspend,
    /// Redraw the screen.
    Redraw,
    /// An operation: executed on a thread of its own, and reported.
    Job(Job),
    /// What the user says of alerts.
    Mark(AlertSays),
    /// Give the terminal to a shell in this container.
    Shell {
        /// Address of its engine.
        engine: EngineAddress,
        /// Its id.
        id: String,
    },
    /// Something for the runner of benchmarks.
    Bench(BenchAct),
    /// Write these lines into a new file of this name in the current folder.
    Save {
        /// Name of the file; a number is added when there is one.
        name: String,
        /// What is written.
        text: String,
    },
}
