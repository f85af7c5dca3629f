//! Rounds of a machine made of numbers.

use super::*;

/// One round: the machine's ticks and those of awake processes; a scan finds `sleepers`.
fn round(audit: &mut Audit, machine: u64, awake: u64, sleepers: u64) -> Verdict {
    audit.begin(1.0, 0);
    audit.book(awake, 0);
    let verdict = audit.settle(Some(machine));
    if verdict == Verdict::All {
        audit.book(sleepers, 0);
        audit.looked();
    }
    verdict
}

#[test]
fn explained_work_needs_no_scan() {
    let mut audit = Audit::default();
    for n in 0..100 {
        assert_eq!(round(&mut audit, 100 + n % 2, 100, 0), Verdict::Explained);
    }
}

#[test]
fn noise_of_many_forks_causes_no_scan() {
    let mut audit = Audit::default();
    for n in 0..100 {
        audit.begin(1.0, 64);
        audit.book(10, 0);
        let machine = if n % 2 == 0 { 14 } else { 6 };
        assert_eq!(audit.settle(Some(machine)), Verdict::Explained, "{n}");
    }
    audit.begin(1.0, 64);
    audit.book(10, 0);
    assert_eq!(audit.settle(Some(60)), Verdict::All);
}

#[test]
fn a_waking_sleeper_is_found_in_the_same_round() {
    let mut audit = Audit::default();
    for _ in 0..5 {
        round(&mut audit, 40, 40, 0);
    }
    assert_eq!(round(&mut audit, 140, 40, 100), Verdict::All);
    assert_eq!(round(&mut audit, 140, 140, 0), Verdict::Explained);
}

#[test]
fn scans_are_two_rounds_apart_and_none_is_lost() {
    let mut audit = Audit::default();
    round(&mut audit, 0, 0, 0);
    assert_eq!(round(&mut audit, 50, 0, 50), Verdict::All);
    assert_eq!(round(&mut audit, 100, 50, 50), Verdict::Explained);
    assert_eq!(round(&mut audit, 50, 50, 50), Verdict::All);
}

#[test]
fn a_little_work_is_searched_part_by_part() {
    let parts = |audit: &mut Audit, asleep: u64| -> Vec<u32> {
        let mut parts = Vec::new();
        for _ in 0..5 {
            audit.begin(1.0, 0);
            audit.book(40, 0);
            let verdict = audit.settle(Some(48));
            let Verdict::Part(part) = verdict else {
                assert_eq!(verdict, Verdict::Explained, "of eight hundredths of a core");
                continue;
            };
            parts.push(part);
            // It is in the second part.
            if parts.len() == 2 {
                audit.book(asleep, 0);
            }
            audit.looked();
            if parts.len() == 2 && asleep > 0 {
                break;
            }
        }
        parts
    };
    assert_eq!(parts(&mut Audit::default(), 12), [1, 2]);
    let mut audit = Audit::default();
    assert_eq!(parts(&mut audit, 0)[..4], [1, 2, 3, 0]);
    assert!(audit.slack > 0.0, "no process did it");
}

#[test]
fn short_lived_children_are_explained_by_their_parent() {
    let mut audit = Audit::default();
    for _ in 0..20 {
        audit.begin(1.0, 0);
        audit.book(2, 30);
        assert_eq!(audit.settle(Some(32)), Verdict::Explained);
        assert_eq!(audit.unseen(), 30);
    }
}

#[test]
fn ticks_that_a_row_carried_are_not_inherited_twice() {
    let mut audit = Audit::default();
    audit.begin(1.0, 0);
    audit.book(80, 0);
    assert_eq!(audit.settle(Some(80)), Verdict::Explained);
    audit.unseen();
    // It ends after ten more ticks; the parent inherits all ninety one round late.
    audit.begin(1.0, 0);
    audit.remove(80);
    audit.settle(Some(10));
    assert_eq!(audit.unseen(), 0);
    audit.begin(1.0, 0);
    audit.book(0, 90);
    audit.settle(Some(0));
    assert_eq!(audit.unseen(), 10);
}

#[test]
fn failed_scans_make_it_blind_for_a_while() {
    let mut audit = Audit::default();
    let mut scans = 0;
    let mut blind = 0;
    for _ in 0..100 {
        scans += u32::from(round(&mut audit, 500, 20, 0) == Verdict::All);
        blind += u32::from(audit.is_blind());
    }
    assert!((VAIN..VAIN + 3).contains(&scans), "{scans}");
    assert!(blind > 80, "{blind}");
    for _ in 0..BLIND {
        round(&mut audit, 20, 20, 0);
    }
    assert!(!audit.is_blind());
}

