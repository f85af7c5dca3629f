//! Facts from outside, as they travel from the sources to the fold and into recordings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    alert::{AlertMark, AlertNews},
    container::ContainerSample,
    cpu::CpuSample,
    destination::Destination,
    disk::DiskSample,
    facts::FactsSample,
    fault::Fault,
    filesystem::FilesystemSample,
    gpu::GpuSample,
    header::Header,
    limits::LimitsSample,
    load::LoadSample,
    log::LogSample,
    memory::MemorySample,
    model_server::ModelServerSample,
    network::NetworkSample,
    operation::Operation,
    pool::PoolSample,
    power::PowerSample,
    pressure::PressureSample,
    process::{ProcessDetailSample, ProcessMemorySample, ProcessSample},
    run::RunEvent,
    sensor::SensorSample,
    service::ServiceSample,
    socket::SocketSample,
    source::{SourceId, sources},
    store::StoreSample,
};
use crate::clock::Stamp;

macro_rules! samples {
    ($($id:ident $name:literal $need:ident $sample:ty,)*) => {
        /// One reading of one source: raw counters, never rates.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Sample {
            $($id($sample),)*
        }
    };
}
sources!(samples);

impl Sample {
    /// Nothing more of this moment is to come: a source that asks others gives what it has, and the rest when they answer.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self {
            Sample::Pools(sample) => sample.is_settled(),
            Sample::Containers(sample) => sample.is_settled(),
            Sample::Services(sample) => sample.is_settled(),
            Sample::ModelServers(sample) => sample.settled,
            _ => true,
        }
    }

    /// It has all that there is: what is not in it is not there, rather than not known yet.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match self {
            Sample::Services(sample) => sample.is_complete(),
            other => other.is_settled(),
        }
    }
}

/// What a lane sends: a sample or the reason for its absence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Who speaks.
    pub source: SourceId,
    /// When the reading was taken.
    pub at: Stamp,
    /// How long it took.
    pub took: Duration,
    /// The pace at which the next one is due.
    pub every: Duration,
    /// The reading.
    pub outcome: Result<Sample, Fault>,
}

/// A fact from outside: all that the fold ever sees, and all that a recording holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A source answered, or failed to.
    Reading(Envelope),
    /// Time went on: ages and staleness are judged against this.
    Tick(Stamp),
    /// Reading goes on after a pause, or after the program was stopped: nothing was read since the event before, and
    /// no source is to blame for it.
    Resumed(Stamp),
    /// The machine was suspended until now, for so long: the clock of the stamps stood still.
    Woke { at: Stamp, slept: Duration },
    /// The user answered an alert.
    Alert(AlertMark),
    /// What other programs that share the history, or this one before its start, know of alerts.
    Alerts(Box<AlertNews>),
    /// How a destination of notices does.
    Destination(Destination),
    /// An operation of ours has ended.
    Act(Operation),
    /// A benchmark began, went on or ended.
    Run(RunEvent),
    /// A run begins.
    Header(Header),
}

impl Event {
    /// When it was.
    #[must_use]
    pub fn at(&self) -> Stamp {
        match self {
            Event::Reading(envelope) => envelope.at,
            Event::Tick(at) | Event::Resumed(at) | Event::Woke { at, .. } => *at,
            Event::Alert(mark) => mark.at,
            Event::Alerts(news) => news.at,
            Event::Destination(destination) => destination.at,
            Event::Act(operation) => operation.at,
            Event::Run(run) => run.at(),
            Event::Header(header) => header.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{container::Engine, service::Probed};

    #[test]
    fn a_sample_of_others_is_settled_when_each_has_answered() {
        let engine = |listed| {
            Sample::Containers(ContainerSample {
                engines: vec![Engine { listed, ..Engine::default() }],
                ..ContainerSample::default()
            })
        };
        let service = |stuck: bool| {
            let stuck = stuck.then(|| (crate::model::service::round::Cause::Setup, "no thread".to_owned()));
            let probed = Probed { probe: Default::default(), round: None, stuck };
            Sample::Services(ServiceSample { services: vec![probed] })
        };
        let servers = |settled| Sample::ModelServers(ModelServerSample { settled, ..ModelServerSample::default() });
        let pools = |states: &[&str]| {
            let states = states.iter().map(|name| ((*name).to_owned(), "ONLINE".to_owned())).collect();
            Sample::Pools(Box::new(PoolSample { states, ..PoolSample::default() }))
        };
        for (sample, settled, complete) in [
            (engine(false), false, false),
            (engine(true), true, true),
            (service(false), false, false),
            (service(true), true, false),
            (servers(false), false, false),
            (servers(true), true, true),
            (pools(&["tank"]), false, false),
            (pools(&[]), true, true),
            (Sample::Load(LoadSample::default()), true, true),
        ] {
            assert_eq!((sample.is_settled(), sample.is_complete()), (settled, complete), "{sample:?}");
        }
    }
}
