//! Storage counters of the processes on the screen ("proc(5)" pid/io). A sleeper moves no bytes: its counters are sent
//! again without being read. Those of the others are read in every second round unless the order depends on them: each
//! reading is asked of the helper process, as it may block, and wakes two threads.

use super::{
    info::is_rest,
    lookups::{Wanted, What},
    slot::{Flag, Slot},
};
use crate::{
    interest::Interest,
    model::process::{ProcIo, ProcKey, ProcessSample},
    sys::parse::{number, trim, value_of},
};

/// The previous round.
#[derive(Default)]
pub(super) struct Ios {
    /// Sorted by pid, each with the time of its reading.
    known: Vec<(ProcIo, u64)>,
    next: Vec<(ProcIo, u64)>,
    asked_us: u64,
    /// Requested at the start of the round, in order.
    asked: Vec<ProcKey>,
    round: u32,
}

impl Ios {
    /// Starts a round, and adds the wanted processes that worked lately.
    pub(super) fn ask(&mut self, slots: &[Slot], want: &Interest, (round, now_us): (u32, u64), all: &mut Vec<Wanted>) {
        std::mem::swap(&mut self.known, &mut self.next);
        self.known.sort_unstable_by_key(|(io, _)| io.key.pid);
        self.next.clear();
        self.asked_us = now_us;
        self.round = round;
        let mut asked = std::mem::take(&mut self.asked);
        asked.clear();
        let rests = self.rests(want);
        let is_wanted = |s: &&Slot| self.before(s.key()).is_none() || !rests && !s.asleep();
        asked.extend(candidates(slots, want).filter(is_wanted).map(Slot::key));
        asked.sort_unstable();
        all.extend(asked.iter().map(|&key| Wanted { key, what: What::Io }));
        self.asked = asked;
    }

    /// Adds those that woke or started in this round, and repeats the counters of sleepers.
    pub(super) fn rest(&mut self, slots: &[Slot], want: &Interest, all: &mut Vec<Wanted>, sample: &mut ProcessSample) {
        let rests = self.rests(want);
        for slot in candidates(slots, want) {
            let key = slot.key();
            if self.asked.binary_search(&key).is_ok() {
                continue;
            }
            match self.before(key) {
                // The rates stay as they are.
                Some((io, over_us)) if rests => self.next.push((io, self.asked_us.saturating_sub(over_us))),
                Some((io, over_us)) if slot.asleep() => self.put(ProcIo { over_us, ..io }, sample),
                _ => all.push(Wanted { key, what: What::Io }),
            }
        }
    }

    /// In this round only what is not known is read.
    fn rests(&self, want: &Interest) -> bool {
        is_rest(self.round) && !want.io_of_all
    }

    /// Stores the counters read.
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

/// Processes with wanted and readable counters.
fn candidates<'a>(slots: &'a [Slot], want: &'a Interest) -> impl Iterator<Item = &'a Slot> {
    let silent = |slot: &Slot| [Flag::Kernel, Flag::Sealed, Flag::Silent].iter().any(|flag| slot.has(*flag));
    let all = want.io_of_all.then_some(slots);
    let visible = if want.io_of_all { &[][..] } else { &want.visible[..] };
    let at = |key: &ProcKey| slots.binary_search_by_key(&key.pid, |s| s.pid).ok();
    let visible = visible.iter().filter_map(move |key| slots.get(at(key)?));
    all.into_iter().flatten().chain(visible).filter(move |slot| !silent(slot))
}

/// Bytes read, and bytes written less the cancelled ones.
fn parse(bytes: &[u8]) -> Option<(u64, u64)> {
    let value = |key: &[u8]| value_of(bytes, key).map(trim).and_then(number);
    let cancelled = value(b"cancelled_write_bytes").unwrap_or(0);
    Some((value(b"read_bytes")?, value(b"write_bytes")?.saturating_sub(cancelled)))
}

#[cfg(test)]
mod tests {
    use super::{super::stat::Stat, *};

    #[test]
    fn cancelled_writes_are_subtracted() {
        let text = b"rchar: 10\nwchar: 20\nsyscr: 1\nsyscw: 2\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 4096\n";
        assert_eq!(parse(text), Some((4096, 4096)));
        assert_eq!(parse(b"read_bytes: x\n"), None);
    }

    fn slot(pid: u32, asleep: bool) -> Slot {
        let stat = Stat::sleeping(0);
        let mut slot = Slot::new(pid, 1, &stat, 0);
        (0..if asleep { 4 } else { 0 }).for_each(|round| {
            slot.update(&stat, round);
        });
        assert_eq!(slot.asleep(), asleep);
        slot
    }

    #[test]
    fn counters_of_sleepers_are_read_once() {
        let mut slots = vec![slot(7, false), slot(8, true), slot(9, true)];
        let want = Interest { visible: slots[..2].iter().map(Slot::key).collect(), ..Interest::default() };
        let text = |bytes: u64| format!("read_bytes: {bytes}\nwrite_bytes: 0\n").into_bytes();
        let (mut ios, mut sample) = (Ios::default(), ProcessSample::default());
        let pids = |all: &[Wanted]| all.iter().map(|wanted| wanted.key.pid).collect::<Vec<_>>();
        let mut all = Vec::new();
        ios.ask(&slots, &want, (0, 1_000_000), &mut all);
        assert_eq!(pids(&all), [7, 8], "what is wanted; nothing is known of the sleeper yet");
        ios.rest(&slots, &want, &mut all, &mut sample);
        assert_eq!(all.len(), 2, "each is asked for once");
        ios.read(slots[0].key(), &text(100), &mut sample);
        ios.read(slots[1].key(), &text(50), &mut sample);
        assert_eq!(sample.ios.iter().map(|io| io.over_us).collect::<Vec<_>>(), [0, 0], "a first reading has no span");

        let (mut all, mut sample) = (Vec::new(), ProcessSample::default());
        ios.ask(&slots, &want, (2, 3_000_000), &mut all);
        assert_eq!(pids(&all), [7]);
        slots[2] = slot(9, false);
        let more = Interest { io_of_all: true, ..want.clone() };
        ios.rest(&slots, &more, &mut all, &mut sample);
        assert_eq!(pids(&all), [7, 9], "one that became wanted meanwhile");
        ios.read(slots[0].key(), &text(300), &mut sample);
        let figures: Vec<_> = sample.ios.iter().map(|io| (io.key.pid, io.read_bytes, io.over_us)).collect();
        assert_eq!(figures, [(8, 50, 2_000_000), (7, 300, 2_000_000)], "the sleeper's are said again");

        slots[0].set(Flag::Sealed, true);
        let mut all = Vec::new();
        ios.ask(&slots, &more, (4, 4_000_000), &mut all);
        assert_eq!(pids(&all), [9], "what may not be read is not asked for");
    }
}