#[test]
fn without_a_machine_counter_it_is_blind() {
    let mut audit = Audit::default();
    audit.begin(1.0, 0);
    audit.settle(None);
    assert!(audit.is_blind());
}

#[test]
fn ticks_of_a_waker_belong_to_this_round() {
    let mut audit = Audit::default();
    audit.begin(1.0, 0);
    let second = 1_000_000;
    assert_eq!(audit.span(60, 8 * second, second, 1), second);
    // Awake since half a round before: 50 ticks went unexplained then.
    audit.earlier = 50.0;
    assert_eq!(audit.span(150, 8 * second, second, 4), 1_500_000);
    // All of it was before.
    audit.earlier = 50.0;
    assert_eq!(audit.span(40, 8 * second, second, 1), 8 * second);
    // So little a second may have been used at any time.
    assert_eq!(audit.span(20, 8 * second, second, 1), 8 * second);
    // This round left but six ticks open.
    audit.earlier = 0.0;
    audit.open = Some(6.0);
    assert_eq!(audit.span(48, 8 * second, second, 1), 8 * second);
    audit.open = None;
    // One thread cannot have used two cores.
    audit.earlier = 0.0;
    assert_eq!(audit.span(200, 8 * second, second, 1), 2 * second);
    assert_eq!(audit.span(200, second, second, 1), second, "one that is read in each round needs no guess");
}

/// The second round of an audit, after one without work: it takes `seconds`, with these starts; the machine worked
/// for `machine` ticks, of which `open` are not explained.
fn second_round(seconds: f64, births: u64, machine: u64, open: u64) -> (Audit, Verdict) {
    let mut audit = Audit::default();
    round(&mut audit, 0, 0, 0);
    audit.begin(seconds, births);
    audit.book(machine - open, 0);
    let verdict = audit.settle(Some(machine));
    (audit, verdict)
}

#[test]
fn doubt_and_search_begin_at_their_limits() {
    // Three hundredths of a core and half the root of ticks and starts; all are read from four times that on, or
    // from half a core on.
    for (seconds, births, machine, doubt, much) in [
        (1.0, 0, 100, 8, 32),
        (1.0, 44, 100, 9, 36),
        (4.0, 0, 100, 17, 68),
        (0.5, 0, 100, 8, 32),
        (1.0, 0, 400, 13, 50),
        (2.0, 0, 1600, 26, 100),
    ] {
        let of = |open| second_round(seconds, births, machine, open).1;
        let case = format!("{seconds} s, {births} starts, {machine} ticks");
        assert_eq!((of(doubt - 1), of(doubt)), (Verdict::Explained, Verdict::Part(1)), "{case}");
        assert_eq!((of(much - 1), of(much)), (Verdict::Part(1), Verdict::All), "{case}");
    }
}

#[test]
fn half_of_what_was_not_explained_is_carried_over() {
    let mut audit = Audit::default();
    let verdicts: Vec<Verdict> = (0..3).map(|_| round(&mut audit, 100, 95, 0)).collect();
    assert_eq!(verdicts, [Verdict::Explained, Verdict::Explained, Verdict::Part(1)]);
    assert_eq!(audit.debt, 8.75);
}

#[test]
fn children_of_ended_processes_are_explained_once() {
    let mut audit = Audit::default();
    audit.begin(1.0, 0);
    // Thirty of the fifty inherited ticks were in the row of one that ended.
    audit.remove(30);
    audit.book(10, 50);
    audit.settle(Some(60));
    assert_eq!(audit.debt, 30.0);
    assert_eq!(audit.unseen(), 20);
}

#[test]
fn the_oldest_ended_process_is_inherited_first() {
    let mut audit = Audit::default();
    audit.begin(1.0, 0);
    audit.remove(10);
    assert_eq!(audit.unseen(), 0);
    audit.begin(1.0, 0);
    audit.remove(20);
    audit.book(0, 15);
    assert_eq!(audit.unseen(), 0);
    // Of the second one fifteen are left.
    audit.begin(1.0, 0);
    audit.book(0, 20);
    assert_eq!(audit.unseen(), 5);
    audit.begin(1.0, 0);
    audit.remove(7);
    audit.begin(1.0, 0);
    audit.begin(1.0, 0);
    audit.begin(1.0, 0);
    audit.book(0, 7);
    assert_eq!(audit.unseen(), 7, "after three rounds nobody inherits it");
}

