//! Who is new, found by number: the kernel gives ids in order, and asking for some dozens of them costs a tenth of listing
//! thousands. Who ended is known by the machine's count of tasks: where it does not add up, all are listed.

use super::{Processes, Round, UNLISTED, folder::Path, listing::Listed, stat};
use crate::sys::parse::{number, trim, value_of, words};

/// More ids than this are not asked for one by one.
const MOST: u32 = 256;

/// Births since boot, living tasks, the newest id ("proc(5)" stat and loadavg).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Census {
    forks: u64,
    tasks: u64,
    last: u32,
}

impl Census {
    /// Out of loadavg, `0.10 0.20 0.30 1/4 99`: 4 tasks live, 99 is the newest.
    pub(super) fn of(forks: Option<u64>, loadavg: &[u8]) -> Option<Self> {
        let slash = loadavg.iter().position(|&b| b == b'/')?;
        let mut words = words(&loadavg[slash + 1..]);
        let tasks = words.next().and_then(number)?;
        Some(Census { forks: forks?, tasks, last: u32::try_from(number(words.next()?)?).ok()? })
    }

    fn tasks(loadavg: &[u8]) -> Option<u64> {
        Some(Self::of(Some(0), loadavg)?.tasks)
    }

    /// Nobody was born and nobody ended between the two.
    pub(super) fn is_same(&self, before: &Census) -> bool {
        (self.forks, self.tasks) == (before.forks, before.tasks)
    }

    /// Births between the two.
    pub(super) fn births(&self, before: &Census) -> u64 {
        self.forks.saturating_sub(before.forks)
    }

    /// The ids that were given since then; `None` where they cannot be told or are too many. In a container the births
    /// are the machine's and the ids its own.
    fn given(&self, before: &Census) -> Option<std::ops::RangeInclusive<u32>> {
        let count = self.last.checked_sub(before.last)?;
        (count <= MOST && u64::from(count) >= self.births(before)).then(|| before.last + 1..=self.last)
    }
}

impl Processes {
    /// Takes those that were known for the listing, and the new ones that still live; false where they cannot be told.
    pub(super) fn by_number(&mut self, now: &Census, before: &Census) -> bool {
        let Some(given) = now.given(before).filter(|_| self.numbered) else { return false };
        self.names_of_slots();
        for pid in given {
            if let Ok(at) = self.slots.binary_search_by_key(&pid, |s| s.pid) {
                // The number was given to another process.
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

    /// The process that a number belongs to: itself, or that of a thread.
    fn process_of(&mut self, pid: u32) -> Option<u32> {
        let stat = stat::parse(self.folder.read(&Path::of(pid, b"/stat")).ok()?)?;
        if stat.threads <= 1 {
            return Some(pid);
        }
        let status = self.folder.read(&Path::of(pid, b"/status")).ok()?;
        u32::try_from(value_of(status, b"Tgid").map(trim).and_then(number)?).ok()
    }

    /// True where the count says that somebody ended whom nobody read, or lives whom nobody met. It was taken before the
    /// processes were read: who ended in between is still in it, so more than expected is believed in the second round
    /// in a row; who began in between is not, so fewer than expected are counted again, with the threads of sleepers.
    pub(super) fn someone_is_missed(&mut self, round: &mut Round) -> bool {
        let (Some(expected), Some(census)) = (self.beside, self.census) else { return false };
        let mut seen = self.beside(census.tasks);
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

    /// Reads the sleepers that have several threads: some of these may have ended.
    fn read_threaded(&mut self, round: &mut Round) {
        for at in 0..self.slots.len() {
            if self.slots[at].asleep() && self.slots[at].threads > 1 {
                let slot = std::mem::take(&mut self.slots[at]);
                self.slots[at] = self.read(slot, round).unwrap_or_default();
            }
        }
        self.close(round);
    }

    /// All were listed: how soon is that needed again, when the figures of births and deaths say nothing?
    pub(super) fn doubt_the_count(&mut self, before: Option<Census>, round: &Round) {
        let (Some(now), Some(before)) = (self.census, before) else { return };
        let told = before.last + 1..=now.last;
        let came = self.fresh.iter().any(|slot| !told.contains(&slot.pid));
        let ended = now.is_same(&before) && !round.sample.gone.is_empty();
        self.patience = if came || ended { UNLISTED.0 } else { (self.patience * 2).min(UNLISTED.1) };
    }

    /// Living tasks of the machine that are not ours to see, or of which we do not know yet, by a new count.
    pub(super) fn beside_now(&mut self) -> Option<i64> {
        let tasks = self.load.read().ok().and_then(Census::tasks)?;
        Some(self.beside(tasks))
    }

    fn beside(&self, tasks: u64) -> i64 {
        tasks.cast_signed() - self.slots.iter().map(|s| i64::from(s.threads)).sum::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(forks: u64, tasks: u64, last: u32) -> Census {
        Census { forks, tasks, last }
    }

    #[test]
    fn the_ids_since_then_are_told() {
        let loadavg = b"0.10 0.20 0.30 1/4 99\n";
        assert_eq!(Census::of(Some(7), loadavg), Some(census(7, 4, 99)));
        assert_eq!((Census::of(None, loadavg), Census::of(Some(7), b"0.1 0.2 0.3 1/4")), (None, None));
        let before = census(100, 50, 1000);
        assert_eq!(census(103, 50, 1003).given(&before), Some(1001..=1003));
        assert_eq!(census(103, 50, 1002).given(&before), None, "others were born elsewhere");
        assert_eq!(census(103, 50, 302).given(&before), None, "the numbers began anew");
        assert_eq!(census(9000, 50, 9900).given(&before), None, "too many");
    }
}
