//! What the operations on a container and the form for its limits share: how it is named, and the request.

use crate::{
    model::{container::ContainerRow, engine_address::EngineAddress},
    request::{ContainerAct, Job},
    state::State,
    ui::{theme::Role, widgets::sheet::SheetLine},
};

/// A container in a question: name, state, id, image.
#[must_use]
pub fn named(row: &ContainerRow) -> SheetLine {
    let facts = format!("  {}  {}  {}", row.meta.word(), row.short_id(), row.meta.image);
    vec![(row.meta.name.clone(), Role::Strong), (facts, Role::Dim)]
}

/// The request to the outside world.
#[must_use]
pub fn job(row: &ContainerRow, act: ContainerAct, state: &State) -> Job {
    let (id, name) = (row.meta.id.clone(), row.meta.name.clone());
    Job::Container { engine: engine_of(row, state), id, name, act }
}

/// The address of the engine that runs it.
#[must_use]
pub fn engine_of(row: &ContainerRow, state: &State) -> EngineAddress {
    let engines = &state.host.containers.engines;
    engines.get(usize::from(row.meta.engine)).map(|e| e.address.clone()).unwrap_or_default()
}
