//! Tables of one alert's life, second after second, and what holds for every life.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    alert::{Limits, Side, Times},
    model::metrics,
};

/// Warns over 4, is critical over 8, clear at 3.
fn rule(hold: u64, clear_hold: Option<u64>) -> Rule {
    Rule {
        side: Side::Above,
        limits: Limits { advice: None, warn: Some(4.0), crit: Some(8.0) },
        clear: Some(3.0),
        hold: Duration::from_secs(hold),
        clear_hold: clear_hold.map(Duration::from_secs),
        ..Rule::new("busy", metrics::LOAD1)
    }
}

/// What a second brings: a new sample, the same one again, or none.
#[derive(Debug, Clone, Copy)]
enum Second {
    New(f64),
    Unknown,
    Missing,
}
use Second::{Missing, New, Unknown};

/// The alert and each transition of these seconds, the first of which is second 1.
fn life(rule: &Rule, seconds: &[(u64, Second)]) -> (Entry, Vec<(u64, Phase, Phase)>) {
    let mut entry = Entry::default();
    let mut transitions = Vec::new();
    for (second, what) in seconds {
        let now = Stamp::at_seconds(*second);
        let found = match what {
            New(value) => Observation::value(*value, now),
            Unknown => Observation::Unknown,
            Missing => Observation::Missing,
        };
        if let Some(from) = step(rule, &mut entry, found, moment(now), false) {
            transitions.push((*second, from, entry.phase));
        }
        if entry.phase.is_over() {
            entry = Entry { phase: Phase::Ok, ..Entry::default() };
        }
    }
    (entry, transitions)
}

fn moment(now: Stamp) -> Moment {
    Moment { now, interval: Duration::from_secs(1) }
}

/// The same value at each of these seconds.
fn each(seconds: impl IntoIterator<Item = u64>, what: Second) -> Vec<(u64, Second)> {
    seconds.into_iter().map(|second| (second, what)).collect()
}

fn transitions(hold: u64, clear_hold: Option<u64>, parts: &[Vec<(u64, Second)>]) -> Vec<(u64, Phase, Phase)> {
    life(&rule(hold, clear_hold), &parts.concat()).1
}

use Phase::{Firing, Gone, Ok, Pending, Removed, Resolved};

#[test]
fn fires_at_the_first_sample_after_the_hold() {
    let pending = (1, Ok, Pending);
    assert_eq!(transitions(3, None, &[each(1..4, New(5.0))]), [pending]);
    assert_eq!(transitions(3, None, &[each(1..9, New(5.0))]), [pending, (4, Pending, Firing)]);
    assert_eq!(transitions(0, None, &[each(1..9, New(5.0))]), [(1, Ok, Firing)]);
}

#[test]
fn judging_one_sample_twice_changes_nothing() {
    let rule = rule(3, None);
    let mut entry = Entry::default();
    let sample = Observation::value(5.0, Stamp::at_seconds(1));
    step(&rule, &mut entry, sample, moment(Stamp::at_seconds(1)), false);
    let once = entry.clone();
    for second in 2..9 {
        assert_eq!(step(&rule, &mut entry, sample, moment(Stamp::at_seconds(second)), false), None);
    }
    assert_eq!(entry, once, "one sample over the limit is no hold");
}

#[test]
fn a_dip_restarts_the_hold() {
    let parts = [each(1..3, New(5.0)), each([3], New(3.5)), each(4..7, New(5.0))];
    assert_eq!(transitions(3, None, &parts), [(1, Ok, Pending), (3, Pending, Ok), (4, Ok, Pending)]);
}

#[test]
fn clears_after_two_samples_below_the_clear_value() {
    let parts = |clear: &[(u64, Second)]| transitions(0, None, &[each([1], New(5.0)), clear.to_vec()]);
    let fired = (1, Ok, Firing);
    assert_eq!(parts(&each(2..9, New(3.5))), [fired], "under the limit is not clear");
    assert_eq!(parts(&[(2, New(3.0))]), [fired]);
    assert_eq!(parts(&[(2, New(3.0)), (3, New(3.0))]), [fired, (3, Firing, Resolved)]);
    assert_eq!(parts(&[(2, New(3.0)), (3, New(3.5)), (4, New(3.0))]), [fired], "not two in a row");
}

