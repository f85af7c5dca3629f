//! What is remembered of a process between rounds: 64 bytes.

use super::stat::Stat;
use crate::model::process::{ProcKey, ProcRow};

/// Reads without work after which a process is asleep.
const ASLEEP: u8 = 4;

/// One process, or one thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    /// Start, ticks after boot: with the pid the identity.
    start: u64,
    /// Ticks used, user and system.
    pub(super) own: u64,
    /// When it was read, microseconds.
    pub(super) read_us: u64,
    /// Of all other values that a row carries.
    digest: u64,
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// Ticks of ended children, cut to 32 bits: differences are what counts.
    pub(super) child: u32,
    /// Inode of its folder, cut.
    pub(super) inode: u32,
    name: u32,
    pub(super) uid: u32,
    pub(super) threads: u16,
    /// Reads in a row without work.
    idle: u8,
    flags: u8,
}

/// What is known of a slot, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    /// Its last row told a share of CPU that was not zero, or perhaps: zero must be told.
    Told = 1,
    /// A kernel thread: no command line.
    Kernel = 2,
    /// Its command line is to be read.
    Unknown = 4,
    /// It was new: between fork and exec, perhaps. Look at name and owner again.
    Young = 8,
    /// Its storage counters may not be read.
    Sealed = 16,
    /// A file of its does not answer: nothing of the kind is asked until it does.
    Silent = 32,
}

/// What one reading changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Change {
    /// Ticks since it was read before.
    pub(super) own: u64,
    /// Ticks inherited from children since then.
    pub(super) inherited: u64,
    /// Its name or its image is another: it ran another program.
    pub(super) renamed: bool,
    /// Anything that a row tells is different, or zero must be told.
    pub(super) telling: bool,
}

impl Slot {
    /// A process seen for the first time.
    pub(super) fn new(pid: u32, inode: u32, stat: &Stat<'_>, now_us: u64) -> Self {
        let mut slot = Slot { pid, inode, start: stat.start, ..Slot::default() };
        slot.take(stat, now_us);
        slot.set(Flag::Told, true);
        slot.set(Flag::Kernel, stat.is_kernel());
        slot.set(Flag::Unknown, !stat.is_kernel());
        slot
    }

    /// True when `stat` is of this very process and not of one that got its number.
    pub(super) fn is(&self, stat: &Stat<'_>) -> bool {
        self.start == stat.start
    }

    /// Its identity.
    pub(super) fn key(&self) -> ProcKey {
        ProcKey { pid: self.pid, start_ticks: self.start }
    }

    /// True when it did nothing for so long that it is read in turn.
    pub(super) fn asleep(&self) -> bool {
        self.idle >= ASLEEP
    }

    /// It is to be read in the next round.
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

    /// Takes a new reading in and says what it changed.
    pub(super) fn update(&mut self, stat: &Stat<'_>, now_us: u64) -> Change {
        let (own, child, name, digest) = (self.own, self.child, self.name, self.digest);
        self.take(stat, now_us);
        let used = self.own.saturating_sub(own);
        let inherited = self.child.wrapping_sub(child);
        // A counter that went backwards is no growth.
        let inherited = if inherited > u32::MAX / 2 { 0 } else { u64::from(inherited) };
        let idle = used == 0 && inherited == 0;
        self.idle = if idle { self.idle.saturating_add(1) } else { 0 };
        let renamed = self.name != name;
        let telling = used > 0 || renamed || self.digest != digest || self.has(Flag::Told);
        self.set(Flag::Told, used > 0);
        Change { own: used, inherited, renamed, telling }
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

    /// The row that tells this reading; without its span, name and owner.
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

/// One step of a quick hash for values that nobody chooses to our harm: a collision hides one change of one row until
/// the next.
fn mix(sum: u64, value: u64) -> u64 {
    (sum.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn digest_bytes(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(bytes.len() as u64, |sum, &b| mix(sum, u64::from(b)));
    (sum ^ sum >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(own: u64) -> Stat<'static> {
        Stat {
            name: b"worker",
            state: b'S',
            parent: 1,
            flags: 0,
            user: own,
            system: 0,
            child: 0,
            priority: 20,
            nice: 0,
            threads: 1,
            start: 5,
            image: 0,
            virtual_bytes: 1 << 20,
            resident_pages: 100,
            core: 0,
        }
    }

    #[test]
    fn a_slot_stays_small() {
        assert_eq!(size_of::<Slot>(), 64);
    }

    #[test]
    fn four_idle_reads_make_a_sleeper_and_one_tick_wakes_it() {
        let mut slot = Slot::new(7, 1, &stat(50), 0);
        for n in 1..=4 {
            assert!(!slot.asleep(), "{n}");
            slot.update(&stat(50), n);
        }
        assert!(slot.asleep());
        slot.update(&stat(51), 5);
        assert!(!slot.asleep());
    }

    #[test]
    fn zero_is_told_once_and_then_nothing() {
        let mut slot = Slot::new(7, 1, &stat(50), 0);
        assert!(slot.update(&stat(50), 1).telling, "the second reading tells the first rate");
        assert!(!slot.update(&stat(50), 2).telling);
        assert_eq!(slot.update(&stat(53), 3), Change { own: 3, telling: true, ..Change::default() });
        assert!(slot.update(&stat(53), 4).telling);
        assert!(!slot.update(&stat(53), 5).telling);
        assert!(slot.update(&Stat { state: b'T', ..stat(53) }, 6).telling);
        assert!(slot.update(&Stat { resident_pages: 101, state: b'T', ..stat(53) }, 7).telling);
    }

    #[test]
    fn another_name_is_an_exec_and_children_wake_their_parent() {
        let mut slot = Slot::new(7, 1, &stat(0), 0);
        assert!(slot.update(&Stat { name: b"worker2", ..stat(0) }, 1).renamed);
        let same_name = Stat { image: 0x5555_5000, ..stat(0) };
        assert!(Slot::new(7, 1, &stat(0), 0).update(&same_name, 1).renamed);
        let change = slot.update(&Stat { name: b"worker2", child: 9, ..stat(0) }, 2);
        assert_eq!((change.inherited, change.own), (9, 0));
        assert!(!slot.asleep());
        let back = slot.update(&Stat { name: b"worker2", child: 3, ..stat(0) }, 3);
        assert_eq!(back.inherited, 0);
    }

    #[test]
    fn turns_are_spread_evenly_whatever_the_pids_are() {
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
