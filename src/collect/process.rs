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
mod merge;
mod shared;
mod slot;
mod stat;
mod threads;

use std::time::{Duration, Instant};

use audit::{Audit, Verdict};
use folder::Folder;
use forks::TaskCounts;
use listing::Listing;
use lookups::{Lookups, Outcome, Wanted, What};
use rustix::io::Errno;
use slot::{Flag, Slot};

use super::{CollectCx, Collector, OpenCx};
use crate::{
    clock::Clock,
    interest::Interest,
    model::{
        event::Sample,
        fault::Fault,
        process::{ProcInfo, ProcessSample},
    },
    sys::{
        parse::{number, words},
        reread::Reread,
    },
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
            self.ios.ask(&self.slots, want, (self.round, now_us), &mut all);
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

#[cfg(test)]
mod tests;
