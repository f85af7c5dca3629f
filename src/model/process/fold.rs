//! The table of processes kept by deltas: work grows with what changed, apart from one light pass for the small graphs.

use std::sync::Arc;

use super::{
    MINI_HISTORY, Moved, ProcInfo, ProcIo, ProcKey, ProcRow, Process, ProcessCounts, ProcessSample, Processes,
};
use crate::{clock::TICKS_PER_SECOND, model::span::Span};

/// Rounds between two removals of unused cgroup paths.
const CLEARING: u64 = 512;
/// Storage counters are read in every second round: rates stand through the one between, and no longer.
const IO_ROUNDS: u8 = 2;
/// A keyframe that does not come in so many rounds was lost too: another one is needed.
const KEYFRAME_LOST: u32 = 10;

impl Processes {
    /// Folds one round in.
    pub fn apply(&mut self, span: Span, sample: ProcessSample) {
        let lost = self.note_lost(&sample);
        let seconds = span.since.map_or(0.0, |s| s.as_secs_f64());
        let ended = sample.ended_ticks as f64 / f64::from(TICKS_PER_SECOND) / seconds;
        let is_first = sample.fresh && sample.round <= 1;
        self.ended_cpu = (seconds > 0.0 && !is_first && !lost).then_some(ended as f32);
        self.remove(&sample.gone);
        if sample.fresh {
            self.keep_only(&sample.rows);
        }
        // A process that was read and is not listed used nothing; a first reading has no rate yet.
        if sample.full && !sample.fresh {
            self.rows.iter_mut().filter(|row| !row.is_thread()).for_each(|row| _ = row.cpu.get_or_insert(0.0));
        }
        self.merge(sample.rows, sample.page_bytes, sample.fresh || self.incomplete.is_some());
        self.learn(sample.infos);
        self.age();
        self.store(&sample.ios);
        self.hidden = sample.hidden;
        self.round += 1;
        if self.round.is_multiple_of(CLEARING) {
            self.cgroups.retain(|path| Arc::strong_count(path) > 1);
        }
    }

    /// Notices rounds that were lost: who began or ended in one is not known, nor how long ago the rows were read.
    fn note_lost(&mut self, sample: &ProcessSample) -> bool {
        let is_next = sample.round == 0 || sample.round == self.sampled + 1;
        self.sampled = sample.round;
        // A collector that was opened again has no pairs to lose.
        let is_first = sample.fresh && sample.round == 1;
        let lost = !is_next && !is_first;
        if lost {
            self.rows.iter_mut().for_each(|row| (row.unpaired, row.moved) = (true, None));
            self.incomplete.get_or_insert(0);
        }
        if sample.fresh {
            self.incomplete = None;
        }
        if let Some(rounds) = &mut self.incomplete {
            self.keyframes_wanted += u64::from(rounds.is_multiple_of(KEYFRAME_LOST));
            *rounds += 1;
        }
        lost
    }

    /// Takes out who is not in a keyframe.
    fn keep_only(&mut self, all: &[ProcRow]) {
        let counts = &mut self.counts;
        self.rows.retain(|row| {
            let at = all.binary_search_by_key(&(row.tgid, row.key.pid), |raw| (raw.tgid, raw.key.pid));
            let is_there = at.is_ok_and(|at| all[at].key == row.key);
            if !is_there {
                count(counts, row, false);
            }
            is_there
        });
    }

    /// Takes out what ended.
    fn remove(&mut self, gone: &[ProcKey]) {
        if gone.is_empty() {
            return;
        }
        let counts = &mut self.counts;
        self.rows.retain(|row| {
            let ended = gone.binary_search_by_key(&row.key.pid, |g| g.pid).is_ok_and(|at| gone[at] == row.key);
            if ended {
                count(counts, row, false);
            }
            !ended
        });
    }

    /// Brings changed rows up to date and lets new ones in; `unpaired` where those may be older than the last round.
    fn merge(&mut self, delta: Vec<ProcRow>, page_bytes: u32, unpaired: bool) {
        if self.rows.is_empty() {
            self.rows.reserve_exact(delta.len());
        }
        let mut from = 0;
        let known = self.rows.len();
        for raw in delta {
            let order = (raw.tgid, raw.key.pid);
            match seek(&self.rows[from..known], order) {
                Ok(ahead) => {
                    let row = &mut self.rows[from + ahead];
                    count(&mut self.counts, row, false);
                    if row.key != raw.key {
                        *row = Process::default();
                    }
                    update(row, raw, page_bytes);
                    count(&mut self.counts, row, true);
                    from += ahead + 1;
                }
                Err(ahead) => {
                    let mut row = Process { unpaired, ..Process::default() };
                    update(&mut row, raw, page_bytes);
                    count(&mut self.counts, &row, true);
                    // Behind all that were known: sorted in below, in one go.
                    self.rows.push(row);
                    from += ahead;
                }
            }
        }
        let order = |p: &Process| (p.tgid, p.key.pid);
        let sorted = known == 0 || known == self.rows.len() || order(&self.rows[known - 1]) < order(&self.rows[known]);
        if !sorted {
            self.rows.sort_unstable_by_key(order);
        }
    }

    fn row_mut(&mut self, key: ProcKey) -> Option<&mut Process> {
        let at = self.rows.binary_search_by_key(&(key.pid, key.pid), |p| (p.tgid, p.key.pid)).ok()?;
        self.rows.get_mut(at).filter(|p| p.key == key)
    }

