//! Processes: one small read each, idle ones in turns, and an audit that catches what the turns would miss.
//!
//! A round lists `/proc` if processes started or ended, reads the awake ones, and compares the CPU time they used with
//! the machine's total. If that leaves a gap, all others are read in the same round. A sample is the difference to the
//! round before.

mod audit;
mod first;
mod folder;
mod forks;
mod info;
mod io;
mod listing;
mod lookups;
mod shared;
mod slot;
mod stat;
mod threads;

use std::time::{Duration, Instant};

use audit::{Audit, PARTS, Verdict};
use folder::{Folder, Path};
use forks::TaskCounts;
use listing::{Listed, Listing};
use lookups::{Lookups, Outcome, Wanted, What};
use rustix::io::Errno;
use slot::{Flag, Slot};
use stat::Stat;

use super::{CollectCx, Collector, OpenCx};
use crate::{
    clock::Clock,
    interest::Interest,
    model::{
        event::Sample,
        fault::Fault,
        process::{ProcInfo, ProcRow, ProcessSample},
    },
    sys::{
        parse::{number, words},
        reread::Reread,
    },
    text::clean_bytes,
};

/// A sleeper is read in one of `2^4` rounds, or of `2^5` where there are many.
const TURNS: u32 = 4;
const MANY: usize = 1000;
/// While the audit is blind: every second round.
const BLIND_TURNS: u32 = 1;
/// Rounds without a listing, at most: in a container the fork counters may be those of another machine. Doubled after
/// each listing that found nothing new, up to the second value: a listing costs as much as reading a sixth of all.
const UNLISTED: (u32, u32) = (8, 32);
/// The second round follows this soon, for an early CPU share.
const SECOND: Duration = Duration::from_millis(150);
/// How long a round waits for lookups: in the first, which the screen waits for, in each other, and in one that wants
/// everything.
const WAITS: [Duration; 3] = [Duration::from_millis(6), Duration::from_millis(25), Duration::from_millis(1300)];
/// Files of a recording always answer: what it shows must not depend on speed.
const RECORDED: Duration = Duration::from_secs(60);
/// Processes between two checks of the clock.
const CLOCKED: usize = 32;

pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Processes {
        folder: Folder::open(&cx.root)?,
        machine: Reread::new(&cx.root, "proc/stat"),
        load: Reread::new(&cx.root, "proc/loadavg"),
        clock: cx.clock,
        read_all: cx.settings.read_all,
        listing: Listing::new(),
        counts: None,
        beside: None,
        more: 0,
        numbered: cx.root.is_live() || cfg!(test),
        unlisted: 0,
        patience: UNLISTED.0,
        slots: Vec::new(),
        fresh: Vec::new(),
        unread: Vec::new(),
        parents: Vec::new(),
        audit: Audit::default(),
        threads: threads::Threads::default(),
        ios: io::Ios::default(),
        lookups: Lookups::new(&cx.root),
        group: None,
        live: cx.root.is_this_machine(),
        shared: shared::Shared::default(),
        last_us: 0,
        busy: None,
        round: 0,
        number: 0,
        page_bytes: u32::try_from(rustix::param::page_size()).unwrap_or(4096),
    }))
}

struct Processes {
    folder: Folder,
    machine: Reread,
    load: Reread,
    clock: Clock,
    read_all: bool,
    listing: Listing,
    /// The machine's task counts in the newest round.
    counts: Option<TaskCounts>,
    /// How many of its tasks were not visible when all was listed.
    beside: Option<i64>,
    /// Rounds in a row with more invisible tasks.
    more: u32,
    /// The pids in `loadavg` are those of `proc`.
    numbered: bool,
    /// Rounds since the last listing, and after how many to list regardless.
    unlisted: u32,
    patience: u32,
    /// Sorted by pid.
    slots: Vec<Slot>,
    /// New processes of the current round.
    fresh: Vec<Slot>,
    /// Indices of slots that were left asleep in this round.
    unread: Vec<u32>,
    /// Parents of processes that started or ended in this round: the likeliest to have worked, or to have inherited CPU
    /// time.
    parents: Vec<u32>,
    audit: Audit,
    threads: threads::Threads,
    ios: io::Ios,
    lookups: Lookups,
    group: info::Group,
    /// `proc` is a real kernel's, which may hide processes (hidepid).
    live: bool,
    shared: shared::Shared,
    /// Start of the previous round.
    last_us: u64,
    /// The machine's busy ticks then.
    busy: Option<u64>,
    round: u32,
    /// Rounds sent or failed: the fold notices a gap.
    number: u64,
    page_bytes: u32,
}