#[test]
fn clears_after_a_third_of_the_hold_at_most_five_minutes() {
    let end = |hold: u64, clear_hold| {
        let parts = [each(1..=hold + 1, New(5.0)), each(hold + 2..hold + 1000, New(1.0))];
        transitions(hold, clear_hold, &parts).get(2).map(|(second, ..)| second - hold - 2)
    };
    assert_eq!(end(3, None), Some(1));
    assert_eq!(end(60, None), Some(20));
    assert_eq!(end(3600, None), Some(300));
    assert_eq!(end(60, Some(5)), Some(5));
    assert_eq!(end(60, Some(0)), Some(0), "at once");
}

#[test]
fn unknown_neither_advances_nor_resets_a_hold() {
    let gap = |from: u64| [each(1..=3, New(5.0)), each(4..from, Unknown), each(from..from + 3, New(5.0))];
    // Bridged: the hold of 12 s goes on to the second.
    assert_eq!(transitions(12, None, &gap(13)), [(1, Ok, Pending), (13, Pending, Firing)]);
    // Too long: it starts again.
    assert_eq!(transitions(12, None, &gap(15)), [(1, Ok, Pending), (14, Pending, Ok), (15, Ok, Pending)]);
}

#[test]
fn unknown_ends_no_firing_alert() {
    let parts = [each([1], New(5.0)), each(2..900, Unknown)];
    let (entry, changes) = life(&rule(0, None), &parts.concat());
    assert_eq!(changes, [(1, Ok, Firing)]);
    assert_eq!((entry.level, entry.value, entry.unknown), (Level::Warn, 5.0, Some(Stamp::at_seconds(2))));
    // What was clear before a gap must be clear again after it.
    let parts = [each([1], New(5.0)), each([2], New(1.0)), each(3..99, Unknown), each(99..101, New(1.0))];
    assert_eq!(transitions(0, None, &parts), [(1, Ok, Firing), (100, Firing, Resolved)]);
}

#[test]
fn gone_is_not_resolved() {
    let fired = (1, Ok, Firing);
    let gone = |until| [each([1], New(5.0)), each(2..until, Missing)];
    assert_eq!(transitions(0, None, &gone(12)), [fired]);
    assert_eq!(transitions(0, None, &gone(800)), [fired, (13, Firing, Gone)]);
    assert_eq!(transitions(0, None, &gone(1000)), [fired, (13, Firing, Gone), (903, Gone, Removed)]);
    let back = [each([1], New(5.0)), each(2..600, Missing), each([600], New(5.0))];
    let (entry, changes) = life(&rule(0, None), &back.concat());
    assert_eq!(changes[1..], [(13, Firing, Gone), (600, Gone, Firing)]);
    assert_eq!(entry.since(), Stamp::at_seconds(1), "its age goes on");
}

#[test]
fn what_is_missing_is_not_unknown_too() {
    let parts = [each([1], New(5.0)), each(2..5, Unknown)];
    assert_eq!(life(&rule(0, None), &parts.concat()).0.unknown, Some(Stamp::at_seconds(2)));
    let parts = [each([1], New(5.0)), each(2..5, Unknown), each(5..8, Missing)];
    let (entry, _) = life(&rule(0, None), &parts.concat());
    assert_eq!((entry.unknown, entry.missing), (None, Some(Stamp::at_seconds(5))));
}

#[test]
fn what_is_gone_before_it_fires_is_forgotten() {
    let parts = [each([1], New(5.0)), each(2..20, Missing)];
    assert_eq!(transitions(60, None, &parts), [(1, Ok, Pending), (13, Pending, Ok)]);
}

#[test]
fn severity_rises_at_once_and_the_worst_is_kept() {
    let parts = [each([1], New(5.0)), each([2], New(9.0)), each([3], New(5.0)), each([4], New(9.0))];
    let (entry, changes) = life(&rule(0, None), &parts.concat());
    assert_eq!(changes, [(1, Ok, Firing), (2, Firing, Firing)], "the second rise is no news");
    assert_eq!((entry.level, entry.worst), (Level::Crit, Level::Crit));
    assert_eq!(entry.since(), Stamp::at_seconds(4));
    let (entry, _) = life(&rule(0, None), &parts.concat()[..3]);
    assert_eq!((entry.level, entry.since()), (Level::Warn, Stamp::at_seconds(1)));
}

#[test]
fn between_limit_and_clear_value_age_and_level_stay() {
    let parts = [each([1], New(5.0)), each(2..60, New(3.5)), each([60], New(5.0))];
    let (entry, _) = life(&rule(0, None), &parts.concat());
    assert_eq!((entry.level, entry.since()), (Level::Warn, Stamp::at_seconds(1)));
}

