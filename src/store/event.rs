//! What the threads of the store report, and how they find the file.

use std::{path::PathBuf, sync::Arc};

use super::{History, Place, StoreError};

/// What the threads of the store report.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreEvent {
    /// What the file holds and was not reported before. The first says that all was read, or that there is nothing.
    History(Box<History>),
    /// This program keeps the book of alerts, or another one does.
    Alerts { owned: bool },
    /// Results are kept in this file.
    Kept(PathBuf),
    /// Nothing is kept, as the user wants it; by what.
    Off(String),
    /// Nothing is kept for now; why, and what to do about it. What is handed over meanwhile waits.
    Failing(String),
    /// The user should know this once.
    Message(String),
}

impl StoreEvent {
    pub(super) fn none(error: &StoreError) -> StoreEvent {
        if error.is_off() { StoreEvent::Off(error.to_string()) } else { StoreEvent::Failing(error.to_string()) }
    }
}

/// How it is reported: from threads of the store.
pub type Emit = Arc<dyn Fn(StoreEvent) + Send + Sync>;

/// Finds the file, on a thread that may hang.
pub(super) type Find = Arc<dyn Fn() -> Result<Place, StoreError> + Send + Sync>;
