//! What the threads of the store say, and how they find the file.

use std::{path::PathBuf, sync::Arc};

use super::{History, Place, StoreError};

/// What the threads of the store have to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// What the file holds and was not told before. The first says that all was read, or that there is nothing.
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
    Said(String),
}

impl Told {
    pub(super) fn none(error: &StoreError) -> Told {
        if error.is_off() { Told::Off(error.to_string()) } else { Told::Failing(error.to_string()) }
    }
}

/// How it is told: from threads of the store.
pub type Tell = Arc<dyn Fn(Told) + Send + Sync>;

/// Finds the file, on a thread that may hang.
pub(super) type Find = Arc<dyn Fn() -> Result<Place, StoreError> + Send + Sync>;
