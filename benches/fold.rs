//! The fold: a round of processes, whole and as the usual difference, and all other readings of one refresh.

use std::time::{Duration, Instant};

use benchtop::{
    alert,
    clock::Stamp,
    model::{
        event::{Event, Sample},
        process::ProcessSample,
        source::SourceId,
    },
    state::State,
};
use common::crowd::{crowd, reading};
use criterion::{BenchmarkId, Criterion};

mod common {
    pub mod crowd;
    pub mod timing;
}
#[path = "../tests/homelab/mod.rs"]
mod homelab;

fn main() {
    let mut criterion = common::timing::criterion();
    processes(&mut criterion);
    refresh(&mut criterion);
    criterion.final_summary();
}

/// Applies `event` again and again, a second apart; `change` alters it in between, unmeasured.
fn fold(state: &mut State, event: &mut Event, rounds: u64, mut change: impl FnMut(&mut Sample)) -> Duration {
    let mut took = Duration::ZERO;
    for _ in 0..rounds {
        if let Event::Reading(envelope) = event {
            envelope.outcome.as_mut().ok().into_iter().for_each(&mut change);
        }
        took += at(state, event, state.host.now.plus(Duration::from_secs(1)));
    }
    took
}

/// Applies `event` as of that moment.
fn at(state: &mut State, event: &mut Event, moment: Stamp) -> Duration {
    if let Event::Reading(envelope) = event {
        envelope.at = moment;
    }
    let event = std::hint::black_box(event.clone());
    let began = Instant::now();
    state.apply(event);
    began.elapsed()
}

/// Every process of the round spent some more time.
fn work(sample: &mut Sample) {
    let Sample::Processes(sample) = sample else { return };
    for row in &mut sample.rows {
        row.user_ticks += 3;
    }
}

fn processes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fold_processes");
    for count in [2_000, 10_000] {
        let first = crowd(count);
        let later = |every: usize| {
            let rows = first.rows.iter().step_by(every).map(|row| {
                let mut row = row.clone();
                (row.over_us, row.name, row.uid) = (1_000_000, None, None);
                row
            });
            let sample = ProcessSample { rows: rows.collect(), page_bytes: 4096, ..ProcessSample::default() };
            reading(SourceId::Processes, 2, Sample::Processes(sample))
        };
        for (name, every) in [("full", 1), ("delta", 20)] {
            let mut state = State::default();
            state.apply(reading(SourceId::Processes, 1, Sample::Processes(first.clone())));
            let mut event = later(every);
            group.bench_function(BenchmarkId::new(name, count), |b| {
                b.iter_custom(|rounds| fold(&mut state, &mut event, rounds, work));
            });
        }
    }
}

fn refresh(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fold_refresh");
    let read = homelab::read().into_iter().filter(|(source, _)| source.id != SourceId::Processes);
    let mut events: Vec<Event> = read.filter_map(|(s, outcome)| Some(reading(s.id, 1, outcome.ok()?))).collect();
    assert!(events.len() > 8, "the recorded host answers: {}", events.len());
    let mut state = State::new(alert::shipped().into());
    group.bench_function("all_other_sources", |b| {
        b.iter_custom(|rounds| {
            // One judgement a refresh, as in life.
            let mut refresh = || {
                let moment = state.host.now.plus(Duration::from_secs(1));
                events.iter_mut().map(|event| at(&mut state, event, moment)).sum::<Duration>()
            };
            (0..rounds).map(|_| refresh()).sum()
        });
    });
    group.bench_function("judge", |b| b.iter(|| state.judge()));
}
