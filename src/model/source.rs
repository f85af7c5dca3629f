//! What is read: the names of the sources. Apart from `event`, so that a domain needs no list of all domains.

use serde::{Deserialize, Serialize};

/// The name of a source, as `once --json`, `doctor` and the config spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