/// The current round.
struct Round {
    sample: ProcessSample,
    now_us: u64,
    /// Since the previous round, microseconds; 0 in the first.
    span_us: u64,
    count: usize,
    /// A live process could not be read.
    missed: bool,
    /// Listed, but not permitted to read.
    denied: u32,
}

impl Collector for Processes {
    fn collect(&mut self, cx: &CollectCx<'_>) -> Result<Sample, Fault> {
        let now_us = cx.at.mono_us;
        let first = self.round == 0;
        let keyframe = first || cx.keyframe;
        self.number += 1;
        let (round, page_bytes) = (self.number, self.page_bytes);
        let sample = ProcessSample { round, fresh: keyframe, page_bytes, ..ProcessSample::default() };
        let span_us = if first { 0 } else { now_us.saturating_sub(self.last_us) };
        let mut round = Round { sample, now_us, span_us, count: 0, missed: false, denied: 0 };
        let asked = self.ask(cx.want, now_us);
        // Before the listing, so that a process starting in between is listed next time.
        let (busy, forks) = self.machine_figures();
        let before = self.counts;
        let (births, listed) = self.list(forks, keyframe)?;
        self.audit.begin(span_us as f64 / 1e6, births);
        self.merge(&mut round, true);
        self.read_parents(&mut round);
        let grown = busy.zip(self.busy).and_then(|(now, before)| now.checked_sub(before));
        if !first && !self.unread.is_empty() {
            match self.audit.settle(grown) {
                Verdict::Explained => {}
                Verdict::Part(part) => self.read_sleepers(&mut round, Some(part)),
                Verdict::All => self.read_sleepers(&mut round, None),
            }
        }
        if self.unlisted == 0 {
            self.doubt_the_count(before, &round);
        }
        self.close(&round);
        let full = self.unread.is_empty();
        if !listed && self.misses_a_process(&mut round) {
            self.list_all()?;
            self.merge(&mut round, false);
            self.close(&round);
        }
        if listed || self.unlisted == 0 {
            (self.beside, self.more) = (self.beside_now(), 0);
        }
        if !listed {
            self.names_of_slots();
        }
        let Round { mut sample, missed, denied, .. } = round;
        // Pid 1 lives as long as its namespace: if it is hidden, so are others.
        let first_is_hidden = self.live && self.folder.owner(1).is_none();
        sample.hidden = (denied > 0 || first_is_hidden).then_some(denied);
        sample.full = full && !missed;
        // An unreadable process would be taken for an ended one.
        sample.fresh = keyframe && (first || !missed);
        sample.ended_ticks = if first { 0 } else { self.audit.unseen() };
        self.threads.round((&mut self.folder, &mut self.shared), &self.slots, cx.want.threads, now_us, &mut sample);
        self.look_up(cx.want, asked, &mut sample);
        sample.rows.sort_unstable_by_key(|r| (r.tgid, r.key.pid));
        sample.gone.sort_unstable_by_key(|g| g.pid);
        self.shared.round();
        (self.busy, self.last_us) = (busy, now_us);
        self.round = self.round.wrapping_add(1).max(1);
        Ok(Sample::Processes(sample))
    }

    fn hurry(&self) -> Option<Duration> {
        (self.round == 1).then_some(SECOND)
    }
}

impl Processes {
    /// Sends the lookups that repeat each round before anything else, so that the answers are there at its end. False
    /// while earlier ones are pending.
    fn ask(&mut self, want: &Interest, now_us: u64) -> bool {
        let free = self.lookups.is_free();
        if free {
            let mut all = Vec::new();
            info::again(&self.slots, want, self.round, &mut all);
            info::unknown(&mut self.slots, want, self.round, false, &mut all);
            self.ios.ask(&self.slots, want, now_us, &mut all);
            self.lookups.ask(all);
            self.lookups.begin();
        }
        free
    }

