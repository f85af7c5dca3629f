//! One round over the table: what is listed beside what is known. The awake and the new are read, sleepers in their turn or
//! when the audit asks for them, and the ended leave.

use rustix::io::Errno;

use super::{
    BLIND_TURNS, CLOCKED, MANY, Processes, Round, TURNS,
    audit::PARTS,
    first,
    folder::Path,
    listing::Listed,
    slot::{Flag, Slot, new_slot},
    stat,
};
use crate::{model::process::ProcRow, text::clean_bytes};

impl Processes {
    /// Walks the listing and the table side by side: reads the awake and the new, notes the others. Until
    /// [`Processes::close`], an ended process leaves an empty slot, and a new one waits in `fresh`. Without `reads`,
    /// known processes stay as they are.
    pub(super) fn merge(&mut self, round: &mut Round, reads: bool) {
        let names = std::mem::take(&mut self.listing.names);
        let mut slots = std::mem::take(&mut self.slots);
        if reads {
            self.unread.clear();
        }
        if slots.is_empty() {
            self.fresh.reserve_exact(names.len());
            round.sample.rows.reserve_exact(names.len());
            if let Some(all) = first::read(&mut self.folder, &names, self.clock, &mut self.shared) {
                round.sample.read += u32::try_from(all.len()).unwrap_or(u32::MAX);
                for (slot, row, owner) in all {
                    let slot = self.insert((slot, row), owner, round);
                    self.fresh.push(slot);
                }
                self.listing.names = names;
                return;
            }
        }
        let bits = if self.audit.is_blind() { BLIND_TURNS } else { TURNS + u32::from(slots.len() > MANY) };
        let mut at = 0;
        for listed in &names {
            while let Some(ended) = slots.get_mut(at).filter(|s| s.pid < listed.pid) {
                self.remove(&std::mem::take(ended), round);
                at += 1;
            }
            let Some(slot) = slots.get_mut(at).filter(|s| s.pid == listed.pid) else {
                let fresh = self.read_new(*listed, round);
                self.fresh.extend(fresh);
                continue;
            };
            if slot.inode != listed.inode {
                // The pid was reused.
                self.remove(&std::mem::take(slot), round);
                *slot = self.read_new(*listed, round).unwrap_or_default();
            } else if !reads {
            } else if slot.asleep() && !self.read_all && !round.sample.fresh && !slot.turn(self.round, bits) {
                self.unread.push(u32::try_from(at).unwrap_or(u32::MAX));
            } else {
                *slot = self.read(std::mem::take(slot), round).unwrap_or_default();
            }
            at += 1;
        }
        for ended in slots.iter_mut().skip(at) {
            self.remove(&std::mem::take(ended), round);
        }
        (self.listing.names, self.slots) = (names, slots);
    }

    /// Removes the slots of ended processes and inserts the new ones.
    pub(super) fn close(&mut self, round: &Round) {
        if !round.sample.gone.is_empty() {
            self.slots.retain(|s| s.pid != 0);
        }
        if self.slots.is_empty() {
            std::mem::swap(&mut self.slots, &mut self.fresh);
        } else if !self.fresh.is_empty() {
            // Some spare capacity, not double.
            let spare = self.fresh.len() + self.slots.len() / 16;
            if self.slots.capacity() - self.slots.len() < self.fresh.len() {
                self.slots.reserve_exact(spare);
            }
            self.slots.append(&mut self.fresh);
            if !self.slots.is_sorted_by_key(|s| s.pid) {
                self.slots.sort_unstable_by_key(|s| s.pid);
            }
        }
    }

    /// Reads the sleepers among the parents of processes that started or ended, and the parents of those that ended
    /// too.
    pub(super) fn read_parents(&mut self, round: &mut Round) {
        while let Some(parent) = self.parents.pop() {
            let pid = |&at: &u32| self.slots.get(at as usize).map_or(0, |slot| slot.pid);
            let Ok(place) = self.unread.binary_search_by_key(&parent, pid) else { continue };
            let at = self.unread.remove(place) as usize;
            let slot = std::mem::take(&mut self.slots[at]);
            self.slots[at] = self.read(slot, round).unwrap_or_default();
        }
    }

