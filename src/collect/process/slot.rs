//! What is remembered of a process between rounds: 64 bytes.

use super::{listing::Listed, shared::Shared, stat::Stat};
use crate::{
    model::process::{ProcKey, ProcRow},
    text::clean_bytes,
};

/// Idle readings after which a process counts as asleep.
const ASLEEP: u8 = 4;

/// One process, or one thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    /// Start, ticks after boot: with the pid its identity.
    start: u64,
    /// Ticks used, user and system.
    pub(super) own: u64,
    /// When it was read, microseconds.
    pub(super) read_us: u64,
    /// Hash of all other values in a row.
    digest: u64,
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// Ticks of ended children, truncated to 32 bits: only differences matter.
    pub(super) child: u32,
    /// Inode of its folder, truncated.
    pub(super) inode: u32,
    name: u32,
    pub(super) uid: u32,
    pub(super) threads: u16,
    /// Idle readings in a row.
    idle: u8,
    flags: u8,
}

/// The flags of a slot, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    /// Its last row had a CPU share above zero, or may have: a zero must follow.
    NonZero = 1,
    /// A kernel thread: no command line.
    Kernel = 2,
    /// Its command line must be read.
    Unknown = 4,
    /// It was new, perhaps between fork and exec: read name and owner again.
    Young = 8,
    /// Its storage counters are not readable.
    Sealed = 16,
    /// One of its files hangs: no lookups until it answers.
    Silent = 32,
}

/// The changes in one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Change {
    /// Ticks since the last reading.
    pub(super) own: u64,
    /// Ticks inherited from children since then.
    pub(super) inherited: u64,
    /// Its name or image changed: it ran another program.
    pub(super) renamed: bool,
    /// Any value of its row changed, or a zero must follow.
    pub(super) changed: bool,
}

impl Slot {
    /// A new process.
    pub(super) fn new(pid: u32, inode: u32, stat: &Stat<'_>, now_us: u64) -> Self {
        let mut slot = Slot { pid, inode, start: stat.start, ..Slot::default() };
        slot.take(stat, now_us);
        slot.set(Flag::NonZero, true);
        slot.set(Flag::Kernel, stat.is_kernel());
        slot.set(Flag::Unknown, !stat.is_kernel());
        slot
    }

    /// True if `stat` is of this process and not of one that reused its pid.
    pub(super) fn is(&self, stat: &Stat<'_>) -> bool {
        self.start == stat.start
    }

    /// Its identity.
    pub(super) fn key(&self) -> ProcKey {
        ProcKey { pid: self.pid, start_ticks: self.start }
    }

    /// True after enough idle readings: it is read in turns.
    pub(super) fn asleep(&self) -> bool {
        self.idle >= ASLEEP
    }

    /// Read it in the next round.
    pub(super) fn wake(&mut self) {
        self.idle = 0;
    }

    /// Its turn among `2^bits` rounds, evenly spread.
    pub(super) fn turn(&self, round: u32, bits: u32) -> bool {
        (self.pid.wrapping_mul(0x9e37_79b1) >> (32 - bits)) == round & ((1 << bits) - 1)
    }

    pub(super) fn has(&self, flag: Flag) -> bool {
        self.flags & flag as u8 != 0
    }

    pub(super) fn set(&mut self, flag: Flag, on: bool) {
        if on {
            self.flags |= flag as u8;
        } else {
            self.flags &= !(flag as u8);
        }
    }

    /// Takes a new reading and returns what changed.
    pub(super) fn update(&mut self, stat: &Stat<'_>, now_us: u64) -> Change {
        let (own, child, name, digest) = (self.own, self.child, self.name, self.digest);
        self.take(stat, now_us);
        let used = self.own.saturating_sub(own);
        let inherited = self.child.wrapping_sub(child);
        // A counter that went backwards counts as no growth.
        let inherited = if inherited > u32::MAX / 2 { 0 } else { u64::from(inherited) };
        let idle = used == 0 && inherited == 0;
        self.idle = if idle { self.idle.saturating_add(1) } else { 0 };
        let renamed = self.name != name;
        let changed = used > 0 || renamed || self.digest != digest || self.has(Flag::NonZero);
        self.set(Flag::NonZero, used > 0);
        Change { own: used, inherited, renamed, changed }
    }

    fn take(&mut self, stat: &Stat<'_>, now_us: u64) {
        self.own = stat.user + stat.system;
        self.read_us = now_us;
        self.parent = stat.parent;
        self.child = stat.child as u32;
        self.threads = u16::try_from(stat.threads).unwrap_or(u16::MAX);
        // Another program has another image, though its name may be the same.
        self.name = digest_bytes(stat.name) ^ digest_bytes(&stat.image.to_le_bytes());
        let small = u64::from(stat.state) | u64::from(stat.core) << 8 | u64::from(stat.threads) << 24;
        let order = u64::from(stat.priority as u32) << 8 ^ u64::from(stat.nice as u8);
        let all = [small, order, u64::from(stat.parent), stat.virtual_bytes, stat.resident_pages];
        self.digest = all.iter().fold(0, |sum, &v| mix(sum, v));
    }

