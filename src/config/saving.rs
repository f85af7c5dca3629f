//! Where settings are saved, as a setting itself: known before anything is saved.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Where settings are saved, and which of them something stronger sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saving {
    /// The file; `None` without a home.
    pub file: Option<PathBuf>,
    /// The user's own file, whether it is there or not.
    pub own: Option<PathBuf>,
    /// What wins over the file, by setting.
    pub pinned: BTreeMap<String, Pin>,
}

/// What sets a setting so that a saved value would not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pin {
    /// This line of the user's own file.
    Line(usize),
    /// This variable.
    Variable(String),
}
