//! What the control groups of a running container count ("cgroups(7)", versions 1 and 2).

use serde::{Deserialize, Serialize};

/// What the control groups and the network namespace of a running container count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// CPU used, microseconds.
    pub cpu_us: Option<u64>,
    /// Periods in which it was held back by its quota, and periods in all.
    pub throttled_periods: Option<(u64, u64)>,
    /// Memory charged to it without inactive file cache, bytes: as `docker stats` shows it.
    pub memory_bytes: Option<u64>,
    /// Its group's ceiling, bytes.
    pub memory_limit: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Bytes from and to disks.
    pub read_bytes: Option<u64>,
    pub written_bytes: Option<u64>,
    /// Bytes over its own interfaces; `None` where it shares the host's network.
    pub rx_bytes: Option<u64>,
    pub tx_bytes: Option<u64>,
    /// When the engine counted all this: milliseconds since 1970, by its own clock. `None` where it was read here, with the
    /// sample.
    #[serde(default)]
    pub counted_unix_ms: Option<i64>,
}
