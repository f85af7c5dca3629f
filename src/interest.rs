//! What the readers of the state need now, so that the rest is read slowly or not at all.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{engine_address::EngineAddress, process::ProcKey, service::target::ServiceTarget};

/// What is needed beyond what every source reads anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interest {
    /// Processes on the screen: their storage rates are read.
    pub visible: Vec<ProcKey>,
    /// Storage rates of all processes (sorted or filtered by them).
    pub io_of_all: bool,
    /// Command lines of all processes, at once: words are searched for in them.
    pub commands_of_all: bool,
    /// Threads have rows of their own.
    pub threads: bool,
    /// The process whose detail is open.
    pub detail: Option<ProcKey>,
    /// Processes whose proportional memory is shown.
    pub memory_of: Vec<ProcKey>,
    /// The list of sockets is open.
    pub sockets: bool,
    /// The process whose network's sockets are looked at: the first one of the container whose detail is open.
    pub sockets_of: Option<u32>,
    /// The container whose log is open: its engine's address and its id.
    pub log: Option<(EngineAddress, String)>,
    /// The view of images, volumes and networks is open.
    pub stores: bool,
    /// Services that were added since the start.
    pub services: Arc<[ServiceTarget]>,
    /// Results of benchmarks are looked at: those that another program measures meanwhile are read too.
    pub runs: bool,
    /// Operations of ours that were done so far: what they changed is asked for again.
    pub acts_done: u64,
    /// Keyframes that were needed so far (`Processes::keyframes_wanted`): when it goes up, differences were lost.
    pub keyframes: u64,
    /// Readings are written down: each minute has a keyframe, so that a recording can be entered in the middle.
    pub recording: bool,
    /// Two readings are compared: what rests, as nothing of it moves, is read a second time like the others.
    pub pairs: bool,
    /// Nothing is to be read: the screen is paused or suspended.
    pub paused: bool,
}

/// The mailbox through which the loop hands the newest interest to the lanes.
#[derive(Clone, Default)]
pub struct InterestCell(Arc<Mutex<Arc<Interest>>>);

impl InterestCell {
    /// The newest interest.
    #[must_use]
    pub fn get(&self) -> Arc<Interest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces it.
    pub fn set(&self, interest: Interest) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(interest);
    }
}
