//! A small suite of benchmarks in every state, for the tests of this folder.

use std::{collections::BTreeMap, time::Duration};

use super::{
    known::{Goals, Known},
    rows::{Item, Line, Listing, lines},
};
use crate::{
    analysis::regression::{Baseline, RunVerdict, Since, Verdict},
    clock::Stamp,
    model::{
        bench::{BenchKey, Catalog, Group, Offer, Offered, Plan, Planned, RunPhase, RunPlan},
        figure::{Better, Figure, SeriesKey},
        pool::{Dataset, DatasetRow},
        run::{Change, Run, RunProgress},
        unit::Unit,
    },
    request::{BenchAct, Command},
    state::State,
    target::Bound,
    ui::view::Effect,
};

/// A moment, noon and a bit.
pub const NOW: i64 = 1_780_056_000_000;
pub const HOUR: i64 = 3_600_000;

pub fn key(bench: &str, of: &str) -> BenchKey {
    BenchKey { bench: bench.to_owned(), of: of.to_owned() }
}

pub fn series(figure: &str, of: &str) -> SeriesKey {
    SeriesKey { benchmark: figure.to_owned(), of: of.to_owned() }
}

pub fn offered(bench: &str, group: Group, figures: &[Figure], offers: &[(&str, Option<&str>)]) -> Offered {
    let offer =
        |(of, missing): &(&str, Option<&str>)| Offer { of: (*of).to_owned(), missing: missing.map(str::to_owned) };
    let doc = format!("What {bench} measures.");
    let offers = offers.iter().map(offer).collect();
    Offered { bench: bench.to_owned(), group, doc, figures: figures.to_vec(), offers }
}

pub fn figure(id: &str, title: &str, unit: Unit, better: Better) -> Figure {
    Figure { id: id.to_owned(), title: title.to_owned(), unit, better }
}

pub fn start() -> Figure {
    figure("container_start_seconds", "start", Unit::Seconds, Better::Lower)
}

pub fn random() -> Figure {
    figure("storage_random_iops", "random 4k", Unit::PerSecond, Better::Higher)
}

pub fn latency() -> Figure {
    figure("storage_latency_seconds", "latency", Unit::Seconds, Better::Lower)
}

/// Containers start; storage is random on a dataset, and cannot be on a folder; there is no model.
pub fn state() -> State {
    let mut state = State::default();
    state.host.now = Stamp { unix_ms: NOW, ..Stamp::at_seconds(1000) };
    let tokens = figure("model_tokens_per_second", "tokens", Unit::PerSecond, Better::Higher);
    let load = figure("model_load_seconds", "load", Unit::Seconds, Better::Lower);
    let none = Some("no GPU");
    state.runs.catalog = Some(Catalog {
        benches: vec![
            offered("start", Group::Containers, &[start()], &[("", None)]),
            offered("random", Group::Storage, &[random(), latency()], &[("tank", None), ("/srv", Some("no space"))]),
            offered("load", Group::Models, &[load], &[("", none), ("big", none)]),
            offered("tokens", Group::Models, &[tokens], &[("", none)]),
        ],
    });
    state
}

/// A run so many hours ago.
pub fn run(of: &SeriesKey, hours: i64, value: f64) -> Run {
    Run {
        id: format!("{} {hours}", of.benchmark),
        batch: String::new(),
        benchmark: of.benchmark.clone(),
        of: of.of.clone(),
        unit: Unit::PerSecond,
        better: Better::Higher,
        at_unix_ms: NOW - hours * HOUR,
        took: Duration::from_secs(31),
        samples: vec![value],
        fingerprint: BTreeMap::new(),
        notes: Vec::new(),
    }
}

/// What is said of it, against a normal that it is this part of.
pub fn verdict(run: &Run, verdict: Verdict, ratio: f64) -> RunVerdict {
    let median = run.samples[0];
    let normal = median / ratio;
    RunVerdict {
        run: run.id.clone(),
        at_unix_ms: run.at_unix_ms,
        verdict,
        better: run.better,
        median,
        ratio: Some(ratio),
        p: None,
        against: Some(Baseline { median: normal, low: normal, high: normal, runs: 9, since_unix_ms: NOW }),
        since: None,
        differs: Vec::new(),
        samples: 1,
        repeat: false,
        disturbed: false,
    }
}

