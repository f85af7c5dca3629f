//! What is undone and set again, what is left alone, and what is said of it.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    bench::BENCHES,
    clock::Stamp,
    model::{
        container::{Container, ContainerRow, Engine},
        event::Event,
        run::{Better, Fingerprint, Run},
        unit::Unit,
    },
    request::{ContainerAct, ContainerLimits, Outcome},
};

const PAGE: &str = "http://172.17.0.2/";

fn key() -> BenchKey {
    BenchKey { bench: "management-page".into(), of: PAGE.into() }
}

/// A machine whose page is served by `web`, with a limit of 0.02 cores.
fn machine() -> State {
    let mut state = State::default();
    state.host.facts.threads = Some(4);
    state.host.containers.engines.push(Engine { address: "unix:///run/d.sock".into(), ..Engine::default() });
    let networks = vec![("bridge".to_owned(), "172.17.0.2".to_owned())];
    let (id, name) = ("ab".to_owned(), "web".to_owned());
    let meta = Container { id, name, networks, cpu_limit: Some(0.02), ..Container::default() };
    let row = ContainerRow { meta: Arc::new(meta), label: "web".into(), ..ContainerRow::default() };
    state.host.containers.rows.push(row);
    state
}

/// A page that took `seconds` at minute `at`, as the runner reports it.
fn measured(undoing: &mut AutoUndo, state: &mut State, at: i64, seconds: f64) {
    measured_with(undoing, state, at, seconds, 0.0025);
}

/// The same with samples that lie `apart`, as a share of it.
fn measured_with(undoing: &mut AutoUndo, state: &mut State, at: i64, seconds: f64, apart: f64) {
    let run = Run {
        id: at.to_string(),
        batch: at.to_string(),
        benchmark: "management_page_seconds".into(),
        of: PAGE.into(),
        unit: Unit::Seconds,
        better: Better::Lower,
        at_unix_ms: at * 60_000,
        took: Duration::from_secs(5),
        samples: (-4..=4).map(|k| seconds * (1.0 + apart * f64::from(k) + 0.001 * (at % 3) as f64)).collect(),
        fingerprint: Fingerprint::new(),
        notes: Vec::new(),
    };
    let event = RunEvent::Measured { at: Stamp::default(), key: key(), runs: vec![run] };
    assert!(!undoing.saw(&event));
    state.apply(Event::Run(event));
}

fn limited(at: i64) -> Change {
    let (before, after) = (Some("none".to_owned()), Some("0.02".to_owned()));
    let [kind, of, property] = ["limits", "web", "cpus"].map(str::to_owned);
    Change { at_unix_ms: at * 60_000, kind, of, property, before, after }
}

/// It took 5 ms, was limited in minute 8, and takes 0.3 s in three runs since.
fn slowed(undoing: &mut AutoUndo) -> State {
    let mut state = machine();
    (0..8).for_each(|at| measured(undoing, &mut state, at, 0.005));
    state.runs.changes.push(limited(8));
    (9..12).for_each(|at| measured(undoing, &mut state, at, 0.3));
    state
}

fn limits(cores: f64) -> Job {
    let act = ContainerAct::Limit(ContainerLimits { nano_cpus: Some((cores * 1e9) as i64), memory: None });
    Job::Container { engine: "unix:///run/d.sock".into(), id: "ab".into(), name: "web".into(), act }
}

fn done(level: Level, undo: Option<Job>) -> Done {
    Done { outcome: Outcome { level, text: "limits of web set".into() }, undo }
}

fn steps(step: &Step) -> Vec<UndoStep> {
    step.notes.iter().map(|note| note.step).collect()
}

/// Folds the notes, as whoever carries the step out does.
fn fold(state: &mut State, step: &Step) {
    for note in step.notes.clone() {
        state.apply(Event::Run(RunEvent::Undo { at: Stamp::default(), note }));
    }
}

fn allowed() -> AutoUndo {
    AutoUndo::new(BENCHES, &["management-*".to_owned()])
}

