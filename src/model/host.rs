//! The machine as known from the events so far: the host's part of the fold.

use super::{
    container::Containers,
    cpu::Cpu,
    destination::Destination,
    disk::Disks,
    event::{Envelope, Event, Sample},
    facts::FactsSample,
    filesystem::Filesystems,
    gpu::Gpus,
    health::Healths,
    limits::Limits,
    load::Load,
    log::ContainerLog,
    memory::Memory,
    model_server::ModelServers,
    network::Network,
    pool::Pools,
    power::Power,
    pressure::Pressure,
    process::{ProcessDetail, ProcessMemorySample, Processes},
    run::Standing,
    sensor::Sensors,
    service::{Around, ServiceSample, Services},
    socket::Sockets,
    source::SourceId,
    span::Span,
    store::StoreSample,
};
use crate::clock::Stamp;
use std::time::Duration;

/// Everything known of one machine. A domain that was never read stays at its default; [`Healths`] says why.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Host {
    /// The newest stamp of any event.
    pub now: Stamp,
    /// When the first event came.
    pub began: Option<Stamp>,
    pub health: Healths,
    pub cpu: Cpu,
    pub memory: Memory,
    pub pressure: Pressure,
    pub load: Load,
    pub disks: Disks,
    pub filesystems: Filesystems,
    pub network: Network,
    pub sensors: Sensors,
    pub power: Power,
    pub sockets: Sockets,
    pub facts: FactsSample,
    pub limits: Limits,
    pub gpus: Gpus,
    pub pools: Pools,
    pub containers: Containers,
    pub services: Services,
    pub model_servers: ModelServers,
    pub processes: Processes,
    pub process_detail: Option<ProcessDetail>,
    pub process_memory: ProcessMemorySample,
    pub log: ContainerLog,
    pub stores: StoreSample,
    /// Where notices of alerts go.
    pub destinations: Vec<Destination>,
    /// How the benchmarks stand by their history.
    pub benchmarks: Vec<Standing>,
}

impl Host {
    /// Folds one event in; its sample is moved, so whoever records or forwards an event does so before. Pure: the same events
    /// give the same host, whenever they come.
    pub fn apply(&mut self, event: Event) {
        let at = event.at();
        if let Event::Resumed(at) = event {
            self.health.resumed(self.now, at);
        }
        self.now = self.now.max(at);
        self.began.get_or_insert(at);
        if let Event::Reading(envelope) = event {
            self.read(envelope);
        }
    }

    /// Takes in how a destination of notices does.
    pub fn apply_destination(&mut self, destination: Destination) {
        match self.destinations.iter_mut().find(|known| known.name == destination.name) {
            Some(known) => *known = destination,
            None => self.destinations.push(destination),
        }
    }

    fn read(&mut self, envelope: Envelope) {
        // The span since the sample before is taken before it is booked as the newest.
        let before = self.health.get(envelope.source).and_then(|h| h.good_at);
        self.health.note(&envelope);
        let Ok(sample) = envelope.outcome else { return };
        let span = Span { at: envelope.at, every: envelope.every, since: before.map(|b| envelope.at.since(b)) };
        match sample {
            Sample::Cpu(s) => self.cpu.apply(span, s),
            Sample::Memory(s) => self.memory.apply(span, *s),
            Sample::Pressure(s) => self.pressure.apply(span, s),
            Sample::Load(s) => self.load.apply(span, s),
            Sample::Disks(s) => self.disks.apply(span, s),
            Sample::Filesystems(s) => self.filesystems.apply(span, s),
            Sample::Network(s) => self.network.apply(span, s),
            Sample::Sensors(s) => self.sensors.apply(span, s),
            Sample::Power(s) => self.power.apply(span, s),
            Sample::Sockets(s) => self.sockets.raw = s,
            Sample::Facts(s) => self.facts = *s,
            Sample::Limits(s) => self.limits.apply(span, s),
            Sample::Gpus(s) => self.gpus.apply(span, s),
            Sample::Pools(s) => self.pools.apply(span, *s),
            Sample::Containers(s) => self.containers.apply(span, s),
            Sample::Services(s) => self.probed(span, &s),
            Sample::ModelServers(s) => self.model_servers.apply(span, s),
            Sample::Processes(s) => self.processes.apply(span, s),
            Sample::ProcessMemory(s) => self.process_memory = s,
            Sample::ContainerLog(s) => self.log.apply(s),
            Sample::Stores(s) => self.stores = s,
            Sample::ProcessDetail(s) => ProcessDetail::apply(&mut self.process_detail, span, *s, &self.processes),
        }
    }

    /// What probes found depends on when the machine was booted, and on where an address leads.
    fn probed(&mut self, span: Span, sample: &ServiceSample) {
        let booted = self.health.get(SourceId::Load).and_then(|health| health.good_at).map(|read| {
            Duration::from_secs_f64(self.load.raw.uptime_seconds.max(0.0)).saturating_add(span.at.since(read))
        });
        let network = &self.network;
        let around = Around { booted, is_inner: &|address| network.is_inner(address) };
        self.services.apply(span.at, sample, &around);
    }
}
