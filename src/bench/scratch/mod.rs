//! What a run makes and leaves nothing of: folders, containers, networks, volumes, images, datasets. Each is written into
//! a journal before it is made, and removed only if it has our mark: a name in a journal is no proof that what has
//! that name now is ours.

pub mod apart;
mod dataset;
mod engine;
mod folder;
mod journal;
mod kind;
mod remove;

use std::path::{Path, PathBuf};

pub use dataset::Dataset;
pub use journal::{Journal, Left, clean_up};
pub use kind::{LABEL, MARKER, PROPERTY, Scratch, name};
pub use remove::remove;

use super::{contract::RunCx, stop::Stop};

/// Makes a new folder in `parent` and writes it into the journal before.
///
/// # Errors
/// When the journal or the folder cannot be written.
pub fn folder(cx: &mut dyn RunCx, parent: &Path) -> Result<PathBuf, Stop> {
    folder::make(cx, parent)
}

/// Makes a new dataset below `parent` with these properties, `name=value`, and writes it into the journal before.
///
/// # Errors
/// When the journal cannot be written, and what `zfs` complains of.
pub fn dataset(cx: &mut dyn RunCx, parent: &str, properties: &[&str]) -> Result<Dataset, Stop> {
    dataset::make(cx, parent, properties)
}
