//! Rounds of processes folded in: deltas, keyframes, counts, graphs and rates.

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
