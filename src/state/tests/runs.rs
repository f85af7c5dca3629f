//! Benchmarks and changes of the machine.

use super::*;

/// A run of a throughput, measured at `at`.
fn measured(state: &mut State, at: u64, level: f64) {
    use crate::model::{bench::BenchKey, run::*, unit::Unit};
    let samples = (-4..=4).map(|k| level * (1.0 + 0.0025 * f64::from(k) + 0.001 * (at % 3) as f64)).collect();
    let run = Run {
        id: at.to_string(),
        batch: at.to_string(),
        benchmark: "storage_read_bytes_per_second".into(),
        of: "tank".into(),
        unit: Unit::BytesPerSecond,
        better: Better::Higher,
        at_unix_ms: at as i64 * 1000,
        took: Duration::ZERO,
        samples,
        fingerprint: Fingerprint::new(),
        notes: Vec::new(),
    };
    let key = BenchKey { bench: "storage-read".into(), of: "tank".into() };
    state.apply(Event::Run(RunEvent::Measured { at: Stamp::at_seconds(at), key, runs: vec![run] }));
    state.apply(Event::Tick(Stamp::at_seconds(at)));
}

#[test]
fn a_regression_is_an_alert_until_it_is_over() {
    let mut state = State::new(crate::alert::shipped().into());
    state.apply(Event::Tick(Stamp::at_seconds(1)));
    let said = |state: &State| {
        let own = state.watches.iter().filter(|watch| watch.rule.starts_with("benchmark"));
        own.map(|watch| (watch.rule.clone(), watch.say.clone(), watch.held)).collect::<Vec<_>>()
    };
    for at in 2..8 {
        measured(&mut state, at, 100.0);
    }
    assert_eq!(said(&state), []);
    measured(&mut state, 8, 70.0);
    let name = "storage_read_bytes_per_second of tank is 30% worse than before";
    assert_eq!(said(&state), [("benchmark_suspect".to_owned(), format!("{name}: measure it again"), true)]);
    measured(&mut state, 9, 70.0);
    measured(&mut state, 10, 70.0);
    assert_eq!(said(&state), [("benchmark_regressed".to_owned(), format!("{name}: it has regressed"), true)]);
    let regressed = state.watches.iter().find(|watch| watch.rule == "benchmark_regressed").expect("it fires");
    assert_eq!((regressed.level, regressed.began_unix_ms), (Level::Warn, Some(8000)));
    measured(&mut state, 11, 100.0);
    assert_eq!(said(&state), [], "recovered");
}

#[test]
fn rules_that_a_benchmark_would_trip_know_nothing_while_it_runs() {
    use crate::model::{bench::BenchKey, run::RunEvent};
    let quiet = Rule { quiet_during_runs: true, ..rule(2) };
    let mut state = State::new([quiet].into());
    let fires = |state: &State| state.watches.iter().any(|watch| watch.held);
    let queue = vec![BenchKey { bench: "cpu".into(), of: String::new() }];
    load(&mut state, 1, Ok(1.0));
    state.apply(Event::Run(RunEvent::Began { at: Stamp::at_seconds(1), batch: "1".into(), queue }));
    for second in 2..60 {
        load(&mut state, second, Ok(9.0));
        assert!(!fires(&state) && state.transitions.is_empty(), "second {second}");
    }
    let report = String::new();
    let at = Stamp::at_seconds(60);
    state.apply(Event::Run(RunEvent::Ended { at, stopped: false, report }));
    load(&mut state, 60, Ok(9.0));
    assert!(!fires(&state), "its hold begins now");
    load(&mut state, 63, Ok(9.0));
    assert!(fires(&state));
    load(&mut state, 65, Ok(9.0));
    state.apply(Event::Run(RunEvent::Began {
        at: Stamp::at_seconds(65),
        batch: "2".into(),
        queue: vec![BenchKey { bench: "cpu".into(), of: String::new() }],
    }));
    load(&mut state, 67, Ok(0.0));
    load(&mut state, 69, Ok(0.0));
    assert!(fires(&state), "what fired before is not cleared by what is not judged");
}

fn kernel(state: &mut State, second: u64, release: &str) {
    let facts = crate::model::facts::FactsSample { kernel: Some(release.into()), ..Default::default() };
    let (took, every, at) = (Duration::ZERO, Duration::from_secs(60), Stamp::at_seconds(second));
    let outcome = Ok(Sample::Facts(Box::new(facts)));
    state.apply(Event::Reading(Envelope { source: SourceId::Facts, at, took, every, outcome }));
}

#[test]
fn what_changes_is_noted_once() {
    let mut state = State::new([].into());
    kernel(&mut state, 1, "6.1");
    assert_eq!(state.changed, [], "the first look finds no change");
    kernel(&mut state, 5, "6.12");
    assert_eq!(state.changed, [], "it is not looked at so often");
    kernel(&mut state, 12, "6.12");
    let said: Vec<String> = state.changed.iter().map(crate::analysis::machine_changes::words).collect();
    assert_eq!(said, ["kernel: 6.1 → 6.12"]);
    assert_eq!(state.runs.changes, state.changed);
    kernel(&mut state, 30, "6.12");
    assert_eq!((state.changed.len(), state.runs.changes.len()), (0, 1));
}

