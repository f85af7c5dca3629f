//! Containers: each engine is followed by a thread of its own that keeps what the engine said last; a reading takes that
//! and counts what control groups tell. An engine that hangs costs its thread, and the figures go on.

mod describe;
mod engine;
mod find;
mod usage;

use std::{collections::BTreeMap, sync::Arc};

use super::{CollectCx, Collector, OpenCx};
use crate::{
    model::{
        container::{Container, ContainerSample, RunState},
        event::{Fault, Sample},
    },
    sys::root::Root,
};
use engine::Follower;
use usage::Counters;

/// Opens the source: begins to follow every engine that has a socket, or that the environment names.
///
/// # Errors
/// [`Fault::Absent`] where no engine is found.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    let found = find::engines(&cx.root);
    if found.is_empty() {
        return Err(Fault::Absent(find::looked_at(&cx.root)));
    }
    let engines = (0..).zip(found).map(|(number, found)| Follower::start(number, found)).collect();
    Ok(Box::new(Containers {
        root: cx.root.clone(),
        engines,
        seen: Vec::new(),
        list: Vec::new(),
        counters: Counters::default(),
    }))
}

struct Containers {
    root: Root,
    engines: Vec<Follower>,
    /// What generation of each engine's containers `list` was made from.
    seen: Vec<u64>,
    list: Vec<Arc<Container>>,
    counters: Counters,
}

impl Collector for Containers {
    fn collect(&mut self, _cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let generations: Vec<u64> = self.engines.iter().map(Follower::generation).collect();
        if generations != self.seen {
            self.list = self.engines.iter().flat_map(Follower::containers).collect();
            self.list.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
            self.seen = generations;
        }
        let engines: Vec<_> = self.engines.iter().map(Follower::describe).collect();
        let mut usages = BTreeMap::new();
        self.counters.begin(&self.root);
        for container in &self.list {
            let local = engines.get(usize::from(container.engine)).is_some_and(|e| e.local);
            if local && container.pid > 0 && matches!(container.state, RunState::Running | RunState::Paused) {
                usages.extend(self.counters.read(&self.root, container).map(|usage| (container.id.clone(), usage)));
            }
        }
        self.counters.end();
        Ok(Sample::Containers(ContainerSample { engines, containers: self.list.clone(), usages }))
    }
}