/// The undo up to where it is measured again, from minute 12 on.
fn measuring(undoing: &mut AutoUndo) -> State {
    let mut state = slowed(undoing);
    let step = undoing.over(&state, false, 12 * 60_000);
    fold(&mut state, &step);
    let step = undoing.acted(&done(Level::Ok, Some(limits(0.02))), 12 * 60_000);
    fold(&mut state, &step);
    let Some(Next::Measure(keys)) = step.next else { panic!("{step:?}") };
    assert_eq!(keys, vec![key(); 3]);
    let parts = keys.into_iter().map(|key| Planned { key, plan: Ok(crate::model::bench::Plan::default()) });
    assert!(undoing.asked_for(&RunPlan { id: "a".into(), parts: parts.collect(), checks: Vec::new() }));
    state
}

#[test]
fn regression_is_undone_where_it_is_allowed() {
    let mut undoing = allowed();
    let state = slowed(&mut undoing);
    let step = undoing.over(&state, false, 1);
    assert_eq!((steps(&step), step.next.as_ref()), (vec![UndoStep::Begins], Some(&Next::Act(limits(0.0)))));
    assert_eq!(
        (step.notes[0].text.as_str(), step.notes[0].run.as_str()),
        ("set limits of web: cpus none, because of CPU limit of web: none → 0.02", "9")
    );
    let none: [&[String]; 2] = [&[], &["storage-*".to_owned()]];
    for allowed in none {
        let mut undoing = AutoUndo::new(BENCHES, allowed);
        let state = slowed(&mut undoing);
        assert_eq!(undoing.over(&state, false, 1), Step::default(), "{allowed:?}");
    }
}

#[test]
fn what_was_stopped_or_is_suspect_is_left_alone() {
    let mut undoing = allowed();
    let state = slowed(&mut undoing);
    assert_eq!(undoing.over(&state, true, 1), Step::default(), "stopped by the user");
    assert_eq!(undoing.over(&state, false, 1), Step::default(), "measured by another suite");
    let mut state = machine();
    (0..8).for_each(|at| measured(&mut undoing, &mut state, at, 0.005));
    state.runs.changes.push(limited(8));
    measured(&mut undoing, &mut state, 9, 0.3);
    assert_eq!(undoing.over(&state, false, 1), Step::default(), "one bad run");
}

#[test]
fn what_is_no_longer_in_force_is_not_undone() {
    let mut undoing = allowed();
    let mut state = slowed(&mut undoing);
    state.host.containers.rows[0].meta =
        Arc::new(Container { cpu_limit: Some(2.0), ..Container::clone(&state.host.containers.rows[0].meta) });
    assert_eq!(undoing.over(&state, false, 1), Step::default());
}

#[test]
fn what_helped_ends_it() {
    let mut undoing = allowed();
    let mut state = measuring(&mut undoing);
    (13..16).for_each(|at| measured(&mut undoing, &mut state, at, 0.005));
    let step = undoing.over(&state, false, 16 * 60_000);
    fold(&mut state, &step);
    assert_eq!((steps(&step), step.next), (vec![UndoStep::Helped], None));
    assert_eq!(step.notes[0].text, "set limits of web: cpus none: back to normal");
    assert_eq!(undoing.over(&state, false, 17 * 60_000), Step::default());
}

#[test]
fn noise_around_normal_is_all_of_the_way() {
    let mut undoing = allowed();
    let mut state = measuring(&mut undoing);
    (13..16).for_each(|at| measured_with(&mut undoing, &mut state, at, 0.005, 0.05));
    let step = undoing.over(&state, false, 16 * 60_000);
    assert_eq!((steps(&step), step.next), (vec![UndoStep::Helped], None));
    assert_eq!(step.notes[0].text, "set limits of web: cpus none: back to normal, within its noise");
}

#[test]
fn half_of_the_way_is_not_set_again() {
    for (seconds, step) in
        [(0.16, UndoStep::DidNotHelp), (0.15, UndoStep::HelpedInPart), (0.02, UndoStep::HelpedInPart)]
    {
        let mut undoing = allowed();
        let mut state = measuring(&mut undoing);
        (13..16).for_each(|at| measured(&mut undoing, &mut state, at, seconds));
        assert_eq!(steps(&undoing.over(&state, false, 16 * 60_000)), [step], "{seconds}");
    }
}

