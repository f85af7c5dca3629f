//! Mounted filesystems ("proc(5)" mountinfo, statvfs(3)).

use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// What statvfs said of one mount, bytes and inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Space {
    pub size: u64,
    pub free: u64,
    /// Free for those who are not root.
    pub available: u64,
    pub inodes: u64,
    pub inodes_free: u64,
}

impl Space {
    /// As `df` has it: used of what ordinary users could use, 0 to 1; `None` for an empty size.
    #[must_use]
    pub fn used_ratio(&self) -> Option<f64> {
        let used = self.size.saturating_sub(self.free);
        let usable = used.saturating_add(self.available);
        (usable > 0).then(|| used as f64 / usable as f64)
    }

    /// Used inodes, 0 to 1; `None` where the filesystem counts none.
    #[must_use]
    pub fn inodes_ratio(&self) -> Option<f64> {
        (self.inodes > 0).then(|| self.inodes.saturating_sub(self.inodes_free) as f64 / self.inodes as f64)
    }
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filesystem {
    /// Where it is mounted, cleaned.
    pub mount: String,
    /// Device or dataset, cleaned.
    pub device: String,
    /// `ext4`, `zfs`, `nfs4` …
    pub kind: String,
    /// Mounted read-only.
    pub read_only: bool,
    /// Its space, or why it is unknown (a dead server: `Timeout`).
    pub space: Result<Space, Fault>,
}

/// One reading: real filesystems, one row a device, shortest mount point first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FilesystemSample {
    /// Mounts.
    pub filesystems: Vec<Filesystem>,
}

/// All that is shown of filesystems.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filesystems {
    /// Mounts.
    pub filesystems: Vec<Filesystem>,
}