    /// Books command lines and cgroups.
    fn learn(&mut self, infos: Vec<(ProcKey, ProcInfo)>) {
        for (key, info) in infos {
            // What was read again is what it was, most often.
            let known = |row: &mut Process| row.info.as_deref().is_some_and(|known| known.has(&info));
            if self.row_mut(key).is_none_or(known) {
                continue;
            }
            let cgroup = match self.cgroups.get(&info.cgroup) {
                Some(path) => path.clone(),
                None => {
                    self.cgroups.insert(info.cgroup.clone());
                    info.cgroup.clone()
                }
            };
            if let Some(row) = self.row_mut(key) {
                // An empty path is one that could not be read.
                let known = row.info.as_ref().map(|known| known.cgroup.clone()).filter(|_| cgroup.is_empty());
                let cgroup = known.unwrap_or(cgroup);
                row.info = Some(Box::new(ProcInfo { cgroup, ..info }));
            }
        }
    }

    /// Moves the small graphs on by one round; storage rates that were not reported again are dropped.
    fn age(&mut self) {
        for row in &mut self.rows {
            let level = level(row.cpu);
            match &mut row.mini {
                Some(mini) => {
                    mini.copy_within(1.., 0);
                    mini[MINI_HISTORY - 1] = level;
                    if mini.iter().all(|&l| l == 0) {
                        row.mini = None;
                    }
                }
                None if level > 0 => {
                    let mut mini = [0; MINI_HISTORY];
                    mini[MINI_HISTORY - 1] = level;
                    row.mini = Some(Box::new(mini));
                }
                None => {}
            }
            if let Some(moved) = &mut row.moved {
                moved.rounds = moved.rounds.saturating_add(1);
                if moved.rounds >= IO_ROUNDS {
                    (moved.read_per_second, moved.write_per_second) = (None, None);
                }
            }
        }
    }

    /// Books storage counters and their rates.
    fn store(&mut self, ios: &[ProcIo]) {
        for io in ios {
            let Some(row) = self.row_mut(io.key) else { continue };
            let mut moved = Moved { read_bytes: io.read_bytes, written_bytes: io.written_bytes, ..Moved::default() };
            if let Some(before) = row.moved.as_ref().filter(|_| io.over_us > 0) {
                let rate = |before: u64, now: u64| {
                    now.checked_sub(before).map(|grown| (grown as f64 / (io.over_us as f64 / 1e6)) as f32)
                };
                moved.read_per_second = rate(before.read_bytes, io.read_bytes);
                moved.write_per_second = rate(before.written_bytes, io.written_bytes);
            }
            match &mut row.moved {
                Some(kept) => **kept = moved,
                None => row.moved = Some(Box::new(moved)),
            }
        }
    }
}

/// Where a row stands, or belongs, by `(tgid, pid)`. The next one that changed is near: in a full round it is the first.
fn seek(rest: &[Process], order: (u32, u32)) -> Result<usize, usize> {
    let at = |place: usize| rest.get(place).map(|p| (p.tgid, p.key.pid));
    if at(0) == Some(order) {
        return Ok(0);
    }
    let mut end = 1;
    while at(end - 1).is_some_and(|here| here < order) {
        end *= 2;
    }
    let start = end / 2;
    let near = &rest[start..end.min(rest.len())];
    let found = near.binary_search_by_key(&order, |p| (p.tgid, p.key.pid));
    found.map(|place| start + place).map_err(|place| start + place)
}

/// Brings one row up to date; a new row has `key` at its default.
fn update(row: &mut Process, raw: ProcRow, page_bytes: u32) {
    let ticks = raw.user_ticks + raw.system_ticks;
    if std::mem::take(&mut row.unpaired) {
        row.cpu = None;
    } else if raw.over_us > 0 {
        // A process that came since the last round used all that it has since then.
        let before = if row.key == raw.key { row.cpu_ticks } else { 0 };
        let grown = ticks.checked_sub(before);
        row.cpu = grown.map(|grown| (grown as f64 / f64::from(TICKS_PER_SECOND) / (raw.over_us as f64 / 1e6)) as f32);
    }
    row.key = raw.key;
    row.tgid = raw.tgid;
    row.parent = raw.parent;
    row.state = raw.state;
    row.kernel = raw.kernel;
    row.cpu_ticks = ticks;
    row.user_ticks = raw.user_ticks;
    row.memory_bytes = raw.resident_pages * u64::from(page_bytes);
    row.virtual_bytes = raw.virtual_bytes;
    row.threads = raw.threads;
    row.priority = i16::try_from(raw.priority).unwrap_or(i16::MAX);
    row.nice = i8::try_from(raw.nice).unwrap_or(0);
    row.core = raw.core;
    if let Some(name) = raw.name {
        row.name = name;
    }
    if let Some(uid) = raw.uid {
        row.uid = uid;
    }
}

/// Eighths of a core for the small graph; a trace of work is seen as one.
fn level(cpu: Option<f32>) -> u8 {
    match cpu {
        Some(cpu) if cpu >= 0.005 => (cpu * 8.0).round().clamp(1.0, 8.0) as u8,
        _ => 0,
    }
}

/// Counts a row in or out.
fn count(counts: &mut ProcessCounts, row: &Process, comes: bool) {
    let step = |n: &mut u32| *n = if comes { *n + 1 } else { n.saturating_sub(1) };
    if row.is_thread() {
        return step(&mut counts.threads);
    }
    step(&mut counts.total);
    if row.kernel {
        step(&mut counts.kernel);
    }
    match row.state {
        b'R' => step(&mut counts.running),
        b'S' | b'I' => step(&mut counts.asleep),
        b'D' => step(&mut counts.blocked),
        b'T' | b't' => step(&mut counts.stopped),
        b'Z' => step(&mut counts.zombie),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