#[test]
fn what_cannot_be_explained_is_learnt_and_unlearnt() {
    // Sixty ticks are open, of which a scan finds some; ten are doubtful in two seconds, thirteen in three.
    for (seconds, found, slack) in
        [(2.0, 49, 2.75), (2.0, 50, 2.5), (2.0, 51, 0.0), (3.0, 45, 2.5), (3.0, 48, 0.0), (2.0, 0, 3.0)]
    {
        let (mut audit, verdict) = second_round(seconds, 0, 64, 60);
        assert_eq!(verdict, Verdict::All);
        audit.book(found, 0);
        audit.looked();
        assert_eq!(audit.slack, slack, "{found} found in {seconds} s");
    }
    for (seconds, open, slack) in [(1.0, 1, 2.75), (2.0, 1, 2.6875), (1.0, 5, 3.0)] {
        let mut audit = Audit { slack: 3.0, ..Audit::default() };
        audit.begin(seconds, 0);
        audit.book(100 - open, 0);
        audit.settle(Some(100));
        assert_eq!(audit.slack, slack, "{open} open in {seconds} s");
    }
    let mut audit = Audit { slack: 0.5, ..Audit::default() };
    round(&mut audit, 0, 90, 0);
    assert_eq!(audit.slack, 0.0);
}

#[test]
fn a_scan_with_a_result_ends_a_row_of_vain_ones() {
    let mut audit = Audit::default();
    // Each scan is in every second round.
    let scans = [0, 0, 500, 0, 0].map(|found| {
        round(&mut audit, 500, 500, 0);
        let verdict = round(&mut audit, 510, 10, found);
        (verdict, audit.is_blind())
    });
    assert_eq!(scans, [(Verdict::All, false); 5]);
    round(&mut audit, 500, 500, 0);
    round(&mut audit, 510, 10, 0);
    assert!(audit.is_blind(), "the third in a row");
}

#[test]
fn a_missing_counter_blinds_for_two_rounds() {
    let mut audit = Audit::default();
    audit.begin(1.0, 0);
    assert_eq!(audit.settle(None), Verdict::Explained);
    let blind = [(); 3].map(|()| {
        let blind = audit.is_blind();
        audit.begin(1.0, 0);
        blind
    });
    assert_eq!(blind, [true, true, false]);
    let mut blind = Audit { blind: 9, ..Audit::default() };
    blind.settle(None);
    assert_eq!(blind.blind, 9, "it was so for longer");
}

#[test]
fn a_span_follows_from_what_the_round_left_open() {
    const SECOND: u64 = 1_000_000;
    let audit = |earlier: f64, open: Option<f64>| Audit { seconds: 1.0, earlier, open, ..Audit::default() };
    for (earlier, open, ticks, since_read, threads, span) in [
        (0.0, None, 0, 8 * SECOND, 1, 8 * SECOND),
        // As old as one and a half rounds.
        (0.0, None, 90, 1_500_000, 1, 1_500_000),
        (0.0, None, 90, 1_500_001, 1, SECOND),
        // Three hundredths of a core over the whole time.
        (0.0, None, 24, 8 * SECOND, 1, 8 * SECOND),
        (0.0, None, 25, 8 * SECOND, 1, SECOND),
        // Once the round is settled, all is of this round, no more than it left open.
        (0.0, Some(24.0), 24, 8 * SECOND, 1, SECOND),
        (0.0, Some(12.0), 24, 8 * SECOND, 1, 2 * SECOND),
        (12.0, Some(24.0), 24, 8 * SECOND, 1, 2 * SECOND),
        (0.0, Some(-5.0), 24, 8 * SECOND, 1, 8 * SECOND),
        // No longer than since it was read.
        (0.0, Some(1.0), 24, 8 * SECOND, 1, 8 * SECOND),
        // A core for each thread.
        (0.0, None, 300, 8 * SECOND, 2, 1_500_000),
        (0.0, None, 300, 8 * SECOND, 0, 3 * SECOND),
    ] {
        let found = audit(earlier, open).span(ticks, since_read, SECOND, threads);
        assert_eq!(found, span, "{earlier} {open:?} {ticks} {since_read} {threads}");
    }
    // Each tick is of one process only.
    let mut audit = audit(50.0, Some(10.0));
    let spans = [30, 25, 12].map(|ticks| audit.span(ticks, 8 * SECOND, SECOND, 1));
    assert_eq!(spans, [8 * SECOND, 5 * SECOND, 2_400_000]);
}
