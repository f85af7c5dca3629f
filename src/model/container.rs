//! Containers: what their engines say of them (Docker Engine API, as Podman speaks it too) and what their control groups
//! count ("cgroups(7)", versions 1 and 2), joined by id.

mod engine;
mod meta;
mod row;
#[cfg(test)]
mod tests;
mod usage;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{rate::align, span::Span};

pub use self::{
    engine::Engine,
    meta::{Check, Container, Happening, Health, Mounted, NO_LIMIT_FROM, NetworkOf, RunState, SWAP_UNLIMITED},
    row::{ContainerRow, Peak, RESTARTS_WITHIN_MS},
    usage::Usage,
};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ContainerSample {
    /// Engines that were looked for and found, those that do not answer included.
    pub engines: Vec<Engine>,
    /// Containers of all engines, by name.
    pub containers: Vec<Arc<Container>>,
    /// Counters of those that run, by id.
    pub usages: BTreeMap<String, Usage>,
}

impl ContainerSample {
    /// Every engine has listed its containers, or said why it does not.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.engines.iter().all(|engine| engine.listed || engine.fault.is_some())
    }
}

/// All containers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Containers {
    /// Engines.
    pub engines: Vec<Engine>,
    /// Containers, by name.
    pub rows: Vec<ContainerRow>,
}

impl Containers {
    pub fn apply(&mut self, span: Span, mut sample: ContainerSample) {
        self.engines = sample.engines;
        align(&mut self.rows, &sample.containers, |row, meta| row.meta.id == meta.id, ContainerRow::new);
        for (row, meta) in self.rows.iter_mut().zip(sample.containers) {
            let usage = sample.usages.remove(&meta.id);
            row.apply(span, meta, usage);
        }
        self.label();
    }

    /// Labels those that have none yet, or another name than before.
    fn label(&mut self) {
        if self.rows.iter().all(ContainerRow::is_labelled) {
            return;
        }
        let mut taken: HashSet<Arc<str>> =
            self.rows.iter().filter(|row| row.is_labelled()).map(|row| row.label.clone()).collect();
        for row in &mut self.rows {
            if row.is_labelled() {
                continue;
            }
            let name = row.called();
            let label =
                [name.to_owned(), format!("{name} {}", row.short_id())].into_iter().find(|l| !taken.contains(&**l));
            row.label = label.unwrap_or_else(|| format!("{name} {}", row.meta.id)).into();
            taken.insert(row.label.clone());
        }
    }

    /// The container with an id that starts with `id`, which is not empty.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&ContainerRow> {
        self.rows.iter().find(|row| !id.is_empty() && row.meta.id.starts_with(id))
    }

    /// Those that run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.rows.iter().filter(|row| row.meta.state == RunState::Running).count()
    }
}
