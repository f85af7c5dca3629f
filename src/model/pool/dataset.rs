//! A dataset: what `zfs list` says of it and what its kstat counts.

use serde::{Deserialize, Serialize};

/// What one dataset's kstat counts since it was mounted ("OpenZFS objset kstat": reads, nread, writes, nwritten).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatasetCounters {
    /// `tank/db`.
    pub name: String,
    /// Reads and bytes read.
    pub reads: u64,
    pub read_bytes: u64,
    /// Writes and bytes written.
    pub writes: u64,
    pub written_bytes: u64,
}

/// What `zfs list` said of one filesystem or volume.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Dataset {
    /// `tank/db`.
    pub name: String,
    /// A volume rather than a filesystem.
    pub volume: bool,
    /// Bytes, descendants and snapshots included.
    pub used: u64,
    /// Bytes that may still be written.
    pub available: u64,
    /// Bytes held by snapshots alone.
    pub by_snapshots: u64,
    /// Compress ratio, 1 and more.
    pub ratio: Option<f64>,
    /// Record or block size, bytes.
    pub record: Option<u64>,
    /// `lz4`, `zstd-3`, `off`.
    pub compression: String,
    /// Quota, bytes; `None` without one.
    pub quota: Option<u64>,
    /// Properties that decide how fast it is beside these: `sync`, `primarycache`, `atime`.
    #[serde(default)]
    pub others: Vec<(String, String)>,
    /// Where it is mounted; `None` when it is not.
    pub mountpoint: Option<String>,
    /// Its snapshots.
    pub snapshots: u32,
    /// When the newest of them was made: seconds since 1970.
    pub newest_snapshot_unix: Option<i64>,
}

impl Dataset {
    /// The pool that it is in.
    #[must_use]
    pub fn pool(&self) -> &str {
        pool_of(&self.name)
    }
}

/// The pool that a dataset is in.
#[must_use]
pub fn pool_of(dataset: &str) -> &str {
    dataset.split(['/', '@', '#']).next().unwrap_or(dataset)
}

/// True when `path` is `folder` or lies in it.
#[must_use]
pub fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
