//! Containers: each engine is followed by a thread of its own that keeps what the engine said last; a reading takes that
//! and counts what control groups tell. An engine that hangs costs its thread, and the figures go on.

mod ask;
mod describe;
mod engine;
mod event;
mod find;
mod group;
mod known;
mod lives;
mod stats;
mod usage;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{CollectCx, Collector, OpenCx};
use crate::{
    model::{
        container::{Container, ContainerSample, NetworkOf, RunState},
        engine_address::EngineAddress,
        event::{Fault, Sample},
    },
    sys::root::Root,
};
use engine::Follower;
use usage::Counters;

/// How often sockets are looked for that were not there at the start.
const RESCAN: Duration = Duration::from_secs(30);

/// Opens the source: begins to follow every engine that has a socket, or that the environment names.
///
/// # Errors
/// [`Fault::Absent`] where no engine is found.
pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    let mut source = Containers {
        root: cx.root.clone(),
        more: cx.engines.clone(),
        engines: Vec::new(),
        looked: Instant::now(),
        seen: Vec::new(),
        list: Vec::new(),
        counters: Counters::default(),
    };
    source.look();
    match source.engines.is_empty() {
        true => Err(Fault::Absent(find::looked_at(&cx.root))),
        false => Ok(Box::new(source)),
    }
}

/// Addresses of every engine that has a socket or that the environment names.
pub(super) fn engines(cx: &OpenCx) -> Vec<EngineAddress> {
    find::engines(&cx.root, &cx.engines).into_iter().map(|found| found.address).collect()
}

struct Containers {
    root: Root,
    /// Addresses from the config.
    more: Vec<EngineAddress>,
    engines: Vec<Follower>,
    looked: Instant,
    /// What generation of each engine's containers `list` was made from, and which engines spoke then.
    seen: Vec<(u64, bool)>,
    list: Vec<Arc<Container>>,
    counters: Counters,
}

impl Containers {
    /// Begins to follow engines that are not followed yet. Who is followed stays so: an engine that went away may come back.
    fn look(&mut self) {
        self.looked = Instant::now();
        for found in find::engines(&self.root, &self.more) {
            if self.engines.iter().any(|engine| *engine.address() == found.address) {
                continue;
            }
            let Ok(number) = u16::try_from(self.engines.len()) else { return };
            self.engines.push(Follower::start(number, found));
        }
    }

    /// Whether each engine is the first to answer under its id: one that is reached in two ways is one engine, and the way
    /// that reads control groups is the better one.
    fn speak(&self) -> Vec<bool> {
        let ids: Vec<Option<String>> = self.engines.iter().map(Follower::id).collect();
        let better = |a: usize, b: usize| (self.engines[a].is_local(), b) > (self.engines[b].is_local(), a);
        let twin = |at: usize| {
            (0..ids.len()).any(|other| other != at && ids[at].is_some() && ids[other] == ids[at] && better(other, at))
        };
        (0..ids.len()).map(|at| !twin(at)).collect()
    }
}

impl Collector for Containers {
    fn collect(&mut self, _cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        if self.looked.elapsed() >= RESCAN {
            self.look();
        }
        let speak = self.speak();
        let seen: Vec<(u64, bool)> = self.engines.iter().map(Follower::generation).zip(speak.iter().copied()).collect();
        let speakers = || self.engines.iter().zip(&speak).filter(|(_, speaks)| **speaks).map(|(engine, _)| engine);
        if seen != self.seen {
            self.list = speakers().flat_map(Follower::containers).collect();
            self.list.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
            self.seen = seen;
        }
        let mut usages = BTreeMap::new();
        for engine in speakers() {
            usages.append(&mut engine.usages());
        }
        let mut engines: Vec<_> = self.engines.iter().map(Follower::describe).collect();
        engines.iter_mut().zip(&speak).for_each(|(engine, speaks)| engine.twin = !speaks);
        // Those that are of this machine, and stand in no group that can be read: their engine counts them.
        let mut uncounted: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
        self.counters.begin(&self.root);
        for container in &self.list {
            let local = engines.get(usize::from(container.engine)).is_some_and(|e| e.local);
            if local && container.pid > 0 && matches!(container.state, RunState::Running | RunState::Paused) {
                match self.counters.read(&self.root, container) {
                    Some(usage) => drop(usages.insert(container.id.clone(), usage)),
                    None => drop(uncounted.entry(container.engine).or_default().insert(container.id.clone())),
                }
            }
            // Of a network that it shares, the traffic is not its own.
            if container.network() != NetworkOf::Own
                && let Some(usage) = usages.get_mut(&container.id)
            {
                (usage.rx_bytes, usage.tx_bytes) = (None, None);
            }
        }
        self.counters.end();
        for (number, engine) in (0..).zip(&self.engines).filter(|(_, engine)| engine.is_local()) {
            engine.count_these(uncounted.remove(&number).unwrap_or_default());
        }
        Ok(Sample::Containers(ContainerSample { engines, containers: self.list.clone(), usages }))
    }
}
