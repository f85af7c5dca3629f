//! The kinds of scratch that a run makes, and how each is marked and named.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// The label that containers, networks, volumes and images of a run must have: only what has it is ever removed. Its
/// value is the batch.
pub const LABEL: &str = "benchtop.bench";
/// The user property that datasets of a run have, with the batch as its value.
pub const PROPERTY: &str = "benchtop:bench";
/// The file in every folder of ours; it names the batch.
pub const MARKER: &str = ".benchtop-scratch";
/// How names of what we make begin; the batch follows.
pub(super) const PREFIX: &str = "benchtop-bench-";

/// Something made for a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scratch {
    /// A folder of ours and all in it. [`super::folder()`] makes it, with [`MARKER`] in it.
    Folder(PathBuf),
    /// On the engine of that address, as it is dialled (the journal is its owner's alone), with [`LABEL`]; so are those
    /// below. Its anonymous volumes go with it.
    Container {
        engine: String,
        name: String,
    },
    Network {
        engine: String,
        name: String,
    },
    Volume {
        engine: String,
        name: String,
    },
    /// By its tag. One that is imported gets the label by `changes`.
    Image {
        engine: String,
        name: String,
    },
    /// A dataset of ours, with [`PROPERTY`]. [`super::dataset()`] makes it.
    Dataset(String),
}

impl fmt::Display for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scratch::Folder(path) => write!(f, "folder {}", path.display()),
            Scratch::Container { name, .. } => write!(f, "container {name}"),
            Scratch::Network { name, .. } => write!(f, "network {name}"),
            Scratch::Volume { name, .. } => write!(f, "volume {name}"),
            Scratch::Image { name, .. } => write!(f, "image {name}"),
            Scratch::Dataset(name) => write!(f, "dataset {name}"),
        }
    }
}

/// The name for something of this batch: `benchtop-bench-18f3a-42-web`.
#[must_use]
pub fn name(batch: &str, what: &str) -> String {
    if what.is_empty() { format!("{PREFIX}{batch}") } else { format!("{PREFIX}{batch}-{what}") }
}