#[test]
fn what_our_operation_changed_is_noted_at_once() {
    let mut state = State::new([].into());
    kernel(&mut state, 1, "6.1");
    let operation = |second| crate::model::operation::Operation {
        at: Stamp::at_seconds(second),
        what: String::new(),
        done: true,
        report: String::new(),
    };
    state.apply(Event::Act(operation(3)));
    kernel(&mut state, 4, "6.12");
    assert_eq!(state.changed.len(), 1);
    kernel(&mut state, 5, "6.13");
    assert_eq!(state.changed.len(), 1, "in every reading of the next seconds");
    kernel(&mut state, 14, "6.14");
    assert_eq!(state.changed.len(), 0, "and then as seldom as before");
}

#[test]
fn what_another_program_noted_is_not_undone_by_an_older_reading() {
    use crate::model::run::{Change, RunEvent};
    let at = Stamp::at_seconds(2);
    let history = |changes| Event::Run(RunEvent::History { at, runs: vec![], marks: vec![], changes, undos: vec![] });
    let mut state = State::new([].into());
    state.apply(history(Vec::new()));
    kernel(&mut state, 1, "6.1");
    let [kind, property] = ["kernel", "release"].map(str::to_owned);
    let [before, after] = ["6.1", "6.12"].map(|value| Some(value.to_owned()));
    state.apply(history(vec![Change { at_unix_ms: at.unix_ms, kind, of: String::new(), property, before, after }]));
    assert_eq!(state.changed, []);
    kernel(&mut state, 12, "6.1");
    assert_eq!(state.changed, [], "not read since");
    kernel(&mut state, 24, "6.12");
    assert_eq!(state.changed, [], "it is noted");
    kernel(&mut state, 36, "6.1");
    assert_eq!(state.changed.len(), 1, "set back");
}

#[test]
fn what_changed_between_two_starts_is_noted() {
    use crate::model::run::{Change, RunEvent};
    let at = Stamp::at_seconds(2);
    let history = |changes| Event::Run(RunEvent::History { at, runs: vec![], marks: vec![], changes, undos: vec![] });
    let mut state = State::new([].into());
    kernel(&mut state, 1, "6.1");
    state.apply(history(Vec::new()));
    let kept: Vec<Change> = state.runs.changes.clone();
    assert!(kept.iter().any(|change| change.kind == "kernel" && change.before.is_none()), "for the next start");
    let mut state = State::new([].into());
    kernel(&mut state, 1, "6.12");
    state.apply(history(kept.clone()));
    let said: Vec<String> = state.changed.iter().map(crate::analysis::machine_changes::words).collect();
    assert_eq!((said, state.runs.changes.len()), (vec!["kernel: 6.1 → 6.12".to_owned()], kept.len() + 1));
    let mut later = State::new([].into());
    later.apply(history(kept.clone()));
    kernel(&mut later, 13, "6.12");
    assert_eq!(later.changed.len(), 1, "whichever comes first");
    // A report reads one thing after the other, and then the history.
    let mut report = State::new([].into());
    load(&mut report, 1, Ok(0.0));
    kernel(&mut report, 2, "6.12");
    report.apply(history(kept));
    assert!(report.changed.iter().any(|change| change.kind == "kernel"));
}

#[test]
fn a_benchmark_of_another_program_keeps_those_rules_quiet_too() {
    let quiet = Rule { quiet_during_runs: true, ..rule(2) };
    let mut state = State::new([quiet].into());
    let read = |state: &mut State, second: u64, benchmarks_by: Option<u32>| {
        let sample = LoadSample { load1: 9.0, benchmarks_by, ..LoadSample::default() };
        let (took, every, at) = (Duration::ZERO, Duration::from_secs(1), Stamp::at_seconds(second));
        let outcome = Ok(Sample::Load(sample));
        state.apply(Event::Reading(Envelope { source: SourceId::Load, at, took, every, outcome }));
        state.apply(Event::Tick(at));
        state.watches.iter().any(|watch| watch.held)
    };
    (1..60).for_each(|second| assert!(!read(&mut state, second, Some(4711)), "second {second}"));
    (60..62).for_each(|second| assert!(!read(&mut state, second, None), "its hold begins now: {second}"));
    assert!((62..66).any(|second| read(&mut state, second, None)));
}

#[test]
fn values_under_way_are_kept_as_far_as_they_are_drawn() {
    use crate::model::{
        bench::{BenchKey, RunPhase},
        run::{RunEvent, RunProgress},
    };
    let mut state = State::default();
    let key = |bench: &str| BenchKey { bench: bench.into(), of: String::new() };
    let mut say = |bench: &str, since: u64, value: f64| {
        let progress = RunProgress {
            at: Stamp::at_seconds(since),
            key: key(bench),
            since: Stamp::at_seconds(since),
            phase: RunPhase::Measuring,
            done: 0.0,
            left: None,
            value: Some(value),
            samples: Vec::new(),
            beside: Vec::new(),
        };
        state.apply(Event::Run(RunEvent::Progress(progress)));
        let formed = &state.runs.formed;
        (formed.len(), formed.first().copied(), formed.last().copied())
    };
    for value in 0..600 {
        say("cpu", 1, f64::from(value));
    }
    assert_eq!(say("cpu", 1, 600.0), (600, Some(1.0), Some(600.0)), "the oldest leaves");
    assert_eq!(say("memory", 1, 7.0), (1, Some(7.0), Some(7.0)), "another one begins again");
    assert_eq!(say("memory", 2, 8.0), (1, Some(8.0), Some(8.0)), "and the same one once more");
}