    /// The row of this reading; without its span, name and owner.
    pub(super) fn row(&self, stat: &Stat<'_>) -> ProcRow {
        ProcRow {
            key: self.key(),
            tgid: self.pid,
            parent: stat.parent,
            state: stat.state,
            user_ticks: stat.user,
            system_ticks: stat.system,
            over_us: 0,
            resident_pages: stat.resident_pages,
            virtual_bytes: stat.virtual_bytes,
            threads: stat.threads,
            priority: stat.priority,
            nice: stat.nice,
            core: stat.core,
            kernel: stat.is_kernel(),
            name: None,
            uid: None,
        }
    }
}

/// One step of a fast hash for values that no attacker gains from choosing: a collision only delays one change of one
/// row.
fn mix(sum: u64, value: u64) -> u64 {
    (sum.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn digest_bytes(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(bytes.len() as u64, |sum, &b| mix(sum, u64::from(b)));
    (sum ^ sum >> 32) as u32
}

/// Slot and first row of a new process, by its reading and the time since the previous round.
pub(super) fn new_slot(
    stat: &Stat<'_>,
    listed: Listed,
    (now_us, span_us): (u64, u64),
    shared: &mut Shared,
) -> (Slot, ProcRow) {
    let mut slot = Slot::new(listed.pid, listed.inode, stat, now_us);
    // Without a first rate there is none to correct: if it is absent from the next, full round, it used nothing.
    slot.set(Flag::NonZero, span_us > 0);
    let name = Some(shared.of(&clean_bytes(stat.name)));
    // In the first round the span of its CPU time is unknown.
    let row = ProcRow { over_us: span_us, name, ..slot.row(stat) };
    (slot, row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_stays_small() {
        assert_eq!(size_of::<Slot>(), 64);
    }

    #[test]
    fn four_idle_reads_make_a_sleeper() {
        let mut slot = Slot::new(7, 1, &Stat::sleeping(50), 0);
        for n in 1..=4 {
            assert!(!slot.asleep(), "{n}");
            slot.update(&Stat::sleeping(50), n);
        }
        assert!(slot.asleep());
        slot.update(&Stat::sleeping(51), 5);
        assert!(!slot.asleep());
    }

    #[test]
    fn zero_is_sent_once() {
        let mut slot = Slot::new(7, 1, &Stat::sleeping(50), 0);
        assert!(slot.update(&Stat::sleeping(50), 1).changed, "the second reading gives the first rate");
        assert!(!slot.update(&Stat::sleeping(50), 2).changed);
        assert_eq!(slot.update(&Stat::sleeping(53), 3), Change { own: 3, changed: true, ..Change::default() });
        assert!(slot.update(&Stat::sleeping(53), 4).changed);
        assert!(!slot.update(&Stat::sleeping(53), 5).changed);
        assert!(slot.update(&Stat { state: b'T', ..Stat::sleeping(53) }, 6).changed);
        assert!(slot.update(&Stat { resident_pages: 101, state: b'T', ..Stat::sleeping(53) }, 7).changed);
    }

    #[test]
    fn another_name_is_an_exec_and_children_wake_their_parent() {
        let mut slot = Slot::new(7, 1, &Stat::sleeping(0), 0);
        assert!(slot.update(&Stat { name: b"worker2", ..Stat::sleeping(0) }, 1).renamed);
        let same_name = Stat { image: 0x5555_5000, ..Stat::sleeping(0) };
        assert!(Slot::new(7, 1, &Stat::sleeping(0), 0).update(&same_name, 1).renamed);
        let change = slot.update(&Stat { name: b"worker2", child: 9, ..Stat::sleeping(0) }, 2);
        assert_eq!((change.inherited, change.own), (9, 0));
        assert!(!slot.asleep());
        let back = slot.update(&Stat { name: b"worker2", child: 3, ..Stat::sleeping(0) }, 3);
        assert_eq!(back.inherited, 0);
    }

    #[test]
    fn turns_are_spread_evenly_for_any_pids() {
        for step in [1, 2, 8, 16, 100] {
            let mut turns = [0u32; 8];
            for n in 0..8000u32 {
                let slot = Slot { pid: 300 + n * step, ..Slot::default() };
                let its: Vec<u32> = (0..8).filter(|&round| slot.turn(round, 3)).collect();
                assert_eq!(its.len(), 1);
                turns[its[0] as usize] += 1;
            }
            assert!(turns.iter().all(|&n| (800..=1200).contains(&n)), "{step}: {turns:?}");
        }
    }
}