#[test]
fn time_left_out_counts_for_no_hold() {
    let rule = rule(10, None);
    let mut entry = Entry::default();
    let second = |entry: &mut Entry, at: u64| {
        let now = Stamp::at_seconds(at);
        step(&rule, entry, Observation::value(5.0, now), moment(now), false);
        entry.phase
    };
    for at in 1..6 {
        second(&mut entry, at);
    }
    entry.stamps().for_each(|stamp| *stamp = stamp.leaving_out(Duration::from_secs(1000)));
    assert_eq!(entry.left(&rule, Stamp::at_seconds(1005)), Duration::from_secs(6));
    assert_eq!([1006, 1010, 1011].map(|at| second(&mut entry, at)), [Pending, Pending, Firing]);
}

/// The transitions of a rule that counts: warns over 4.
fn counting(in_a_row: Option<u32>, times: Option<(u32, u64)>, seconds: &[(u64, Second)]) -> Vec<(u64, Phase, Phase)> {
    let times = times.map(|(count, within)| Times { count, within: Duration::from_secs(within) });
    life(&Rule { in_a_row, times, ..rule(0, None) }, seconds).1
}

#[test]
fn the_nth_sample_in_a_row_fires_and_two_clear_ones_end_it() {
    let fails = |seconds: &[(u64, Second)]| counting(Some(3), None, seconds);
    let pending = (1, Ok, Pending);
    assert_eq!(fails(&each([1, 2], New(5.0))), [pending]);
    assert_eq!(fails(&each([1, 2, 3], New(5.0))), [pending, (3, Pending, Firing)]);
    let ends = [each(1..=3, New(5.0)), each([4], New(1.0)), each([5], New(1.0))].concat();
    assert_eq!(fails(&ends)[2..], [(5, Firing, Resolved)]);
    let broken = [each(1..=2, New(5.0)), each([3], New(1.0)), each(4..=5, New(5.0))].concat();
    assert_eq!(fails(&broken), [pending, (3, Pending, Ok), (4, Ok, Pending)], "a success between starts it again");
    let unknown = [each(1..=2, New(5.0)), each(3..=8, Unknown), each([9], New(5.0))].concat();
    assert_eq!(fails(&unknown), [pending, (9, Pending, Firing)], "what is not known counts neither way");
}

#[test]
fn so_many_crossings_within_a_time_fire() {
    let up = |second: u64| [(second, New(5.0)), (second + 1, New(1.0))];
    let crossed = |seconds: &[u64]| {
        let all: Vec<(u64, Second)> = seconds.iter().flat_map(|second| up(*second)).collect();
        counting(None, Some((3, 600)), &all)
    };
    assert_eq!(crossed(&[10, 20]), [(10, Ok, Pending)]);
    assert_eq!(crossed(&[10, 20, 609])[1..], [(609, Pending, Firing)]);
    assert_eq!(crossed(&[10, 20, 610])[1..], [], "the first is too long ago");
    let stays = counting(None, Some((3, 600)), &each(1..500, New(5.0)));
    assert_eq!(stays, [(1, Ok, Pending)], "one crossing, however many samples");
    let ends = [up(10), up(20), up(30)].concat().into_iter().chain(each(32..700, New(1.0))).collect::<Vec<_>>();
    assert_eq!(counting(None, Some((3, 600)), &ends)[2..], [(611, Firing, Resolved)], "as the window lets them go");
}

#[test]
fn limits_may_be_shares_of_normal() {
    let slow = Rule {
        limits: Limits { warn: Some(2.0), ..Limits::default() },
        clear: None,
        normal_floor: Some(0.05),
        ..rule(3, None)
    };
    let fired = |normal: Option<f64>, value: f64| {
        let mut entry = Entry { normal, ..Entry::default() };
        for second in 1..9 {
            let now = Stamp::at_seconds(second);
            step(&slow, &mut entry, Observation::value(value, now), moment(now), false);
        }
        entry.phase
    };
    assert_eq!(fired(Some(0.1), 0.2), Ok, "on the limit");
    assert_eq!(fired(Some(0.1), 0.21), Firing);
    assert_eq!(fired(Some(0.002), 0.09), Ok, "2 ms to 90 ms is under twice the floor");
    assert_eq!(fired(None, 99.0), Ok, "nothing is known to be normal");
}

#[test]
fn an_acknowledgement_ends_with_a_rise() {
    let rule = rule(0, None);
    let mut entry = Entry::default();
    let at = |entry: &mut Entry, second: u64, value: f64| {
        let now = Stamp::at_seconds(second);
        step(&rule, entry, Observation::value(value, now), moment(now), false);
    };
    at(&mut entry, 1, 5.0);
    entry.acknowledged = Some(Acknowledged { level: Level::Warn, at_unix_ms: 0, comment: String::new() });
    at(&mut entry, 2, 6.0);
    assert!(entry.acknowledged.is_some());
    at(&mut entry, 3, 9.0);
    assert!(entry.acknowledged.is_none());
}