    /// Sends the lookups this round found missing for processes that may be on the screen, and takes the answers that
    /// come soon.
    fn look_up(&mut self, want: &Interest, asked: bool, sample: &mut ProcessSample) {
        if asked {
            let mut all = Vec::new();
            info::unknown(&mut self.slots, want, self.round, true, &mut all);
            self.ios.rest(&self.slots, want, &mut all, sample);
            self.lookups.ask(all);
        }
        let wait = match self.round {
            _ if !self.live => RECORDED,
            _ if want.commands_of_all => WAITS[2],
            0 => WAITS[0],
            _ => WAITS[1],
        };
        let (slots, ios, shared, group) = (&mut self.slots, &mut self.ios, &mut self.shared, &mut self.group);
        self.lookups.take(Instant::now() + wait, |Wanted { key, what }, outcome| {
            let at = slots.binary_search_by_key(&key.pid, |s| s.pid).ok();
            let slot = at.and_then(|at| slots.get_mut(at)).filter(|slot| slot.key() == key);
            match (what, outcome) {
                (What::Io, Outcome::Read(bytes)) => ios.read(key, bytes, sample),
                (What::Cgroup, Outcome::Read(bytes)) => *group = Some((key, shared.of(&info::cgroup(bytes)))),
                (What::Command, Outcome::Read(_) | Outcome::Failed(_) | Outcome::Silent) => {
                    let bytes = if let Outcome::Read(bytes) = outcome { bytes } else { b"" };
                    let (command, program_len) = info::command(bytes);
                    let cgroup = group.take().filter(|(of, _)| *of == key).map(|(_, cgroup)| cgroup);
                    let info = ProcInfo { command: command.into(), program_len, cgroup: cgroup.unwrap_or_default() };
                    sample.infos.push((key, info));
                }
                _ => {}
            }
            let Some(slot) = slot else { return };
            match outcome {
                Outcome::Silent => slot.set(Flag::Silent, true),
                Outcome::Loose => {
                    slot.set(Flag::Silent, false);
                    slot.set(Flag::Unknown, !slot.has(Flag::Kernel));
                }
                // Another user's: that never changes while it runs.
                Outcome::Failed(Errno::ACCESS | Errno::PERM) if what == What::Io => slot.set(Flag::Sealed, true),
                Outcome::Read(_) | Outcome::Failed(_) => {}
            }
        });
    }

    /// Walks the listing and the table side by side: reads the awake and the new, notes the others. Until
    /// [`Processes::close`], an ended process leaves an empty slot, and a new one waits in `fresh`. Without `reads`,
    /// known processes stay as they are.
    fn merge(&mut self, round: &mut Round, reads: bool) {
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
    fn close(&mut self, round: &Round) {
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
    fn read_parents(&mut self, round: &mut Round) {
        while let Some(parent) = self.parents.pop() {
            let pid = |&at: &u32| self.slots.get(at as usize).map_or(0, |slot| slot.pid);
            let Ok(place) = self.unread.binary_search_by_key(&parent, pid) else { continue };
            let at = self.unread.remove(place) as usize;
            let slot = std::mem::take(&mut self.slots[at]);
            self.slots[at] = self.read(slot, round).unwrap_or_default();
        }
    }

    /// Reads the sleepers, or a part of them.
    fn read_sleepers(&mut self, round: &mut Round, part: Option<u32>) {
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
    fn read(&mut self, mut slot: Slot, round: &mut Round) -> Option<Slot> {
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
            round.now_us = self.clock.now().mono_us;
        }
    }

    /// Finds the current processes; returns how many started since the previous round, and whether all were listed: if
    /// not, [`Processes::beside`] says whether some are missing.
    fn list(&mut self, forks: Option<u64>, all: bool) -> Result<(u64, bool), Fault> {
        let counts = self.load.read().ok().and_then(|loadavg| TaskCounts::of(forks, loadavg));
        let before = std::mem::replace(&mut self.counts, counts);
        self.unlisted += 1;
        let Some((now, before)) = counts.zip(before) else {
            self.list_all()?;
            return Ok((0, true));
        };
        let births = now.forks_since(&before);
        if self.unlisted < self.patience && !all {
            if now.is_same(&before) {
                return Ok((births, true));
            }
            if self.by_number(&now, &before) {
                return Ok((births, false));
            }
        }
        self.list_all()?;
        Ok((births, true))
    }

    fn list_all(&mut self) -> Result<(), Fault> {
        self.listing.read(self.folder.fd()).map_err(|e| Fault::Broken(format!("could not list proc: {e}")))?;
        self.unlisted = 0;
        if self.listing.names.is_empty() {
            return Err(Fault::Absent("no process is visible in proc".to_owned()));
        }
        Ok(())
    }

    /// User, nice and system ticks of all cores, and forks since boot ("proc(5)" stat).
    fn machine_figures(&mut self) -> (Option<u64>, Option<u64>) {
        let Ok(bytes) = self.machine.read() else { return (None, None) };
        let mut lines = bytes.split(|&b| b == b'\n');
        let busy = lines.next().and_then(|line| {
            let mut fields = words(line);
            (fields.next()? == b"cpu").then_some(())?;
            (0..3).try_fold(0u64, |sum, _| sum.checked_add(number(fields.next()?)?))
        });
        let forks = lines.find_map(|line| line.strip_prefix(b"processes ")).and_then(number);
        (busy, forks)
    }
}

/// Slot and first row of a new process, by its reading and the time since the previous round.
fn new_slot(
    stat: &Stat<'_>,
    listed: Listed,
    (now_us, span_us): (u64, u64),
    shared: &mut shared::Shared,
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
mod tests;