    /// Reads the sleepers, or a part of them.
    pub(super) fn read_sleepers(&mut self, round: &mut Round, part: Option<u32>) {
        let mut unread = std::mem::take(&mut self.unread);
        unread.retain(|&at| {
            let Some(slot) = self.slots.get_mut(at as usize) else { return false };
            if part.is_some_and(|part| !slot.turn(part, PARTS.ilog2())) {
                return true;
            }
            let slot = std::mem::take(slot);
            self.slots[at as usize] = self.read(slot, round).unwrap_or_default();
            false
        });
        self.unread = unread;
        self.audit.looked();
        self.parents.clear();
    }

    /// Reads a known process; `None` if it ended.
    pub(super) fn read(&mut self, mut slot: Slot, round: &mut Round) -> Option<Slot> {
        self.tick(round);
        let was_asleep = slot.asleep();
        let since_read = round.now_us.saturating_sub(slot.read_us);
        let bytes = match self.folder.read(&Path::of(slot.pid, b"/stat")) {
            Ok(bytes) => bytes,
            Err(Errno::NOENT | Errno::SRCH) => {
                self.remove(&slot, round);
                return None;
            }
            // If it cannot be read in this round, it stays as it was.
            Err(_) => {
                round.missed = true;
                return Some(slot);
            }
        };
        let Some(stat) = stat::parse(bytes) else {
            round.missed = true;
            return Some(slot);
        };
        if !slot.is(&stat) {
            let fresh = new_slot(
                &stat,
                Listed { pid: slot.pid, inode: slot.inode },
                (round.now_us, round.span_us),
                &mut self.shared,
            );
            let owner = self.folder.owner(slot.pid);
            self.remove(&slot, round);
            return Some(self.insert(fresh, owner, round));
        }
        let change = slot.update(&stat, round.now_us);
        self.audit.book(change.own, change.inherited);
        let keyframe = round.sample.fresh;
        let renew = change.renamed || slot.has(Flag::Young) || keyframe;
        slot.set(Flag::Young, false);
        if !change.changed && !renew {
            return Some(slot);
        }
        let over_us =
            if was_asleep { self.audit.span(change.own, since_read, round.span_us, stat.threads) } else { since_read };
        let mut row = ProcRow { over_us: over_us.max(1), ..slot.row(&stat) };
        if renew {
            row.name = Some(self.shared.of(&clean_bytes(stat.name)));
            if change.renamed || keyframe {
                // An exec changes the arguments; a keyframe repeats them.
                slot.set(Flag::Unknown, !slot.has(Flag::Kernel));
            }
            if let Some(uid) = self.folder.owner(slot.pid) {
                slot.uid = uid;
                row.uid = Some(uid);
            }
        }
        round.sample.rows.push(row);
        Some(slot)
    }

    /// Reads a new process.
    fn read_new(&mut self, listed: Listed, round: &mut Round) -> Option<Slot> {
        self.tick(round);
        let read = self.folder.read(&Path::of(listed.pid, b"/stat"));
        if matches!(read, Err(Errno::ACCESS | Errno::PERM)) {
            round.denied += 1;
        }
        let stat = stat::parse(read.ok()?)?;
        let fresh = new_slot(&stat, listed, (round.now_us, round.span_us), &mut self.shared);
        let owner = self.folder.owner(listed.pid);
        Some(self.insert(fresh, owner, round))
    }

    fn insert(&mut self, (mut slot, mut row): (Slot, ProcRow), owner: Option<u32>, round: &mut Round) -> Slot {
        slot.uid = owner.unwrap_or(0);
        row.uid = owner;
        if round.span_us > 0 {
            self.parents.push(slot.parent);
            // It started since the last round, so all of its CPU time was used since then.
            self.audit.book(slot.own, u64::from(slot.child));
            slot.set(Flag::Young, true);
        }
        round.sample.rows.push(row);
        slot
    }

    fn remove(&mut self, slot: &Slot, round: &mut Round) {
        self.audit.remove(slot.own + u64::from(slot.child));
        self.parents.push(slot.parent);
        round.sample.gone.push(slot.key());
    }

    /// Counts a reading; a long round checks the clock now and then.
    fn tick(&mut self, round: &mut Round) {
        round.sample.read += 1;
        round.count += 1;
        if round.count.is_multiple_of(CLOCKED) {
            round.now_us = round.now_us.max(self.clock.now().mono_us);
        }
    }
}
