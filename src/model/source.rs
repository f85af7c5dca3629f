//! TABLE of the sources' names: the id, how `once --json`, `doctor` and the config spell it, how it is needed, and what a
//! reading of it brings. `event` makes its samples of the same rows.

use serde::{Deserialize, Serialize};

/// Expands `$rows!` over every source, in the order in which lists show them.
macro_rules! sources {
    ($rows:ident) => {
        $rows! {
            Cpu "cpu" Essential CpuSample,
            Memory "memory" Essential Box<MemorySample>,
            Pressure "pressure" Regular   PressureSample,
            Load "load" Regular   LoadSample,
            Disks "disks" Regular   DiskSample,
            Filesystems "filesystems" Regular   FilesystemSample,
            Network "network" Regular   NetworkSample,
            Sensors "sensors" Regular   SensorSample,
            Power "power" Regular   PowerSample,
            Sockets "sockets" OnDemand  SocketSample,
            Facts "facts" Regular   Box<FactsSample>,
            Limits "limits" Regular   LimitsSample,
            Gpus "gpus" Regular   GpuSample,
            Pools "pools" Regular   Box<PoolSample>,
            Containers "containers" Regular   ContainerSample,
            Services "services" Regular   ServiceSample,
            ModelServers "model_servers" Regular ModelServerSample,
            Processes "processes" Essential ProcessSample,
            ProcessDetail "process_detail" OnDemand  Box<ProcessDetailSample>,
            ProcessMemory "process_memory" OnDemand  ProcessMemorySample,
            ContainerLog "container_log" OnDemand  LogSample,
            Stores "stores" OnDemand  StoreSample,
        }
    };
}
pub(super) use sources;

/// How a source is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Every machine has it: where it cannot be read, nothing is known to be well.
    Essential,
    /// Where present.
    Regular,
    /// Read only while a view is open that shows it: its silence means nothing.
    OnDemand,
}

macro_rules! ids {
    ($($id:ident $name:literal $need:ident $sample:ty,)*) => {
        /// A source.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum SourceId {
            $($id,)*
        }

        impl SourceId {
            /// Every source, in the order in which lists show them.
            pub const ALL: [SourceId; [$($name),*].len()] = [$(Self::$id,)*];

            /// `cpu`, `process_detail` …
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$id => $name,)*
                }
            }

            fn need(self) -> Need {
                match self {
                    $(Self::$id => Need::$need,)*
                }
            }
        }
    };
}
sources!(ids);

impl SourceId {
    /// Read only while a view is open that shows it: its silence means nothing.
    #[must_use]
    pub fn is_on_demand(self) -> bool {
        self.need() == Need::OnDemand
    }

    /// Every machine has it: where it cannot be read, nothing is known to be well.
    #[must_use]
    pub fn is_essential(self) -> bool {
        self.need() == Need::Essential
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_recordings() {
        for id in SourceId::ALL {
            assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{}\"", id.name()));
        }
    }
}
