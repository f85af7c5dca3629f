//! Storage counters of the processes on the screen ("proc(5)" pid/io). A process that sleeps moves nothing: its counters
//! are told again without being read.

use rustix::io::Errno;

use super::{
    folder::{Folder, Path},
    slot::{Flag, Slot},
};
use crate::{
    collect::Want,
    model::process::{ProcIo, ProcessSample},
    sys::parse::{number, trim, value_of},
};

/// What was read in the round before.
#[derive(Default)]
pub(super) struct Ios {
    /// Ascending by pid, each with the moment of its reading.
    known: Vec<(ProcIo, u64)>,
    next: Vec<(ProcIo, u64)>,
}

impl Ios {
    /// Reads those that are wanted.
    pub(super) fn round(
        &mut self,
        folder: &mut Folder,
        slots: &mut [Slot],
        want: &Want,
        now_us: u64,
        sample: &mut ProcessSample,
    ) {
        self.next.clear();
        if want.io_of_all {
            for slot in slots.iter_mut().filter(|s| !s.has(Flag::Kernel)) {
                self.one(folder, slot, now_us, sample);
            }
        } else {
            let mut pids: Vec<u32> = want.visible.iter().map(|k| k.pid).collect();
            pids.sort_unstable();
            for pid in pids {
                if let Ok(at) = slots.binary_search_by_key(&pid, |s| s.pid)
                    && !slots[at].has(Flag::Kernel)
                {
                    self.one(folder, &mut slots[at], now_us, sample);
                }
            }
        }
        std::mem::swap(&mut self.known, &mut self.next);
    }

    fn one(&mut self, folder: &mut Folder, slot: &mut Slot, now_us: u64, sample: &mut ProcessSample) {
        if slot.has(Flag::Sealed) {
            return;
        }
        let before = self.known.binary_search_by_key(&slot.pid, |(io, _)| io.key.pid).ok();
        let before = before.map(|at| self.known[at]).filter(|(io, _)| io.key == slot.key());
        let over_us = before.map_or(0, |(_, at)| now_us.saturating_sub(at));
        let io = match before {
            Some((io, _)) if slot.asleep() => ProcIo { over_us, ..io },
            _ => match folder.read(&Path::of(slot.pid, b"/io")) {
                Ok(bytes) => match parse(bytes) {
                    Some((read_bytes, written_bytes)) => ProcIo { key: slot.key(), read_bytes, written_bytes, over_us },
                    None => return,
                },
                Err(error) => {
                    // Another user's: it will not be told in its life.
                    slot.set(Flag::Sealed, matches!(error, Errno::ACCESS | Errno::PERM));
                    return;
                }
            },
        };
        self.next.push((io, now_us));
        sample.ios.push(io);
    }
}

/// Bytes read, and written less those that were cancelled.
fn parse(bytes: &[u8]) -> Option<(u64, u64)> {
    let value = |key: &[u8]| value_of(bytes, key).map(trim).and_then(number);
    let cancelled = value(b"cancelled_write_bytes").unwrap_or(0);
    Some((value(b"read_bytes")?, value(b"write_bytes")?.saturating_sub(cancelled)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_bytes_are_told_without_cancelled_writes() {
        let text = b"rchar: 10\nwchar: 20\nsyscr: 1\nsyscw: 2\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 4096\n";
        assert_eq!(parse(text), Some((4096, 4096)));
        assert_eq!(parse(b"read_bytes: x\n"), None);
    }
}
