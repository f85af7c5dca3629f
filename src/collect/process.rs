//! Processes: one small read each, the idle ones in turn, and an audit that sees to it that nothing is hidden by that.
//!
//! A round lists `/proc` when somebody was born or died, reads the awake, and compares what they used with what the
//! machine says was used. When that does not explain the total, all others are read in the same round. What is sent is
//! the difference to the round before.

mod audit;
mod births;
mod first;
mod folder;
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
use births::Census;
use folder::{Folder, Path};
use listing::{Listed, Listing};
use lookups::{Lookups, Told, Wanted, What};
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

/// A sleeper is read in one of `2^4` rounds, where there are many in one of `2^5`.
const TURNS: u32 = 4;
const MANY: usize = 1000;
/// While the audit is blind: in every second.
const BLIND_TURNS: u32 = 1;
/// Rounds without a listing, at most: a container's figures of births and deaths may be of another machine. Twice as many
/// after each listing that found nothing that the figures had not told, up to the second: a listing costs as much as
/// reading a sixth of all.
const UNLISTED: (u32, u32) = (8, 32);
/// The second round comes this soon, so that shares of CPU are there early.
const SECOND: Duration = Duration::from_millis(150);
/// How long a round waits for what is looked up: in the first, which the screen waits for, in each other, and where
/// everything is wanted at once.
const WAITS: [Duration; 3] = [Duration::from_millis(6), Duration::from_millis(25), Duration::from_millis(1300)];
/// The files of a recording always answer: what is shown of it does not depend on how fast.
const RECORDED: Duration = Duration::from_secs(60);
/// Processes between two looks at the clock.
const CLOCKED: usize = 32;

