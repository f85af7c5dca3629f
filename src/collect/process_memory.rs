//! The proportional memory of some processes, while a view shows who holds most. Each reading walks through all pages of
//! a process under its lock: a second for hundreds of gigabytes. So a round reads for a moment only and goes on in the
//! next, and what was slow is read seldom.

use std::{
    io,
    time::{Duration, Instant},
};

use rustix::io::Errno;

use super::{
    CollectCx, Collector, OpenCx,
    proc_files::{Files, Kind},
    process_detail::start_ticks,
};
use crate::{
    clock::Stamp,
    model::{
        event::Sample,
        fault::Fault,
        process::{ProcKey, ProcessMemorySample},
    },
    sys::{
        parse::{number, value_of, words},
        root::Root,
    },
};

/// A process is read this often.
const EVERY: Duration = Duration::from_secs(5);
/// Hanging readers at most: beyond that, nothing more is read.
const MOST_HUNG: usize = 4;

pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Memory::new(&cx.root, LIMITS)))
}

/// What a reading may take.
struct Limits {
    /// No reading of another process begins later in a round.
    round: Duration,
    /// A file unread for this long counts as hanging.
    patience: Duration,
    /// A process is read again in so many times of what its reading took.
    seldom: u32,
}

const LIMITS: Limits = Limits { round: Duration::from_millis(200), patience: Duration::from_secs(3), seldom: 50 };

struct Memory {
    root: Root,
    limits: Limits,
    files: Option<Files>,
    /// Waiting readers.
    hung: Vec<Files>,
    known: Vec<Known>,
}

/// A process that was read.
struct Known {
    key: ProcKey,
    pss: Option<u64>,
    due: Stamp,
}

/// Why a process has no figure.
#[derive(Debug, PartialEq, Eq)]
enum Miss {
    Ended,
    Denied,
    Hangs,
}

impl Miss {
    fn of(error: Errno) -> Self {
        match error {
            Errno::ACCESS | Errno::PERM => Miss::Denied,
            _ => Miss::Ended,
        }
    }
}

impl Collector for Memory {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let wanted = &cx.want.memory_of;
        self.known.retain(|known| wanted.contains(&known.key));
        let end = Instant::now() + self.limits.round;
        for key in wanted {
            let at = self.known.iter().position(|known| known.key == *key);
            if at.is_some_and(|at| self.known[at].due > cx.at) {
                continue;
            }
            let began = Instant::now();
            if began > end {
                break;
            }
            let outcome = self.read(*key);
            if let Some(at) = at {
                self.known.swap_remove(at);
            }
            let pss = match outcome {
                Ok(bytes) => Some(bytes),
                Err(Miss::Denied | Miss::Hangs) => None,
                Err(Miss::Ended) => continue,
            };
            let due = cx.at.plus(EVERY.max(began.elapsed() * self.limits.seldom));
            self.known.push(Known { key: *key, pss, due });
        }
        let pss = self.known.iter().map(|known| (known.key, known.pss)).collect();
        Ok(Sample::ProcessMemory(ProcessMemorySample { pss }))
    }
}

impl Memory {
    fn new(root: &Root, limits: Limits) -> Self {
        Memory { root: root.clone(), limits, files: None, hung: Vec::new(), known: Vec::new() }
    }

    fn read(&mut self, key: ProcKey) -> Result<u64, Miss> {
        let is_it = |root: &Root| start_ticks(root, key.pid) == Some(key.start_ticks);
        if !is_it(&self.root) {
            return Err(Miss::Ended);
        }
        let now = Instant::now();
        self.hung.retain_mut(|files| matches!(files.next(now), Ok(None)));
        if self.hung.len() >= MOST_HUNG {
            return Err(Miss::Hangs);
        }
        let answer = self.one(key).map_err(|_| Miss::Hangs)?.ok_or(Miss::Hangs)?;
        let bytes = answer.map_err(Miss::of)?;
        // Its pid may have been given to another meanwhile.
        let kilobytes = value_of(&bytes, b"Pss").and_then(|value| words(value).next()).and_then(number);
        kilobytes.filter(|_| is_it(&self.root)).map(|kilobytes| kilobytes * 1024).ok_or(Miss::Ended)
    }

    /// The file of one process; `None` when it is late.
    fn one(&mut self, key: ProcKey) -> io::Result<Option<Result<Vec<u8>, Errno>>> {
        let mut files = self.files.take().map_or_else(Files::open, Ok)?;
        let path = self.root.path(format!("proc/{}/smaps_rollup", key.pid));
        let answer = files.one(Kind::Piece, &path, self.limits.patience)?;
        match answer {
            Some(_) => self.files = Some(files),
            None => self.hung.push(files),
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::interest::Interest;

    /// No machine is too slow for these.
    const PATIENT: Limits = Limits { round: Duration::from_secs(3600), patience: Duration::from_secs(3600), seldom: 0 };

    fn process(root: &std::path::Path, pid: u32, pss: Option<u64>) -> ProcKey {
        let folder = root.join(format!("proc/{pid}"));
        fs::create_dir_all(&folder).expect("a folder");
        let stat = format!("{pid} (job) S 1 1 1 0 -1 0 0 0 0 0 1 0 0 0 20 0 1 0 99 4096 3\n");
        fs::write(folder.join("stat"), stat).expect("its stat");
        if let Some(kilobytes) = pss {
            let rollup =
                format!("00-ff ---p 00000000 00:00 0 [rollup]\nRss: 90 kB\nPss: {kilobytes} kB\nPss_Dirty: 1 kB\n");
            fs::write(folder.join("smaps_rollup"), rollup).expect("its rollup");
        }
        ProcKey { pid, start_ticks: 99 }
    }

    #[test]
    fn those_that_are_asked_for_are_read_and_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = [process(folder.path(), 7, Some(12)), process(folder.path(), 8, Some(34))];
        let reused = ProcKey { pid: 7, start_ticks: 98 };
        let ended = process(folder.path(), 9, None);
        let mut source = Memory::new(&Root::new(folder.path()), PATIENT);
        let mut read = |second, wanted: &[ProcKey]| {
            let want = Interest { memory_of: wanted.to_vec(), ..Interest::default() };
            match source.collect(&CollectCx::new(Stamp::at_seconds(second), &want)) {
                Ok(Sample::ProcessMemory(sample)) => sample,
                other => panic!("{other:?}"),
            }
        };
        let sample = read(1, &[keys[0], keys[1], reused, ended]);
        assert_eq!(sample.pss, [(keys[0], Some(12 << 10)), (keys[1], Some(34 << 10))]);
        process(folder.path(), 8, Some(56));
        assert_eq!(read(2, &keys).of(keys[1]), Some(34 << 10), "not so soon");
        assert_eq!(read(7, &keys).of(keys[1]), Some(56 << 10));
        assert_eq!(read(8, &keys[..1]).of(keys[1]), None);
    }

    #[test]
    fn what_may_not_be_read_has_not_ended() {
        for (error, miss) in [
            (Errno::ACCESS, Miss::Denied),
            (Errno::PERM, Miss::Denied),
            (Errno::SRCH, Miss::Ended),
            (Errno::NOENT, Miss::Ended),
        ] {
            assert_eq!(Miss::of(error), miss);
        }
    }
}
