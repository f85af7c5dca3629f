//! What a value, an alert or a view is about. It identifies the same object for its lifetime, across renames,
//! reordering and restarts of this program; what the screen shows of it is looked up by it.

use serde::{Deserialize, Serialize};

use super::{engine_address::EngineAddress, figure::SeriesKey, process::ProcKey, source::SourceId};

/// One object of the machine, by what never changes about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Cpu,
    /// By number.
    Core(u16),
    Memory,
    /// The ZFS cache.
    Arc,
    /// `cpu`, `memory`, `io`: what is waited for.
    Pressure(String),
    Network,
    /// By the name of its device.
    Interface(String),
    /// By the name of its device.
    Disk(String),
    /// By its mount point.
    Filesystem(String),
    /// By its label.
    Sensor(String),
    /// By its id: `GPU-…` or the PCI address.
    Gpu(String),
    Pool(String),
    /// By its name, with that of the groups it is in.
    Vdev {
        pool: String,
        vdev: String,
    },
    Dataset(String),
    Engine(EngineAddress),
    /// A name may be used again, an id is not.
    Container {
        engine: EngineAddress,
        id: String,
    },
    /// A pid is used again, with another start time.
    Process(ProcKey),
    /// By its name in the config.
    Service(String),
    /// By the name of its server.
    ModelServer(String),
    Source(SourceId),
    /// A series of benchmark runs: a figure on a target.
    Benchmark(SeriesKey),
}