pub fn open(cx: &OpenCx) -> Result<Box<dyn Collector>, Fault> {
    Ok(Box::new(Processes {
        folder: Folder::open(&cx.root)?,
        machine: Reread::new(&cx.root, "proc/stat"),
        load: Reread::new(&cx.root, "proc/loadavg"),
        clock: cx.clock,
        read_all: cx.settings.read_all,
        listing: Listing::new(),
        census: None,
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
    /// The machine's count in the newest round.
    census: Option<Census>,
    /// What of it was not seen when all was listed.
    beside: Option<i64>,
    /// Rounds in a row in which more of it were unseen.
    more: u32,
    /// Ids of `loadavg` are those of `proc`.
    numbered: bool,
    /// Rounds since all was listed, and after how many it is listed anyhow.
    unlisted: u32,
    patience: u32,
    /// Ascending by pid.
    slots: Vec<Slot>,
    /// Who is new in the round under way.
    fresh: Vec<Slot>,
    /// Indices of slots that were left asleep in this round.
    unread: Vec<u32>,
    /// Parents of those that came or ended in this round: the likeliest to have worked, or to have been given the time
    /// of their children.
    parents: Vec<u32>,
    audit: Audit,
    threads: threads::Threads,
    ios: io::Ios,
    lookups: Lookups,
    group: info::Group,
    /// `proc` is a kernel's, which may hide processes (hidepid).
    live: bool,
    shared: shared::Shared,
    /// When the round before began.
    last_us: u64,
    /// The machine's busy ticks then.
    busy: Option<u64>,
    round: u32,
    /// Rounds that were sent, or failed: the fold notices a gap.
    number: u64,
    page_bytes: u32,
}

/// The round under way.
struct Round {
    sample: ProcessSample,
    now_us: u64,
    /// Since the round before, microseconds; 0 in the first.
    span_us: u64,
    count: usize,
    /// Somebody who lives could not be read.
    missed: bool,
    /// Listed, and refused.
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
        // Before the listing, so that who comes between the two is listed next time.
        let (busy, forks) = self.machine_figures();
        let before = self.census;
        let (births, listed) = self.list(forks, keyframe)?;
        self.audit.begin(span_us as f64 / 1e6, births);
        self.merge(&mut round, true);
        self.read_parents(&mut round);
        let grown = busy.zip(self.busy).and_then(|(now, before)| now.checked_sub(before));
        if !first && !self.unread.is_empty() {
            match self.audit.settle(grown) {
                Verdict::Explained => {}
                Verdict::Part(part) => self.look(&mut round, Some(part)),
                Verdict::Look => self.look(&mut round, None),
            }
        }
        if self.unlisted == 0 {
            self.doubt_the_count(before, &round);
        }
        self.close(&round);
        let full = self.unread.is_empty();
        if !listed && self.someone_is_missed(&mut round) {
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
        // The first process lives as long as its namespace: who does not see it does not see all.
        let first_is_hidden = self.live && self.folder.owner(1).is_none();
        sample.hidden = (denied > 0 || first_is_hidden).then_some(denied);
        sample.full = full && !missed;
        // One that could not be read would be taken for one that ended.
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
    /// Asks for what is read again in each round before anything else is done: it is there when the round is over. False
    /// while earlier questions wait.
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

    /// Asks for what this round found missing of those that may be on the screen at once, and takes what comes of all that
    /// was asked soon.
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
        self.lookups.take(Instant::now() + wait, |Wanted { key, what }, told| {
            let at = slots.binary_search_by_key(&key.pid, |s| s.pid).ok();
            let slot = at.and_then(|at| slots.get_mut(at)).filter(|slot| slot.key() == key);
            match (what, told) {
                (What::Io, Told::Read(bytes)) => ios.read(key, bytes, sample),
                (What::Cgroup, Told::Read(bytes)) => *group = Some((key, shared.of(&info::cgroup(bytes)))),
                (What::Command, Told::Read(_) | Told::Failed(_) | Told::Silent) => {
                    let bytes = if let Told::Read(bytes) = told { bytes } else { b"" };
                    let (command, program_len) = info::command(bytes);
                    let cgroup = group.take().filter(|(of, _)| *of == key).map(|(_, cgroup)| cgroup);
                    let info = ProcInfo { command: command.into(), program_len, cgroup: cgroup.unwrap_or_default() };
                    sample.infos.push((key, info));
                }
                _ => {}
            }
            let Some(slot) = slot else { return };
            match told {
                Told::Silent => slot.set(Flag::Silent, true),
                Told::Loose => {
                    slot.set(Flag::Silent, false);
                    slot.set(Flag::Unknown, !slot.has(Flag::Kernel));
                }
                // Another user's: it will not be told in its life.
                Told::Failed(Errno::ACCESS | Errno::PERM) if what == What::Io => slot.set(Flag::Sealed, true),
                Told::Read(_) | Told::Failed(_) => {}
            }
        });
    }

    /// Goes through the listing and the table side by side: reads the awake and the new, takes note of the others. Who
    /// ended leaves an empty slot, and who is new waits in `fresh`, until [`Processes::close`]. Without `reads` those that
    /// are known stay as they are.
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
                    let slot = self.welcome((slot, row), owner, round);
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
                self.bury(&std::mem::take(ended), round);
                at += 1;
            }
            let Some(slot) = slots.get_mut(at).filter(|s| s.pid == listed.pid) else {
                let fresh = self.meet(*listed, round);
                self.fresh.extend(fresh);
                continue;
            };
            if slot.inode != listed.inode {
                // The number was given to another process.
                self.bury(&std::mem::take(slot), round);
                *slot = self.meet(*listed, round).unwrap_or_default();
            } else if !reads {
            } else if slot.asleep() && !self.read_all && !round.sample.fresh && !slot.turn(self.round, bits) {
                self.unread.push(u32::try_from(at).unwrap_or(u32::MAX));
            } else {
                *slot = self.read(std::mem::take(slot), round).unwrap_or_default();
            }
            at += 1;
        }
        for ended in slots.iter_mut().skip(at) {
            self.bury(&std::mem::take(ended), round);
        }
        (self.listing.names, self.slots) = (names, slots);
    }

    /// Takes out the slots of who ended and lets the new ones in.
    fn close(&mut self, round: &Round) {
        if !round.sample.gone.is_empty() {
            self.slots.retain(|s| s.pid != 0);
        }
        if self.slots.is_empty() {
            std::mem::swap(&mut self.slots, &mut self.fresh);
        } else if !self.fresh.is_empty() {
            // Room for some more, not for twice as many.
            let room = self.fresh.len() + self.slots.len() / 16;
            if self.slots.capacity() - self.slots.len() < self.fresh.len() {
                self.slots.reserve_exact(room);
            }
            self.slots.append(&mut self.fresh);
            if !self.slots.is_sorted_by_key(|s| s.pid) {
                self.slots.sort_unstable_by_key(|s| s.pid);
            }
        }
    }

    /// Reads the sleepers among the parents of those that came or ended, and on to theirs where these ended too.
    fn read_parents(&mut self, round: &mut Round) {
        while let Some(parent) = self.parents.pop() {
            let pid = |&at: &u32| self.slots.get(at as usize).map_or(0, |slot| slot.pid);
            let Ok(place) = self.unread.binary_search_by_key(&parent, pid) else { continue };
            let at = self.unread.remove(place) as usize;
            let slot = std::mem::take(&mut self.slots[at]);
            self.slots[at] = self.read(slot, round).unwrap_or_default();
        }
    }

    /// Reads those that were left asleep after all, or a part of them.
    fn look(&mut self, round: &mut Round, part: Option<u32>) {
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

    /// Reads a process that is known; `None` when it ended.
    fn read(&mut self, mut slot: Slot, round: &mut Round) -> Option<Slot> {
        self.tick(round);
        let was_asleep = slot.asleep();
        let since_read = round.now_us.saturating_sub(slot.read_us);
        let bytes = match self.folder.read(&Path::of(slot.pid, b"/stat")) {
            Ok(bytes) => bytes,
            Err(Errno::NOENT | Errno::SRCH) => {
                self.bury(&slot, round);
                return None;
            }
            // What cannot be read in this round is what it was.
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
            let fresh = newcomer(
                &stat,
                Listed { pid: slot.pid, inode: slot.inode },
                (round.now_us, round.span_us),
                &mut self.shared,
            );
            let owner = self.folder.owner(slot.pid);
            self.bury(&slot, round);
            return Some(self.welcome(fresh, owner, round));
        }
        let change = slot.update(&stat, round.now_us);
        self.audit.book(change.own, change.inherited);
        let keyframe = round.sample.fresh;
        let renew = change.renamed || slot.has(Flag::Young) || keyframe;
        slot.set(Flag::Young, false);
        if !change.telling && !renew {
            return Some(slot);
        }
        let over_us =
            if was_asleep { self.audit.span(change.own, since_read, round.span_us, stat.threads) } else { since_read };
        let mut row = ProcRow { over_us: over_us.max(1), ..slot.row(&stat) };
        if renew {
            row.name = Some(self.shared.of(&clean_bytes(stat.name)));
            if change.renamed || keyframe {
                // Another program has other arguments; a keyframe repeats them.
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

    /// Reads a process that is new.
    fn meet(&mut self, listed: Listed, round: &mut Round) -> Option<Slot> {
        self.tick(round);
        let read = self.folder.read(&Path::of(listed.pid, b"/stat"));
        if matches!(read, Err(Errno::ACCESS | Errno::PERM)) {
            round.denied += 1;
        }
        let stat = stat::parse(read.ok()?)?;
        let fresh = newcomer(&stat, listed, (round.now_us, round.span_us), &mut self.shared);
        let owner = self.folder.owner(listed.pid);
        Some(self.welcome(fresh, owner, round))
    }

    fn welcome(&mut self, (mut slot, mut row): (Slot, ProcRow), owner: Option<u32>, round: &mut Round) -> Slot {
        slot.uid = owner.unwrap_or(0);
        row.uid = owner;
        if round.span_us > 0 {
            self.parents.push(slot.parent);
            // It came since the last round, so all that it used was used since then.
            self.audit.book(slot.own, u64::from(slot.child));
            slot.set(Flag::Young, true);
        }
        round.sample.rows.push(row);
        slot
    }

    fn bury(&mut self, slot: &Slot, round: &mut Round) {
        self.audit.bury(slot.own + u64::from(slot.child));
        self.parents.push(slot.parent);
        round.sample.gone.push(slot.key());
    }

    /// Counts a reading; a long round looks at the clock now and then.
    fn tick(&mut self, round: &mut Round) {
        round.sample.read += 1;
        round.count += 1;
        if round.count.is_multiple_of(CLOCKED) {
            round.now_us = self.clock.now().mono_us;
        }
    }

    /// Finds out which processes there are; how many were born since the round before, and whether all were listed:
    /// else some may be missing that [`Processes::beside`] tells of.
    fn list(&mut self, forks: Option<u64>, all: bool) -> Result<(u64, bool), Fault> {
        let census = self.load.read().ok().and_then(|loadavg| Census::of(forks, loadavg));
        let before = std::mem::replace(&mut self.census, census);
        self.unlisted += 1;
        let Some((now, before)) = census.zip(before) else {
            self.list_all()?;
            return Ok((0, true));
        };
        let births = now.births(&before);
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
        self.listing.read(self.folder.fd()).map_err(|e| Fault::Broken(format!("proc could not be listed: {e}")))?;
        self.unlisted = 0;
        if self.listing.names.is_empty() {
            return Err(Fault::Absent("no process is to be seen in proc".to_owned()));
        }
        Ok(())
    }

    /// Ticks of all cores in user, nice and system, and births since boot ("proc(5)" stat).
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

/// The slot and the first row of a process that was never seen: read when, and so long after the round before.
fn newcomer(
    stat: &Stat<'_>,
    listed: Listed,
    (now_us, span_us): (u64, u64),
    shared: &mut shared::Shared,
) -> (Slot, ProcRow) {
    let mut slot = Slot::new(listed.pid, listed.inode, stat, now_us);
    // Without a first rate there is none to take back: who stays silent in the next, full round used nothing.
    slot.set(Flag::Told, span_us > 0);
    let name = Some(shared.of(&clean_bytes(stat.name)));
    // In the first round nobody knows how long it has been using its CPU time.
    let row = ProcRow { over_us: span_us, name, ..slot.row(stat) };
    (slot, row)
}

#[cfg(test)]
mod tests;