#[test]
fn what_did_not_help_is_set_again_and_not_tried_again() {
    let mut undoing = allowed();
    let mut state = measuring(&mut undoing);
    (13..16).for_each(|at| measured(&mut undoing, &mut state, at, 0.3));
    let step = undoing.over(&state, false, 16 * 60_000);
    fold(&mut state, &step);
    assert_eq!((steps(&step), step.next.as_ref()), (vec![UndoStep::DidNotHelp], Some(&Next::Act(limits(0.02)))));
    let step = undoing.acted(&done(Level::Ok, None), 17 * 60_000);
    fold(&mut state, &step);
    assert_eq!((steps(&step), &step.next), (vec![UndoStep::Restored], &None));
    assert_eq!(step.changed, Some(Change { at_unix_ms: 17 * 60_000, ..limited(8) }));
    measured(&mut undoing, &mut state, 18, 0.3);
    assert_eq!(undoing.over(&state, false, 19 * 60_000), Step::default(), "once");
}

#[test]
fn undo_of_a_killed_program_is_not_repeated() {
    let mut undoing = allowed();
    let mut state = slowed(&mut undoing);
    let step = undoing.over(&state, false, 12 * 60_000);
    fold(&mut state, &step);
    let mut next = allowed();
    measured(&mut next, &mut state, 13, 0.3);
    assert_eq!(next.over(&state, false, 14 * 60_000), Step::default());
}

#[test]
fn what_cannot_be_done_or_measured_is_said() {
    let mut undoing = allowed();
    let state = slowed(&mut undoing);
    undoing.over(&state, false, 1);
    let step = undoing.acted(&done(Level::Warn, None), 1);
    assert_eq!((steps(&step), step.next, step.changed), (vec![UndoStep::Failed], None, None));
    for (stopped, why) in
        [(true, "it was stopped before it was measured again"), (false, "it is not measured again: no")]
    {
        let mut undoing = allowed();
        let mut state = measuring(&mut undoing);
        state.runs.report = Some("no".into());
        let step = undoing.over(&state, stopped, 1);
        assert_eq!((steps(&step), step.notes[0].text.as_str()), (vec![UndoStep::Unmeasured], why));
    }
    let mut undoing = allowed();
    measuring(&mut undoing);
    let step = undoing.unmeasured("a scrub runs", 1);
    assert_eq!(
        (steps(&step), step.notes[0].text.as_str()),
        (vec![UndoStep::Unmeasured], "it is not measured again: a scrub runs")
    );
}

#[test]
fn end_of_the_program_ends_it() {
    let mut undoing = allowed();
    assert_eq!(undoing.ended(1), Step::default());
    measuring(&mut undoing);
    let step = undoing.ended(1);
    let said = (steps(&step), step.notes[0].text.as_str());
    assert_eq!(said, (vec![UndoStep::Unmeasured], "benchtop ended before it was measured again"));
    let state = slowed(&mut undoing);
    undoing.over(&state, false, 1);
    assert_eq!(steps(&undoing.ended(2)), [UndoStep::Failed]);
    assert_eq!(undoing.ended(3), Step::default());
}

#[test]
fn refusal_of_another_plan_changes_nothing() {
    let mut undoing = allowed();
    measuring(&mut undoing);
    assert_eq!(undoing.refused("b", "a benchmark is under way", 1), Step::default());
    let step = undoing.refused("a", "a benchmark is under way", 1);
    assert_eq!(
        (steps(&step), step.notes[0].text.as_str()),
        (vec![UndoStep::Unmeasured], "it is not measured again: a benchmark is under way")
    );
}

#[test]
fn plan_says_that_it_may_be_undone() {
    let planned = vec![Planned { key: key(), plan: Ok(crate::model::bench::Plan::default()) }];
    let said = |allowed: &[&str]| {
        let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
        checks(BENCHES, &allowed, &planned).into_iter().map(|check| check.text).collect::<Vec<_>>()
    };
    assert_eq!(said(&[]), [""; 0]);
    assert_eq!(said(&["storage-read"]), [""; 0]);
    assert_eq!(said(&["pgae"]), ["bench.undo names pgae, which is no benchmark: `benchtop bench list`"]);
    assert!(said(&["*"])[0].starts_with("bench.undo allows it for management-page: where it has regressed, a limit"));
    let part = |bench: &str| Planned {
        key: BenchKey { bench: bench.into(), of: String::new() },
        plan: Ok(crate::model::bench::Plan::default()),
    };
    let in_turn = ["cpu", "memory", "cpu", "memory"].map(part);
    let text = &checks(BENCHES, &["*".to_owned()], &in_turn)[0].text;
    assert!(text.starts_with("bench.undo allows it for cpu, memory: "), "{text}");
}