/// Books runs, each so many hours ago, with what is said of them.
pub fn measured(state: &mut State, of: &SeriesKey, runs: &[(i64, f64, Verdict, f64)]) {
    for (hours, value, is, ratio) in runs {
        let run = run(of, *hours, *value);
        state.runs.verdicts.entry(of.clone()).or_default().push(verdict(&run, *is, *ratio));
        state.runs.history.entry(of.clone()).or_default().push(run);
    }
}

/// It has been as it is since its newest run; the run before was good so many hours ago.
pub fn since(state: &mut State, of: &SeriesKey, good_hours: i64) {
    let newest = state.runs.verdicts.get_mut(of).and_then(|verdicts| verdicts.last_mut()).expect("a run");
    let (run, at_unix_ms, good_unix_ms) = (newest.run.clone(), newest.at_unix_ms, Some(NOW - good_hours * HOUR));
    newest.since = Some(Since { run, at_unix_ms, good_unix_ms });
}

/// Something is under way, and this waits after it.
pub fn under_way(state: &mut State, at: &BenchKey, waits: &[BenchKey]) -> RunProgress {
    state.runs.queue = [at.clone()].iter().chain(waits).cloned().collect();
    let now = state.host.now;
    let progress = RunProgress {
        at: now,
        key: at.clone(),
        since: now.back(Duration::from_secs(18)),
        phase: RunPhase::Measuring,
        done: 0.6,
        left: Some(Duration::from_secs(12)),
        value: Some(43_100.0),
        samples: vec![43_000.0; 6],
        beside: vec!["p99 4.2 ms".to_owned()],
    };
    state.runs.progress = Some(progress.clone());
    progress
}

/// A plan of these, a minute each.
pub fn plan(keys: &[BenchKey], writes: u64) -> RunPlan {
    let part = |key: &BenchKey| {
        let steps = vec![format!("measures {}", key.bench)];
        let plan = Plan { steps, writes, time: Duration::from_secs(60), ..Plan::default() };
        Planned { key: key.clone(), plan: Ok(plan) }
    };
    RunPlan { id: "plan-1".to_owned(), parts: keys.iter().map(part).collect(), checks: Vec::new() }
}

pub fn goals(of: &SeriesKey, bound: Bound) -> Goals {
    Goals::from([(of.clone(), bound)])
}

/// The line of this figure.
pub fn item(state: &State, of: &SeriesKey) -> Item {
    let goals = Goals::new();
    let listing = Listing {
        unfolded: state.runs.catalog.iter().filter_map(|catalog| catalog.bench_of(of)).collect(),
        filter: String::new(),
    };
    let found = lines(Known { state, goals: &goals }, &listing).into_iter().find_map(|line| match line {
        Line::Item(item) if item.series() == *of => Some(*item),
        _ => None,
    });
    found.expect("it is listed")
}

/// What comes of a key, in words.
pub fn effects(effects: &[Effect], state: &State) -> Vec<String> {
    let words = |effect: &Effect| match effect {
        Effect::Open(overlay) => format!("opens {}", overlay.title(state)),
        Effect::OpenDetail(subject) => format!("shows {subject:?}"),
        Effect::Close => "closes".to_owned(),
        Effect::Say(_, words) => words.clone(),
        Effect::Do(Command::Bench(BenchAct::Plan(keys))) => {
            format!("plans {}", keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        Effect::Do(Command::Bench(BenchAct::Mark { series, says })) => {
            format!("{says:?} of {} {}", series.benchmark, series.of)
        }
        Effect::Do(Command::Bench(act)) => format!("{act:?}"),
        Effect::Do(Command::Job(job)) => format!("does {}", job.phrase()),
        Effect::Do(Command::Save { name, text }) => format!("saves {} lines in {name}", text.lines().count()),
        _ => "something else".to_owned(),
    };
    effects.iter().map(words).collect()
}

/// A property of the pool's dataset was set so many hours ago.
pub fn compressed(state: &mut State, hours: i64) {
    let reported = Dataset { name: "tank".into(), compression: "gzip".into(), ..Dataset::default() };
    state.host.pools.datasets = vec![DatasetRow { reported, ..DatasetRow::default() }];
    state.runs.changes.push(Change {
        at_unix_ms: NOW - hours * HOUR,
        kind: "dataset".into(),
        of: "tank".into(),
        property: "compression".into(),
        before: Some("lz4".into()),
        after: Some("gzip".into()),
    });
}
