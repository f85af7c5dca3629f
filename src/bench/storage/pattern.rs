//! What is done to the file in one benchmark, and with how much at once: the same for fio and for the built-in engine.

use std::{path::PathBuf, time::Duration};

use super::place::Direct;

/// The order and direction of the accesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// From the beginning to the end, over and over.
    Read,
    Write,
    /// At random places, 70 % of them reads.
    Random,
}

/// Reads among random accesses, per cent.
pub const READS: u32 = 70;

/// One benchmark's accesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern {
    pub access: Access,
    /// Bytes of one access.
    pub block: u64,
}

impl Pattern {
    /// In words: `random 70/30 4K`.
    #[must_use]
    pub fn words(&self) -> String {
        let access = match self.access {
            Access::Read => "sequential read",
            Access::Write => "sequential write",
            Access::Random => "random 70/30",
        };
        format!("{access} {}", self.block_words())
    }

    /// `4k`, `1M`, as fio takes it.
    #[must_use]
    pub fn block_words(&self) -> String {
        if self.block >= 1 << 20 { format!("{}M", self.block >> 20) } else { format!("{}k", self.block >> 10) }
    }
}

/// How many accesses are under way at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Accesses are queued in the kernel (libaio); otherwise each waits in a thread.
    pub queued: bool,
    pub depth: u32,
    pub jobs: u32,
}

impl Shape {
    /// For a pattern on a filesystem: queues are of no use where the ARC is in between.
    #[must_use]
    pub fn of(access: Access, direct: Direct) -> Self {
        match (direct, access) {
            (Direct::Cached, Access::Random) => Shape { queued: false, depth: 1, jobs: 16 },
            (Direct::Cached, _) => Shape { queued: false, depth: 1, jobs: 1 },
            (_, Access::Random) => Shape { queued: true, depth: 16, jobs: 4 },
            (_, _) => Shape { queued: true, depth: 32, jobs: 1 },
        }
    }

    /// All together.
    #[must_use]
    pub fn at_once(&self) -> u32 {
        self.depth * self.jobs
    }
}

/// One sample, ready to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub pattern: Pattern,
    pub shape: Shape,
    /// The file of the run.
    pub file: PathBuf,
    /// Its size.
    pub size: u64,
    /// Past the page cache.
    pub direct: bool,
    /// `None`: once through the whole file, which is made by that.
    pub time: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_wait_in_queues_where_no_cache_is_between() {
        let of = |access, direct| {
            let shape = Shape::of(access, direct);
            (shape.queued, shape.depth, shape.jobs, shape.at_once())
        };
        for direct in [Direct::Real, Direct::Unknown, Direct::Memory] {
            assert_eq!(of(Access::Random, direct), (true, 16, 4, 64));
            assert_eq!(of(Access::Read, direct), (true, 32, 1, 32));
            assert_eq!(of(Access::Write, direct), (true, 32, 1, 32));
        }
        assert_eq!(of(Access::Random, Direct::Cached), (false, 1, 16, 16));
        assert_eq!(of(Access::Read, Direct::Cached), (false, 1, 1, 1));
        assert_eq!(of(Access::Write, Direct::Cached), (false, 1, 1, 1));
    }

    #[test]
    fn blocks_are_written_as_fio_takes_them() {
        let words = |access, block| Pattern { access, block }.words();
        assert_eq!(words(Access::Read, 1 << 20), "sequential read 1M");
        assert_eq!(words(Access::Write, 128 << 10), "sequential write 128k");
        assert_eq!(words(Access::Random, 4 << 10), "random 70/30 4k");
    }
}
