//! Storage counters of the processes on the screen ("proc(5)" pid/io). A process that sleeps moves nothing: its counters
//! are told again without being read.

use super::{
    lookups::{Wanted, What},
    slot::{Flag, Slot},
};
use crate::{
    interest::Interest,
    model::process::{ProcIo, ProcKey, ProcessSample},
    sys::parse::{number, trim, value_of},
};

/// What was told in the round before.
#[derive(Default)]
pub(super) struct Ios {
    /// Ascending by pid, each with the moment of its reading.
    known: Vec<(ProcIo, u64)>,
    next: Vec<(ProcIo, u64)>,
    asked_us: u64,
}

impl Ios {
    /// Adds those that are wanted and not known to be what they were.
    pub(super) fn wanted(
        &mut self,
        slots: &[Slot],
        want: &Interest,
        now_us: u64,
        all: &mut Vec<Wanted>,
        sample: &mut ProcessSample,
    ) {
        std::mem::swap(&mut self.known, &mut self.next);
        self.known.sort_unstable_by_key(|(io, _)| io.key.pid);
        self.next.clear();
        self.asked_us = now_us;
        let silent = |slot: &Slot| [Flag::Kernel, Flag::Sealed, Flag::Silent].iter().any(|flag| slot.has(*flag));
        if want.io_of_all {
            slots.iter().filter(|slot| !silent(slot)).for_each(|slot| self.one(slot, all, sample));
            return;
        }
        let mut pids: Vec<u32> = want.visible.iter().map(|k| k.pid).collect();
        pids.sort_unstable();
        for pid in pids {
            if let Ok(at) = slots.binary_search_by_key(&pid, |s| s.pid)
                && !silent(&slots[at])
            {
                self.one(&slots[at], all, sample);
            }
        }
    }

    fn one(&mut self, slot: &Slot, all: &mut Vec<Wanted>, sample: &mut ProcessSample) {
        match self.before(slot.key()) {
            Some((io, over_us)) if slot.asleep() => self.put(ProcIo { over_us, ..io }, sample),
            _ => all.push(Wanted { key: slot.key(), what: What::Io }),
        }
    }

    /// Books what was read.
    pub(super) fn read(&mut self, key: ProcKey, bytes: &[u8], sample: &mut ProcessSample) {
        let Some((read_bytes, written_bytes)) = parse(bytes) else { return };
        let over_us = self.before(key).map_or(0, |(_, over_us)| over_us);
        self.put(ProcIo { key, read_bytes, written_bytes, over_us }, sample);
    }

    fn before(&self, key: ProcKey) -> Option<(ProcIo, u64)> {
        let at = self.known.binary_search_by_key(&key.pid, |(io, _)| io.key.pid).ok()?;
        let (io, at_us) = self.known[at];
        (io.key == key).then(|| (io, self.asked_us.saturating_sub(at_us)))
    }

    fn put(&mut self, io: ProcIo, sample: &mut ProcessSample) {
        self.next.push((io, self.asked_us));
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
