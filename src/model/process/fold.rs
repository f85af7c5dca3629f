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
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Stamp;

    fn span(second: u64) -> Span {
        let every = Duration::from_secs(1);
        Span { at: Stamp::at_seconds(second), every, since: (second > 1).then_some(every) }
    }

    fn key(pid: u32) -> ProcKey {
        ProcKey { pid, start_ticks: 7 }
    }

    fn row(pid: u32, ticks: u64) -> ProcRow {
        ProcRow {
            key: key(pid),
            tgid: pid,
            state: b'S',
            user_ticks: ticks,
            over_us: 1_000_000,
            name: Some(format!("p{pid}").into()),
            resident_pages: 2,
            ..ProcRow::default()
        }
    }

    fn first(pids: &[u32]) -> ProcessSample {
        let rows = pids.iter().map(|&pid| ProcRow { over_us: 0, ..row(pid, 100) }).collect();
        ProcessSample { fresh: true, rows, page_bytes: 4096, ..ProcessSample::default() }
    }

    fn delta(rows: Vec<ProcRow>) -> ProcessSample {
        ProcessSample { rows, page_bytes: 4096, ..ProcessSample::default() }
    }

    fn pids(table: &Processes) -> Vec<u32> {
        table.rows.iter().map(|p| p.key.pid).collect()
    }

    #[test]
    fn a_cgroup_that_could_not_be_read_is_what_it_was() {
        let key = ProcKey { pid: 7, start_ticks: 1 };
        let mut table = Processes::default();
        let info = |command: &str, cgroup: &str| {
            vec![(key, ProcInfo { command: command.into(), cgroup: cgroup.into(), program_len: 0 })]
        };
        let rows = vec![ProcRow { key, tgid: 7, ..ProcRow::default() }];
        table.apply(span(1), ProcessSample { fresh: true, rows, infos: info("a", "/x"), ..ProcessSample::default() });
        table.apply(span(2), ProcessSample { infos: info("b", ""), ..ProcessSample::default() });
        let known = table.rows[0].info.as_deref().expect("known");
        assert_eq!((&*known.command, &*known.cgroup), ("b", "/x"));
    }

    #[test]
    fn a_row_stays_small() {
        assert!(size_of::<Process>() <= 120, "{}", size_of::<Process>());
    }

    #[test]
    fn a_first_row_has_no_rate_and_the_second_has_the_right_one() {
        let mut table = Processes::default();
        table.apply(span(1), first(&[1, 2]));
        assert_eq!(table.rows[0].cpu, None);
        assert_eq!(table.rows[0].memory_bytes, 8192);
        table.apply(span(2), delta(vec![ProcRow { over_us: 500_000, name: None, ..row(2, 125) }]));
        assert_eq!(table.rows[1].cpu, Some(0.5));
        assert_eq!(&*table.rows[1].name, "p2");
        assert_eq!(table.rows[0].cpu, None);
        assert_eq!(table.round, 2);
    }

    #[test]
    fn who_is_silent_in_a_full_round_used_nothing() {
        let mut table = Processes::default();
        table.apply(span(1), first(&[1, 2]));
        table.apply(span(2), ProcessSample { full: true, ..delta(vec![row(2, 150)]) });
        assert_eq!((table.rows[0].cpu, table.rows[1].cpu), (Some(0.0), Some(0.5)));
        table.apply(span(3), ProcessSample { full: true, ..delta(vec![]) });
        assert_eq!(table.rows[1].cpu, Some(0.5), "a value stays until a row has another");
    }

    #[test]
    fn new_processes_are_in_order_of_pid() {
        let mut table = Processes::default();
        table.apply(span(1), first(&[5, 9]));
        table.apply(span(2), delta(vec![row(2, 0), row(7, 0), row(9, 100), row(12, 0)]));
        assert_eq!(pids(&table), [2, 5, 7, 9, 12]);
        table.apply(span(3), delta(vec![row(13, 0), row(14, 0)]));
        assert_eq!(pids(&table), [2, 5, 7, 9, 12, 13, 14]);
        assert_eq!(table.counts.total, 7);
    }

    #[test]
    fn a_row_is_found_however_far_ahead_it_is() {
        let rows: Vec<Process> =
            (0..70).map(|n| Process { key: key(10 + 2 * n), tgid: 10 + 2 * n, ..Process::default() }).collect();
        for len in [0, 1, 2, 3, 64, 70] {
            for pid in 9..160 {
                let expected = rows[..len].binary_search_by_key(&pid, |row| row.key.pid);
                assert_eq!(seek(&rows[..len], (pid, pid)), expected, "{pid} among {len}");
            }
        }
    }

    #[test]
    fn a_recycled_pid_inherits_nothing() {
        let mut table = Processes::default();
        table.apply(span(1), first(&[1, 2]));
        let info = ProcInfo { command: "old".into(), ..ProcInfo::default() };
        table.apply(span(2), ProcessSample { infos: vec![(key(2), info)], ..delta(vec![row(2, 150)]) });
        assert_eq!(table.rows[1].command(), "old");
        let other = ProcKey { pid: 2, start_ticks: 8 };
        let reused = ProcRow { key: other, over_us: 0, ..row(2, 3) };
        table.apply(span(3), ProcessSample { gone: vec![key(2)], ..delta(vec![reused]) });
        assert_eq!(table.counts.total, 2);
        let reused = table.find(other).expect("the reused pid");
        assert_eq!((reused.cpu, reused.info.is_none(), reused.mini.is_none()), (None, true, true));
        assert!(table.find(key(2)).is_none());
    }

    #[test]
    fn a_lost_round_asks_for_a_keyframe() {
        let mut table = Processes::default();
        let numbered = |round, sample| ProcessSample { round, ..sample };
        table.apply(span(1), numbered(1, first(&[1, 2, 3])));
        table.apply(span(2), numbered(2, delta(vec![row(1, 150)])));
        assert_eq!((table.keyframes_wanted, table.rows[0].cpu), (0, Some(0.5)));
        // In the round that was lost, 2 ended, 8 began, and 1 worked.
        let known_to_the_collector = ProcRow { name: None, ..row(8, 900) };
        table.apply(span(4), numbered(4, delta(vec![row(1, 250), known_to_the_collector])));
        assert_eq!((table.keyframes_wanted, pids(&table)), (1, vec![1, 2, 3, 8]));
        assert_eq!((table.rows[0].cpu, table.rows[3].cpu), (None, None), "of two rounds in the span of one");
        let keyframe = ProcessSample { fresh: true, ..delta(vec![row(1, 260), row(3, 100), row(8, 950)]) };
        table.apply(span(5), numbered(5, keyframe));
        assert_eq!((table.keyframes_wanted, table.incomplete, pids(&table)), (1, None, vec![1, 3, 8]));
        assert_eq!((table.counts.total, &*table.rows[2].name), (3, "p8"));
        assert_eq!(table.rows[0].cpu, Some(0.1), "it was read in both rounds");
        table.apply(span(6), numbered(6, delta(vec![row(8, 1000)])));
        assert_eq!((table.keyframes_wanted, table.rows[2].cpu), (1, Some(0.5)));
    }

    #[test]
    fn a_keyframe_that_is_lost_too_is_asked_for_again() {
        let mut table = Processes::default();
        for round in 7..7 + 2 * u64::from(KEYFRAME_LOST) {
            table.apply(span(round), ProcessSample { round, ..delta(vec![]) });
        }
        assert_eq!(table.keyframes_wanted, 2, "entered in the middle of a recording");
    }

    #[test]
    fn a_collector_that_was_opened_again_asks_for_nothing() {
        let mut table = Processes::default();
        table.apply(span(1), ProcessSample { round: 41, ..first(&[1]) });
        table.apply(span(2), ProcessSample { round: 1, ..first(&[1, 5]) });
        table.apply(span(3), ProcessSample { round: 2, ..delta(vec![row(5, 150)]) });
        assert_eq!((table.keyframes_wanted, pids(&table), table.rows[1].cpu), (0, vec![1, 5], Some(0.5)));
    }

    #[test]
    fn counts_follow_births_changes_of_state_and_deaths() {
        let mut table = Processes::default();
        table.apply(span(1), first(&[1, 2, 3]));
        assert_eq!((table.counts.total, table.counts.asleep), (3, 3));
        let changed = vec![
            ProcRow { state: b'R', ..row(1, 100) },
            ProcRow { state: b'Z', ..row(2, 100) },
            ProcRow { kernel: true, state: b'I', ..row(8, 0) },
        ];
        table.apply(span(2), delta(changed));
        let c = table.counts;
        assert_eq!((c.total, c.running, c.zombie, c.asleep, c.kernel), (4, 1, 1, 2, 1));
        table.apply(span(3), ProcessSample { gone: vec![key(2), key(8)], ..delta(vec![]) });
        let c = table.counts;
        assert_eq!((c.total, c.zombie, c.asleep, c.kernel), (2, 0, 1, 0));
        table.apply(span(4), first(&[4]));
        assert_eq!((table.counts.total, pids(&table)), (1, vec![4]));
    }

    #[test]
    fn threads_stand_behind_their_process_and_are_counted_apart() {
        let mut table = Processes::default();
        table.apply(span(1), first(&[10, 20]));
        let thread = |pid| ProcRow { tgid: 10, ..row(pid, 0) };
        table.apply(span(2), delta(vec![thread(11), thread(30)]));
        assert_eq!(pids(&table), [10, 11, 30, 20]);
        assert_eq!((table.counts.total, table.counts.threads), (2, 2));
        assert!(table.find(key(30)).is_some_and(Process::is_thread));
        table.apply(span(3), ProcessSample { gone: vec![key(11), key(30)], ..delta(vec![]) });
        assert_eq!((pids(&table), table.counts.threads), (vec![10, 20], 0));
    }

    #[test]
    fn small_graph_moves_every_round_and_vanishes_when_flat() {
        let mut table = Processes::default();
        table.apply(span(1), first(&[1, 2]));
        table.apply(span(2), delta(vec![row(1, 150)]));
        table.apply(span(3), delta(vec![row(1, 150)]));
        assert_eq!(table.rows[0].mini.as_deref().map(|m| m[12..].to_vec()), Some(vec![0, 0, 4, 0]));
        assert!(table.rows[1].mini.is_none());
        for second in 4..=18 {
            table.apply(span(second), delta(vec![]));
        }
        assert!(table.rows[0].mini.is_none());
    }

    #[test]
    fn storage_rates_need_two_readings_and_end_when_unwanted() {
        let mut table = Processes::default();
        table.apply(span(1), first(&[1]));
        let io = |read, written, over_us| ProcIo { key: key(1), read_bytes: read, written_bytes: written, over_us };
        let sample = |io| ProcessSample { ios: vec![io], ..delta(vec![]) };
        table.apply(span(2), sample(io(1000, 50, 0)));
        assert_eq!(table.rows[0].read_per_second(), None);
        table.apply(span(3), sample(io(3000, 40, 2_000_000)));
        assert_eq!(table.rows[0].read_per_second(), Some(1000.0));
        assert_eq!(table.rows[0].write_per_second(), None, "a counter that went backwards has no rate");
        table.apply(span(4), delta(vec![]));
        assert_eq!(table.rows[0].read_per_second(), Some(1000.0), "counters are read in every second round");
        table.apply(span(5), sample(io(3000, 80, 2_000_000)));
        assert_eq!((table.rows[0].read_per_second(), table.rows[0].write_per_second()), (Some(0.0), Some(20.0)));
        table.apply(span(6), delta(vec![]));
        table.apply(span(7), delta(vec![]));
        assert_eq!(table.rows[0].read_per_second(), None, "nobody asks for it any more");
    }

    #[test]
    fn cgroup_paths_are_shared_and_ended_ones_count_as_cpu() {
        let mut table = Processes::default();
        table.apply(span(1), first(&[1, 2]));
        assert_eq!(table.ended_cpu, None);
        let info = |pid| (key(pid), ProcInfo { cgroup: "/a.slice".into(), ..ProcInfo::default() });
        let sample = ProcessSample { infos: vec![info(1), info(2)], ended_ticks: 25, ..delta(vec![]) };
        table.apply(span(2), sample);
        let path = |at: usize| table.rows[at].info.as_ref().map(|i| i.cgroup.clone()).expect("known");
        assert!(Arc::ptr_eq(&path(0), &path(1)));
        assert_eq!(table.ended_cpu, Some(0.25));
    }
}
