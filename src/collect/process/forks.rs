//! Finds new processes by pid: the kernel assigns pids in order, and asking for a few dozen costs a tenth of listing
//! thousands. Ended ones are noticed by the machine's task count: if it does not add up, all are listed.

use super::{Processes, Round, UNLISTED, folder::Path, listing::Listed, stat};
use crate::sys::parse::{number, trim, value_of, words};

/// Beyond this many pids, a listing is cheaper.
const MOST: u32 = 256;

/// Forks since boot, live tasks, the newest pid ("proc(5)" stat and loadavg).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TaskCounts {
    forks: u64,
    tasks: u64,
    last: u32,
}

impl TaskCounts {
    /// From loadavg, `0.10 0.20 0.30 1/4 99`: 4 live tasks, newest pid 99.
    pub(super) fn of(forks: Option<u64>, loadavg: &[u8]) -> Option<Self> {
        let slash = loadavg.iter().position(|&b| b == b'/')?;
        let mut words = words(&loadavg[slash + 1..]);
        let tasks = words.next().and_then(number)?;
        Some(TaskCounts { forks: forks?, tasks, last: u32::try_from(number(words.next()?)?).ok()? })
    }

    fn tasks(loadavg: &[u8]) -> Option<u64> {
        Some(Self::of(Some(0), loadavg)?.tasks)
    }

    /// No process started or ended between the two.
    pub(super) fn is_same(&self, before: &TaskCounts) -> bool {
        (self.forks, self.tasks) == (before.forks, before.tasks)
    }

    /// Forks between the two.
    pub(super) fn forks_since(&self, before: &TaskCounts) -> u64 {
        self.forks.saturating_sub(before.forks)
    }

    /// The pids assigned since then; `None` if unknown or too many. In a container, forks are counted for the machine,
    /// pids for the container.
    fn new_pids(&self, before: &TaskCounts) -> Option<std::ops::RangeInclusive<u32>> {
        let count = self.last.checked_sub(before.last)?;
        (count <= MOST && u64::from(count) >= self.forks_since(before)).then(|| before.last + 1..=self.last)
    }
}

impl Processes {
    /// Takes the known processes as the listing, plus the new ones that still live; false if the new pids are unknown.
    pub(super) fn by_number(&mut self, now: &TaskCounts, before: &TaskCounts) -> bool {
        let Some(given) = now.new_pids(before).filter(|_| self.numbered) else { return false };
        self.names_of_slots();
        for pid in given {
            if let Ok(at) = self.slots.binary_search_by_key(&pid, |s| s.pid) {
                // The pid was reused.
                self.slots[at].wake();
                continue;
            }
            let Some(inode) = self.folder.inode(pid) else { continue };
            match self.process_of(pid) {
                Some(process) if process == pid => self.listing.names.push(Listed { pid, inode }),
                // A thread: its process has one more.
                Some(process) => {
                    if let Ok(at) = self.slots.binary_search_by_key(&process, |s| s.pid) {
                        self.slots[at].wake();
                    }
                }
                None => {}
            }
        }
        if !self.listing.names.is_sorted_by_key(|n| n.pid) {
            self.listing.names.sort_unstable_by_key(|n| n.pid);
        }
        true
    }

    pub(super) fn names_of_slots(&mut self) {
        self.listing.names.clear();
        self.listing.names.extend(self.slots.iter().map(|s| Listed { pid: s.pid, inode: s.inode }));
    }

    /// The process of a pid: itself, or that of a thread.
    fn process_of(&mut self, pid: u32) -> Option<u32> {
        let stat = stat::parse(self.folder.read(&Path::of(pid, b"/stat")).ok()?)?;
        if stat.threads <= 1 {
            return Some(pid);
        }
        let status = self.folder.read(&Path::of(pid, b"/status")).ok()?;
        u32::try_from(value_of(status, b"Tgid").map(trim).and_then(number)?).ok()
    }

    /// True if the task count says that a process ended or started unseen. It was read before the processes: one that
    /// ended in between is still counted, so an excess is believed only in the second round in a row; one that started
    /// in between is not, so a deficit is counted again, with the threads of sleepers.
    pub(super) fn misses_a_process(&mut self, round: &mut Round) -> bool {
        let (Some(expected), Some(counts)) = (self.beside, self.counts) else { return false };
        let mut seen = self.beside(counts.tasks);
        if seen < expected {
            seen = self.beside_now().unwrap_or(seen);
        }
        if seen < expected {
            self.read_threaded(round);
            seen = self.beside_now().unwrap_or(seen);
        }
        self.more = if seen > expected { self.more + 1 } else { 0 };
        seen < expected || self.more > 1
    }

    /// Reads the sleepers with several threads: some threads may have ended.
    fn read_threaded(&mut self, round: &mut Round) {
        for at in 0..self.slots.len() {
            if self.slots[at].asleep() && self.slots[at].threads > 1 {
                let slot = std::mem::take(&mut self.slots[at]);
                self.slots[at] = self.read(slot, round).unwrap_or_default();
            }
        }
        self.close(round);
    }

    /// After a listing: how soon the next one is needed even if the fork counts do not change.
    pub(super) fn doubt_the_count(&mut self, before: Option<TaskCounts>, round: &Round) {
        let (Some(now), Some(before)) = (self.counts, before) else { return };
        let expected = before.last + 1..=now.last;
        let unexpected = self.fresh.iter().any(|slot| !expected.contains(&slot.pid));
        let ended = now.is_same(&before) && !round.sample.gone.is_empty();
        self.patience = if unexpected || ended { UNLISTED.0 } else { (self.patience * 2).min(UNLISTED.1) };
    }

    /// The machine's live tasks that are invisible or not known yet, by a new count.
    pub(super) fn beside_now(&mut self) -> Option<i64> {
        let tasks = self.load.read().ok().and_then(TaskCounts::tasks)?;
        Some(self.beside(tasks))
    }

    fn beside(&self, tasks: u64) -> i64 {
        tasks.cast_signed() - self.slots.iter().map(|s| i64::from(s.threads)).sum::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(forks: u64, tasks: u64, last: u32) -> TaskCounts {
        TaskCounts { forks, tasks, last }
    }

    #[test]
    fn new_pids_are_a_range() {
        let loadavg = b"0.10 0.20 0.30 1/4 99\n";
        assert_eq!(TaskCounts::of(Some(7), loadavg), Some(counts(7, 4, 99)));
        assert_eq!((TaskCounts::of(None, loadavg), TaskCounts::of(Some(7), b"0.1 0.2 0.3 1/4")), (None, None));
        let before = counts(100, 50, 1000);
        assert_eq!(counts(103, 50, 1003).new_pids(&before), Some(1001..=1003));
        assert_eq!(counts(103, 50, 1002).new_pids(&before), None, "others started elsewhere");
        assert_eq!(counts(103, 50, 302).new_pids(&before), None, "pids wrapped around");
        assert_eq!(counts(9000, 50, 9900).new_pids(&before), None, "too many");
    }
}
