//! Judging: 5,000 containers under 60 rules, once a second, some hundred alerts among them.

use std::{sync::Arc, time::Duration};

use benchtop::{
    alert::{Limits, Rule},
    clock::Stamp,
    model::{
        container::{Container, ContainerSample, Engine, RunState},
        event::{Envelope, Event, Sample},
        metrics,
        source::SourceId,
    },
    state::State,
};
use criterion::{BatchSize, Criterion};

mod common {
    pub mod timing;
}

const CONTAINERS: usize = 5_000;
const RULES: usize = 60;

fn main() {
    let mut criterion = common::timing::criterion();
    judge(&mut criterion);
    criterion.final_summary();
}

/// Sixty rules over two metrics that every container has: restarts within ten minutes, and whether it failed.
fn rules() -> Vec<Rule> {
    let rule = |at: usize| {
        let metric = if at.is_multiple_of(2) { metrics::CONTAINER_RESTARTS_10M } else { metrics::CONTAINER_FAILED };
        Rule {
            limits: Limits { warn: Some(0.5 + (at % 5) as f64), ..Limits::default() },
            say: "{container}: {value}".into(),
            hold: Duration::from_secs(at as u64),
            ..Rule::new(format!("rule_{at:02}"), metric)
        }
    };
    (0..RULES).map(rule).collect()
}

/// One container in 400 has failed, one in 500 has restarted three times.
fn sample(second: u64) -> ContainerSample {
    let now = Stamp::at_seconds(second).unix_ms;
    let container = |at: usize| {
        let restarts = if at.is_multiple_of(500) { vec![now; 3] } else { Vec::new() };
        Arc::new(Container {
            id: format!("{at:064x}"),
            name: format!("service-{at}"),
            state: if at.is_multiple_of(400) { RunState::Exited } else { RunState::Running },
            exit_code: at.is_multiple_of(400).then_some(1),
            restarted_unix_ms: restarts,
            ..Container::default()
        })
    };
    let engine = Engine { address: "unix:///run/docker.sock".into(), listed: true, ..Engine::default() };
    ContainerSample {
        engines: vec![engine],
        containers: (0..CONTAINERS).map(container).collect(),
        ..ContainerSample::default()
    }
}

fn judge(criterion: &mut Criterion) {
    let mut state = State::new(rules().into());
    let at = Stamp::at_seconds;
    for second in 1..=3 {
        let (took, every, outcome) = (Duration::ZERO, Duration::from_secs(1), Ok(Sample::Containers(sample(second))));
        state.apply(Event::Reading(Envelope { source: SourceId::Containers, at: at(second), took, every, outcome }));
    }
    state.apply(Event::Tick(at(4)));
    let alerts = state.alerts.iter().count();
    assert!(alerts > 200, "{alerts} alerts");
    println!("{CONTAINERS} containers, {RULES} rules, {alerts} alerts");
    criterion.bench_function("judge_5000_identities_60_rules", |b| {
        b.iter_batched_ref(|| state.clone(), |state| state.commit(at(5)), BatchSize::LargeInput);
    });
    // Each tick judges a copy of the book.
    let copy = state.alerts.clone();
    criterion.bench_function("copy_of_the_book", |b| b.iter(|| copy.clone()));
    criterion.bench_function("judge_for_the_screen", |b| b.iter(|| state.judge()));
}