#[test]
fn an_entry_is_written_and_read_back() {
    let (entry, _) = life(&rule(0, None), &[(1, New(9.0)), (2, New(1.0))]);
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
}

fn second() -> impl Strategy<Value = Second> {
    prop_oneof![
        4 => Just(New(9.0)),
        4 => Just(New(5.0)),
        2 => Just(New(3.5)),
        4 => Just(New(1.0)),
        1 => Just(Unknown),
        1 => Just(Missing),
    ]
}

/// Runs of the same, so that holds, gaps and removals come to their ends.
fn seconds() -> impl Strategy<Value = Vec<(u64, Second)>> {
    vec((second(), prop_oneof![8 => 1..4u64, 2 => 4..40u64, 1 => 880..1000u64]), 1..25).prop_map(|runs| {
        let all = runs.into_iter().flat_map(|(what, times)| std::iter::repeat_n(what, times as usize));
        (1u64..).zip(all).collect()
    })
}

proptest! {
    #[test]
    fn no_transition_is_skipped(seconds in seconds(), hold in 0..20u64, clear_hold in proptest::option::of(0..20u64)) {
        let mut phase = Ok;
        for (at, from, to) in life(&rule(hold, clear_hold), &seconds).1 {
            prop_assert_eq!(from, phase, "at {}", at);
            prop_assert!(from.may_become(to), "{:?} became {:?} at {}", from, to, at);
            prop_assert!(hold == 0 || (from, to) != (Ok, Firing), "at {} without its hold", at);
            phase = if to.is_over() { Ok } else { to };
        }
    }

    /// What fires was over the limit for the whole hold, in samples no further apart than a gap that is bridged.
    #[test]
    fn what_fires_was_held(seconds in seconds(), hold in 1..20u64) {
        for (at, from, to) in life(&rule(hold, None), &seconds).1 {
            if (from, to) != (Pending, Firing) {
                continue;
            }
            let over: Vec<u64> = seconds[..at as usize].iter().rev()
                .take_while(|(_, what)| !matches!(what, New(value) if *value <= 4.0))
                .filter(|(_, what)| matches!(what, New(_)))
                .map(|(second, _)| *second)
                .collect();
            let run: Vec<u64> = over.iter().copied().scan(at, |last, second| {
                let bridged = *last - second <= 10;
                *last = second;
                bridged.then_some(second)
            }).collect();
            prop_assert!(at - run[run.len() - 1] >= hold, "fired at {} after {:?}", at, run);
        }
    }

    /// An alert that fired ends by a value that is clear, or by staying away.
    #[test]
    fn what_ends_was_clear_or_gone(seconds in seconds(), hold in 0..20u64) {
        for (at, _, to) in life(&rule(hold, None), &seconds).1 {
            let what = seconds[at as usize - 1].1;
            match to {
                Resolved => prop_assert!(matches!(what, New(value) if value <= 3.0), "{:?} at {}", what, at),
                Gone | Removed => prop_assert!(matches!(what, Missing), "{:?} at {}", what, at),
                _ => {}
            }
        }
    }
}

#[test]
fn a_slow_source_bridges_two_of_its_intervals() {
    let bridge = |seconds| Moment { now: Stamp::at_seconds(1), interval: Duration::from_secs(seconds) }.bridge();
    assert_eq!((bridge(1), bridge(60)), (Duration::from_secs(10), Duration::from_secs(120)));
}

#[test]
fn what_is_counted_is_said_while_it_is_pending() {
    let counts = |in_a_row: Option<u32>, times: Option<u32>, phase: Phase| {
        let times = times.map(|count| Times { count, within: Duration::from_secs(60) });
        let rule = Rule { in_a_row, times, ..rule(0, None) };
        let crossings = [1, 2].map(Stamp::at_seconds).to_vec();
        Entry { phase, row: 3, crossings, ..Entry::default() }.counted(&rule)
    };
    assert_eq!(counts(Some(5), None, Pending), Some((3, 5)));
    assert_eq!((counts(Some(2), None, Pending), counts(Some(1), None, Pending)), (Some((3, 2)), None));
    assert_eq!(counts(None, Some(4), Pending), Some((2, 4)));
    assert_eq!((counts(Some(5), None, Firing), counts(None, None, Pending)), (None, None));
}
