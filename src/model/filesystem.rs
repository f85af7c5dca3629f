//! Mounted filesystems ("proc(5)" mountinfo, statvfs(3)).

use serde::{Deserialize, Serialize};

use super::{fault::Fault, rate::align, series::Series, span::Span};

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
    /// As `df` has it: used share of the space for ordinary users, 0 to 1; `None` for an empty size.
    #[must_use]
    pub fn used_ratio(&self) -> Option<f64> {
        let used = self.used();
        let usable = used.saturating_add(self.available);
        (usable > 0).then(|| used as f64 / usable as f64)
    }

    /// Bytes that hold data.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.size.saturating_sub(self.free)
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
    /// Options of the mount and of the filesystem, by commas, cleaned.
    #[serde(default)]
    pub options: String,
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
    /// The past of each, in the same order.
    pasts: Vec<Past>,
}

/// How much of one mount was used.
#[derive(Debug, Clone, PartialEq, Default)]
struct Past {
    mount: String,
    /// Bytes.
    used: Series,
}

impl Filesystems {
    /// Folds one sample in.
    pub fn apply(&mut self, span: Span, sample: FilesystemSample) {
        let make = |now: &Filesystem| Past { mount: now.mount.clone(), used: Series::default() };
        align(&mut self.pasts, &sample.filesystems, |past, now| past.mount == now.mount, make);
        for (past, now) in self.pasts.iter_mut().zip(&sample.filesystems) {
            let used = now.space.as_ref().ok().map(|space| space.used() as f64);
            past.used.push(span.at, span.every, used);
        }
        self.filesystems = sample.filesystems;
    }

    /// The bytes that were used of the mount at this point.
    #[must_use]
    pub fn used_history(&self, mount: &str) -> Option<&Series> {
        self.pasts.iter().find(|past| past.mount == mount).map(|past| &past.used)
    }

    /// Bytes that the mount grew by each second, over all of its past that is known; `None` before a minute of it is.
    #[must_use]
    pub fn growth(&self, mount: &str) -> Option<f64> {
        let past = self.used_history(mount)?;
        let newest = past.back(0)?;
        let (back, oldest) = (1..past.len()).rev().find_map(|back| Some((back, past.back(back)?)))?;
        let seconds = past.step().as_secs_f64() * back as f64;
        (seconds >= 60.0).then(|| (newest - oldest) / seconds)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    fn sample(used: &[(&str, u64)]) -> FilesystemSample {
        let one = |(mount, used): &(&str, u64)| Filesystem {
            mount: (*mount).to_owned(),
            device: "/dev/sda1".to_owned(),
            kind: "ext4".to_owned(),
            options: "rw".to_owned(),
            read_only: false,
            space: Ok(Space { size: 1 << 30, free: (1 << 30) - used, available: (1 << 30) - used, ..Space::default() }),
        };
        FilesystemSample { filesystems: used.iter().map(one).collect() }
    }

    #[test]
    fn growth_is_that_of_the_known_past_of_its_own_mount() {
        let mut all = Filesystems::default();
        for second in 0..=12_u64 {
            let every = Duration::from_secs(10);
            let span = Span { at: Stamp::at_seconds(10 * second + 1), every, since: Some(every) };
            let own = ("/srv", second * 1024 * 10);
            let mounts = if second < 3 { vec![own] } else { vec![("/mnt", 512), own] };
            all.apply(span, sample(&mounts));
            let growth = all.growth("/srv");
            assert_eq!(growth, (second >= 6).then_some(1024.0), "after {second} readings");
        }
        assert_eq!((all.growth("/mnt"), all.growth("/gone")), (Some(0.0), None));
    }
}
