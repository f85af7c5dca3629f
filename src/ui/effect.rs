//! What a key leads to: a request to the outside world, or a change of the screen.

use super::{
    overlays::{Overlay, container_acts::Wish, pool_acts::Step},
    pane::PaneId,
    theme::Theme,
};
use crate::{
    act::job::Job,
    alert::Level,
    model::{engine_address::EngineAddress, process::ProcKey},
    state::AlertKey,
};

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

/// What came of a key or a click.
pub enum Effect {
    /// Ask the outside world.
    Do(Command),
    /// Lay this over the screen.
    Open(Box<dyn Overlay>),
    /// Take the top overlay away.
    Close,
    /// Show one line in the footer for some seconds.
    Say(Level, String),
    /// Treat as if this action had been asked for.
    Act(super::action::Action),
    /// Put this theme on.
    Wear(Box<Theme>),
    /// Save these settings as they stand on the screen.
    Save(Vec<&'static str>),
    /// Tell a pane, or the overlay that is now on top, what was chosen.
    Tell(To, Message),
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// A pane.
    Pane(PaneId),
    /// The topmost overlay, after the effects before this one.
    Top,
}

/// What was chosen in a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Sort by this column; the same column again turns the order around.
    Sort(&'static str),
    /// Show these columns, left to right.
    Columns(Vec<&'static str>),
    /// Show the processes of this user alone; `None` shows all.
    User(Option<u32>),
    /// Do this to the containers with these ids.
    Container {
        /// Which.
        ids: Vec<String>,
        /// What.
        act: Wish,
    },
    /// Go on with what is to be done to this pool.
    Pool {
        /// Which.
        pool: String,
        /// What.
        step: Step,
    },
    /// Remove what engines keep.
    Remove {
        /// What it is called together.
        what: String,
        /// Engine and id of each.
        things: Vec<(EngineAddress, String)>,
    },
    /// Send this signal to those that were meant when the list was opened.
    Signal {
        /// Targets.
        targets: Vec<ProcKey>,
        /// Signal number.
        number: i32,
    },
}
