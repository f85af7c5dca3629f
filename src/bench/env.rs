//! What a suite needs of its surroundings, whoever starts it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::scratch::Journal;
use crate::{
    clock::Clock,
    model::run::RunEvent,
    sys::{exec::Exec, root::Root},
};

/// The machine, and where lock and journal are.
#[derive(Clone)]
pub struct Env {
    pub clock: Clock,
    pub exec: Arc<dyn Exec>,
    pub root: Root,
    /// Folders in which the lock is taken.
    pub locks: Vec<PathBuf>,
    /// The folder of the journals.
    pub journals: PathBuf,
    /// How long a benchmark waits for others to be quiet.
    pub quiet: Duration,
}

/// Gives events away.
pub type Emit = Arc<dyn Fn(RunEvent) + Send + Sync>;

/// The journal, also after a thread that had it panicked.
pub(super) fn guard(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}
