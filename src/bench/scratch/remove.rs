//! Removing what a run made, whatever it is.

use std::sync::Arc;

use super::{apart, dataset, engine, kind::Scratch};
use crate::sys::exec::Exec;

/// Removes it if it is of that batch; what is not there any more is as good. For a benchmark that makes and removes
/// scratch again and again, before it says `RunCx::removed`.
///
/// # Errors
/// Why it is still there, in words.
pub fn remove(scratch: &Scratch, batch: &str, exec: &Arc<dyn Exec>) -> Result<(), String> {
    match scratch {
        Scratch::Folder(path) => apart::remove(path, batch),
        Scratch::Dataset(name) => dataset::remove(name, batch, exec),
        Scratch::Container { engine, name } => engine::remove(engine, engine::Kind::Container, name, batch),
        Scratch::Network { engine, name } => engine::remove(engine, engine::Kind::Network, name, batch),
        Scratch::Volume { engine, name } => engine::remove(engine, engine::Kind::Volume, name, batch),
        Scratch::Image { engine, name } => engine::remove(engine, engine::Kind::Image, name, batch),
    }
}
