//! Facts from outside, as they travel from the sources to the fold and into recordings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    container::ContainerSample,
    cpu::CpuSample,
    disk::DiskSample,
    facts::FactsSample,
    filesystem::FilesystemSample,
    gpu::GpuSample,
    limits::LimitsSample,
    load::LoadSample,
    log::LogSample,
    memory::MemorySample,
    network::NetworkSample,
    pool::PoolSample,
    power::PowerSample,
    pressure::PressureSample,
    process::{ProcessDetailSample, ProcessSample},
    sensor::SensorSample,
    socket::SocketSample,
    store::StoreSample,
};
use crate::clock::Stamp;

/// The name of a source, as `once --json`, `doctor` and the config spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it; the table of sources documents each")]
pub enum SourceId {
    Cpu,
    Memory,
    Pressure,
    Load,
    Disks,
    Filesystems,
    Network,
    Sensors,
    Power,
    Sockets,
    Facts,
    Limits,
    Gpus,
    Pools,
    Containers,
    Processes,
    ProcessDetail,
    ContainerLog,
    Stores,
}

impl SourceId {
    /// Every source, in the order in which lists show them.
    pub const ALL: [SourceId; 19] = [
        Self::Cpu,
        Self::Memory,
        Self::Pressure,
        Self::Load,
        Self::Disks,
        Self::Filesystems,
        Self::Network,
        Self::Sensors,
        Self::Power,
        Self::Sockets,
        Self::Facts,
        Self::Limits,
        Self::Gpus,
        Self::Pools,
        Self::Containers,
        Self::Processes,
        Self::ProcessDetail,
        Self::ContainerLog,
        Self::Stores,
    ];

    /// Read only while a view is open that shows it: its silence means nothing.
    #[must_use]
    pub fn is_on_demand(self) -> bool {
        matches!(self, Self::Sockets | Self::ProcessDetail | Self::ContainerLog | Self::Stores)
    }

    /// Every machine has it: where it cannot be read, nothing is known to be well.
    #[must_use]
    pub fn is_essential(self) -> bool {
        matches!(self, Self::Cpu | Self::Memory | Self::Processes)
    }

    /// `cpu`, `process_detail` …
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Pressure => "pressure",
            Self::Load => "load",
            Self::Disks => "disks",
            Self::Filesystems => "filesystems",
            Self::Network => "network",
            Self::Sensors => "sensors",
            Self::Power => "power",
            Self::Sockets => "sockets",
            Self::Facts => "facts",
            Self::Limits => "limits",
            Self::Gpus => "gpus",
            Self::Pools => "pools",
            Self::Containers => "containers",
            Self::Processes => "processes",
            Self::ProcessDetail => "process_detail",
            Self::ContainerLog => "container_log",
            Self::Stores => "stores",
        }
    }
}

/// One reading of one source: raw counters, never rates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "one variant a source; the payload types are documented")]
pub enum Sample {
    Cpu(CpuSample),
    Memory(Box<MemorySample>),
    Pressure(PressureSample),
    Load(LoadSample),
    Disks(DiskSample),
    Filesystems(FilesystemSample),
    Network(NetworkSample),
    Sensors(SensorSample),
    Power(PowerSample),
    Sockets(SocketSample),
    Facts(Box<FactsSample>),
    Limits(LimitsSample),
    Gpus(GpuSample),
    Pools(Box<PoolSample>),
    Containers(ContainerSample),
    Processes(ProcessSample),
    ProcessDetail(Box<ProcessDetailSample>),
    ContainerLog(LogSample),
    Stores(StoreSample),
}

impl Sample {
    /// Nothing more of this moment is to come: a source that asks others gives what it has, and the rest when they answer.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self {
            Sample::Pools(sample) => sample.is_settled(),
            Sample::Containers(sample) => sample.is_settled(),
            _ => true,
        }
    }
}

/// What is said of a source that is not read.
pub const OFF: &str = "switched off by `sources.disabled` of the config";

/// Why a source gave no sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The machine has no such thing; says where it was looked for.
    Absent(String),
    /// The thing is there but may not be read.
    Denied {
        /// What was refused, with its path.
        what: String,
        /// The cure.
        hint: String,
    },
    /// No answer within the deadline; the question still stands, no second one is asked.
    Timeout,
    /// It answered nonsense, or reading it panicked.
    Broken(String),
}

impl Fault {
    /// The user does not want it read.
    #[must_use]
    pub fn is_off(&self) -> bool {
        matches!(self, Fault::Absent(what) if what == OFF)
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
#[expect(clippy::large_enum_variant, reason = "a tick comes once a refresh; boxing every reading would cost more")]
pub enum Event {
    /// A source answered, or failed to.
    Reading(Envelope),
    /// Time went on: ages and staleness are judged against this.
    Tick(Stamp),
    /// Reading goes on after a pause, or after the program was stopped: nothing was read since the event before, and
    /// no source is to blame for it.
    Resumed(Stamp),
}
