//! A virtual device of a pool: what it is for, how it is, which errors it met ("zpool-status(8)").

use serde::{Deserialize, Serialize};

/// What a virtual device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    #[default]
    Normal,
    Special,
    Dedup,
    Log,
    Cache,
    Spare,
}

impl Class {
    /// The heading that `zpool status` puts above them.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Class::Normal => "data",
            Class::Special => "special",
            Class::Dedup => "dedup",
            Class::Log => "log",
            Class::Cache => "cache",
            Class::Spare => "spare",
        }
    }
}

/// The kinds of [`Vdev::errors`], in their order.
pub const ERROR_KINDS: [&str; 3] = ["read", "write", "checksum"];

/// One virtual device, a leaf or a group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Vdev {
    /// As `zpool status -P` names it: `mirror-0`, `/dev/sda1`; a lost one its guid; a group in a group with the outer one
    /// before it: `mirror-0/spare-0`.
    pub name: String,
    /// 0 is directly below the pool.
    pub depth: u8,
    /// What it is for.
    pub class: Class,
    /// `ONLINE DEGRADED FAULTED OFFLINE UNAVAIL REMOVED AVAIL INUSE`.
    pub state: String,
    /// Read, write and checksum errors.
    pub errors: [u64; 3],
    /// I/O that took longer than 30 s (`zio_slow_io_ms`).
    pub slow: u64,
    /// The note beside it: `was /dev/sdd1`, `(resilvering)`, `external device fault`.
    pub note: String,
    /// It has none below it.
    pub leaf: bool,
}

impl Vdev {
    /// The name without its folders, or the path that a lost one had.
    #[must_use]
    pub fn short_name(&self) -> &str {
        let path = if self.leaf { self.device() } else { &self.name };
        path.rsplit('/').next().unwrap_or(path)
    }

    /// The path of a leaf, or the path that a lost one had.
    #[must_use]
    pub fn device(&self) -> &str {
        self.note.strip_prefix("was ").unwrap_or(&self.name)
    }

    /// Nothing is wrong with its state.
    #[must_use]
    pub fn is_well(&self) -> bool {
        matches!(self.state.as_str(), "ONLINE" | "AVAIL" | "INUSE")
    }
}
